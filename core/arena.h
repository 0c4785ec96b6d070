// Memory that a training step reuses: a pool for tensor values, an arena for backward closures, and
// places for nodes. They ask the system for memory while the first steps run, and then no more.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace talweg {

inline constexpr std::size_t kAlignment = 64;  ///< one cache line, one AVX-512 vector

/// A block of aligned memory that frees itself.
struct AlignedDelete {
  void operator()(void* p) const { ::operator delete(p, std::align_val_t(kAlignment)); }
};
using Block = std::unique_ptr<std::byte, AlignedDelete>;
inline Block aligned_block(std::size_t bytes) {
  return Block(static_cast<std::byte*>(::operator new(bytes, std::align_val_t(kAlignment))));
}

/// A bump allocator: objects live until the arena is rewound to a mark taken before them.
/// Destructors never run, so only trivially destructible objects may live here.
class Arena {
 public:
  struct Mark {
    std::size_t block = 0, used = 0;
  };

  void* allocate(std::size_t bytes, std::size_t align = alignof(std::max_align_t)) {
    at_.used = (at_.used + align - 1) & ~(align - 1);  // a power of two
    while (at_.block < blocks_.size() && at_.used + bytes > blocks_[at_.block].second) {
      at_ = {at_.block + 1, 0};
    }
    if (at_.block == blocks_.size()) {
      const std::size_t size = std::max(bytes, kFirstBlock << std::min<std::size_t>(at_.block, 8));
      blocks_.emplace_back(aligned_block(size), size);
    }
    return blocks_[at_.block].first.get() + std::exchange(at_.used, at_.used + bytes);
  }

  Mark mark() const { return at_; }
  void rewind(const Mark& m) { at_ = m; }

 private:
  static constexpr std::size_t kFirstBlock = 1 << 16;
  std::vector<std::pair<Block, std::size_t>> blocks_;
  Mark at_;
};

/// A stack of objects that never move, so that handles may point at them. A popped one stays as it
/// is, and is the next to be pushed again.
template <class Item> class Places {
 public:
  std::size_t size() const { return size_; }
  Item& operator[](std::size_t i) { return blocks_[i / kBlock][i % kBlock]; }
  Item& push() {
    if (size_ == blocks_.size() * kBlock) blocks_.push_back(std::make_unique<Item[]>(kBlock));
    return (*this)[size_++];
  }
  Item& pop() { return (*this)[--size_]; }

 private:
  static constexpr std::size_t kBlock = 256;
  std::vector<std::unique_ptr<Item[]>> blocks_;
  std::size_t size_ = 0;
};

/// Free lists of 64-byte aligned memory, four size classes to a doubling (at most 25 % waste).
/// Released memory waits, linked through its own first bytes, for the next request of its class.
class Pool {
 public:
  void* allocate(std::size_t bytes) {
    const std::size_t c = size_class(bytes);
    live_bytes_ += class_bytes(c);
    return free_[c] ? std::exchange(free_[c], free_[c]->next) : fresh(class_bytes(c));
  }

  void release(void* p, std::size_t bytes) {
    const std::size_t c = size_class(bytes);
    live_bytes_ -= class_bytes(c);
    free_[c] = new (p) Free{free_[c]};
  }

  std::size_t live_bytes() const { return live_bytes_; }          ///< handed out at this moment
  std::size_t reserved_bytes() const { return reserved_bytes_; }  ///< ever taken from the system

 private:
  struct Free {
    Free* next;
  };

  // Sizes in cache lines: 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, ...
  static std::size_t size_class(std::size_t bytes) {
    const std::size_t lines = bytes == 0 ? 1 : (bytes + kAlignment - 1) / kAlignment;
    if (lines <= 4) return lines - 1;
    const int shift = std::bit_width(lines - 1) - 3;
    return 4 * std::size_t(shift) + ((lines - 1) >> shift);  // the second term is 4 ... 7
  }
  static std::size_t class_bytes(std::size_t c) {
    return (c < 4 ? c + 1 : (c % 4 + 5) << (c / 4 - 1)) * kAlignment;
  }

  [[gnu::noinline]] void* fresh(std::size_t bytes) {  // out of allocate()'s way
    reserved_bytes_ += bytes;
    if (bytes <= kSmall) return small_.allocate(bytes, kAlignment);
    return large_.emplace_back(aligned_block(bytes)).get();
  }

  static constexpr std::size_t kSmall = 1 << 13;  // cut from the arena's larger blocks
  std::array<Free*, 4 * 60> free_{};
  Arena small_;
  std::vector<Block> large_;
  std::size_t live_bytes_ = 0, reserved_bytes_ = 0;
};

}  // namespace talweg
