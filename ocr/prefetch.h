// Batches made ahead of time: while a step trains on one, a thread of its own renders the next.
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "ocr/batch.h"

namespace talweg::ocr {

/// Makes the batches of the steps first ... end - 1 in order, at most `ahead` more than were asked
/// for. What they hold does not depend on it, as a batch depends on its step alone; only when they
/// are made does. With ahead = 0, or where the system grants no thread, they are made in next().
///
/// One thread may call next(). The batches' memory is used again. What make throws for a step,
/// next() throws when that step is asked for. The destructor waits for the batch in the making.
class Prefetcher {
 public:
  /// Fills `batch` for a step; called on the other thread, where OpenMP has one thread.
  using Make = std::function<void(int64_t step, Batch& batch)>;

  Prefetcher(Make make, int64_t first, int64_t end, int ahead);
  ~Prefetcher();
  Prefetcher(const Prefetcher&) = delete;
  Prefetcher& operator=(const Prefetcher&) = delete;

  /// The batch of the next step, good until the next call. Throws Error after the last.
  const Batch& next();

 private:
  void produce();
  Batch& slot(int64_t step) { return ring_[std::size_t(step) % ring_.size()]; }

  const Make make_;
  const int64_t end_;
  std::vector<Batch> ring_;  // that of step s at s modulo its size
  std::mutex mutex_;         // guards what follows
  std::condition_variable changed_;
  int64_t in_use_;  // the step whose batch the caller has
  int64_t next_;    // the step to be asked for
  int64_t made_;    // the first step not made yet
  bool stop_ = false;
  std::exception_ptr failure_;  // of step made_
  std::thread thread_;
};

}  // namespace talweg::ocr
