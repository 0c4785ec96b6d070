// Memory that a training step reuses: a pool for tensor values and an arena for backward closures.
// Both ask the system for memory while the first steps run and for none afterwards.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

namespace talweg {

inline constexpr std::size_t kAlignment = 64;  ///< one cache line, one AVX-512 vector

/// Free lists of 64-byte aligned blocks, four size classes to a doubling (at most 25 % waste).
/// A released block waits, linked through its own first bytes, for the next request of its class.
class Pool {
 public:
  Pool() = default;
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool() {
    for (auto [block, bytes] : blocks_) ::operator delete(block, std::align_val_t(kAlignment));
  }

  void* allocate(std::size_t bytes) {
    const std::size_t c = size_class(bytes);
    live_bytes_ += class_bytes(c);
    if (Free* block = free_[c]) {
      free_[c] = block->next;
      return block;
    }
    return fresh(class_bytes(c));
  }

  void release(void* block, std::size_t bytes) {
    const std::size_t c = size_class(bytes);
    live_bytes_ -= class_bytes(c);
    free_[c] = new (block) Free{free_[c]};
  }

  std::size_t live_bytes() const { return live_bytes_; }          ///< handed out at this moment
  std::size_t reserved_bytes() const { return reserved_bytes_; }  ///< ever taken from the system

 private:
  struct Free {
    Free* next;
  };
  static constexpr std::size_t kSlab = 1 << 16;  // small blocks are cut from slabs of this size

  // Class c holds (4 + c % 4) * 2^(c / 4) cache lines, less the three lines that small sizes save:
  // 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, ... lines.
  static std::size_t size_class(std::size_t bytes) {
    const std::size_t lines = bytes == 0 ? 1 : (bytes + kAlignment - 1) / kAlignment;
    if (lines <= 4) return lines - 1;
    const int shift = std::bit_width(lines - 1) - 3;
    const std::size_t quarter = (lines - 1) >> shift;  // 4 ... 7
    return 4 * std::size_t(shift) + quarter;
  }
  static std::size_t class_bytes(std::size_t c) {
    if (c < 4) return (c + 1) * kAlignment;
    return ((c % 4 + 5) << (c / 4 - 1)) * kAlignment;
  }

  void* fresh(std::size_t bytes) {
    if (bytes > kSlab / 8) return system(bytes);
    if (slab_left_ < bytes) {
      slab_ = static_cast<std::byte*>(system(kSlab));
      slab_left_ = kSlab;
    }
    slab_left_ -= bytes;
    return std::exchange(slab_, slab_ + bytes);
  }

  void* system(std::size_t bytes) {
    void* block = ::operator new(bytes, std::align_val_t(kAlignment));
    blocks_.emplace_back(block, bytes);
    reserved_bytes_ += bytes;
    return block;
  }

  std::array<Free*, 4 * 60> free_{};
  std::vector<std::pair<void*, std::size_t>> blocks_;
  std::byte* slab_ = nullptr;
  std::size_t slab_left_ = 0, live_bytes_ = 0, reserved_bytes_ = 0;
};

/// A bump allocator: objects live until the arena is rewound to a mark taken before them.
/// Destructors never run, so only trivially destructible objects may live here.
class Arena {
 public:
  struct Mark {
    std::size_t block = 0, used = 0;
  };

  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() {
    for (auto [block, bytes] : blocks_) ::operator delete(block, std::align_val_t(kAlignment));
  }

  void* allocate(std::size_t bytes) {
    constexpr std::size_t align = alignof(std::max_align_t);
    bytes = (bytes + align - 1) / align * align;
    while (at_.block < blocks_.size() && at_.used + bytes > blocks_[at_.block].second) {
      at_ = {at_.block + 1, 0};
    }
    if (at_.block == blocks_.size()) {
      const std::size_t size = std::max(bytes, kFirstBlock << std::min<std::size_t>(at_.block, 8));
      blocks_.emplace_back(::operator new(size, std::align_val_t(kAlignment)), size);
    }
    std::byte* p = static_cast<std::byte*>(blocks_[at_.block].first) + at_.used;
    at_.used += bytes;
    return p;
  }

  Mark mark() const { return at_; }
  void rewind(Mark m) { at_ = m; }

 private:
  static constexpr std::size_t kFirstBlock = 1 << 16;
  std::vector<std::pair<void*, std::size_t>> blocks_;
  Mark at_;
};

}  // namespace talweg
