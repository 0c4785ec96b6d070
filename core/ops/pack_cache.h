// The packed forms of one weight tensor, kept for as long as its numbers stay.
//
// Convolution kernels read weights in an order of their own (kernels.h, conv2d_pack). Whoever owns
// a weight that several passes read can keep a PackCache next to it and lend both to a tape:
// tape.borrow(weight, false, &cache). Then the first pass packs and the others find it done.
#pragma once

#include <atomic>
#include <mutex>

#include "core/arena.h"
#include "core/kernels/kernels.h"

namespace talweg {

/// One packed copy for each instruction set, algorithm, face and geometry that was asked for.
///
/// Threads may call get() at the same time: what is there is found without a lock, what is missing
/// is packed once, under one. Whoever changes the weight calls invalidate(), at a time when nobody
/// reads it; the memory stays and is filled again. A copy of a cache is an empty cache, since it
/// will stand next to another tensor.
template <class T> class PackCache {
 public:
  PackCache() = default;
  PackCache(const PackCache&) noexcept {}
  PackCache& operator=(const PackCache&) noexcept { return invalidate(), *this; }
  ~PackCache() {
    for (Entry* e = first_.load(); e;) delete std::exchange(e, e->next);
  }

  /// The weight `w` packed for this face; good until invalidate().
  const T* get(const kernels::Conv2dShape& s, kernels::Conv2dAlgo algo, kernels::Conv2dFace face,
               const T* w) {
    const Key key{&kernels::table<T>(), algo, face, without_image(s)};
    Entry* found = find(key);
    if (found && is_fresh(*found)) return found->data();
    const std::lock_guard<std::mutex> lock(filling_);
    found = find(key);
    if (!found) {
      const auto count = std::size_t(key.table->conv2d_packed_size(s, algo, face));
      found = new Entry{key, aligned_block(count * sizeof(T)), first_.load(), {kNever}};
      first_.store(found, std::memory_order_release);
    }
    if (!is_fresh(*found)) {  // else another thread was faster
      key.table->conv2d_pack(s, algo, face, w, found->data());
      ++packs_;
      found->version.store(version_, std::memory_order_release);
    }
    return found->data();
  }

  /// The weight may have changed: nothing packed so far is good any more.
  void invalidate() noexcept { ++version_; }

  /// How often get() had to pack.
  int64_t packs() const { return packs_; }

 private:
  static constexpr uint64_t kNever = 0;

  struct Key {
    const kernels::KernelTable<T>* table;
    kernels::Conv2dAlgo algo;
    kernels::Conv2dFace face;
    kernels::Conv2dShape geometry;
    bool operator==(const Key&) const = default;
  };

  /// Everything but `version`, and what data() points at, stays as it was made.
  struct Entry {
    Key key;
    Block memory;
    Entry* next;
    std::atomic<uint64_t> version;  // of the weight that is packed here
    T* data() const { return reinterpret_cast<T*>(memory.get()); }
  };

  /// Packed weights do not depend on the image's size.
  static kernels::Conv2dShape without_image(kernels::Conv2dShape s) {
    s.n = s.h = s.w = 0;
    return s;
  }
  Entry* find(const Key& key) const {
    Entry* e = first_.load(std::memory_order_acquire);
    while (e && !(e->key == key)) e = e->next;
    return e;
  }
  bool is_fresh(const Entry& e) const {
    return e.version.load(std::memory_order_acquire) == version_.load(std::memory_order_relaxed);
  }

  std::mutex filling_;
  std::atomic<Entry*> first_{nullptr};  // a list that only grows; a weight has one entry or two
  std::atomic<uint64_t> version_{kNever + 1};
  std::atomic<int64_t> packs_{0};
};

}  // namespace talweg
