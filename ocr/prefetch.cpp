#include "ocr/prefetch.h"

#include <omp.h>

#include <system_error>

#include "core/error.h"

namespace talweg::ocr {

Prefetcher::Prefetcher(Make make, int64_t first, int64_t end, int ahead)
    : make_(std::move(make)), end_(end), in_use_(first - 1), next_(first), made_(first) {
  expect(ahead >= 0, "[prefetch] can't make ", ahead, " batches ahead; give 0 or more");
  for (int i = 0; i <= ahead; ++i) ring_.emplace_back();
  if (ahead == 0 || first >= end) return;
  try {
    thread_ = std::thread([this] { produce(); });
  } catch (const std::system_error&) {  // no more threads to be had: next() makes them
  }
}

Prefetcher::~Prefetcher() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

const Batch& Prefetcher::next() {
  std::unique_lock lock(mutex_);
  expect(next_ < end_, "[prefetch] there is no batch after that of step ", end_ - 1);
  if (!thread_.joinable()) {
    make_(next_, slot(next_));
    return slot(next_++);
  }
  in_use_ = next_;  // which gives the batch before back
  changed_.notify_all();
  changed_.wait(lock, [this] { return made_ > next_ || failure_; });
  if (made_ == next_) std::rethrow_exception(failure_);
  return slot(next_++);
}

void Prefetcher::produce() {
  omp_set_num_threads(1);  // the others belong to the training step
  std::unique_lock lock(mutex_);
  while (made_ < end_) {
    const int64_t step = made_;
    const auto room = [&] { return step < in_use_ + int64_t(ring_.size()); };
    changed_.wait(lock, [&] { return stop_ || room(); });
    if (stop_) return;
    lock.unlock();
    std::exception_ptr failure;
    try {
      make_(step, slot(step));
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    failure_ = failure;
    if (!failure) ++made_;
    changed_.notify_all();
    if (failure) return;
  }
}

}  // namespace talweg::ocr
