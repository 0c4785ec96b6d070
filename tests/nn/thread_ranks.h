// Processes that are threads: for tests of what several do together.
#pragma once

#include <condition_variable>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "nn/communicator.h"

namespace talweg::nn {

/// What is under way, by sender and receiver.
class Post {
 public:
  void put(int from, int to, std::span<const std::byte> bytes) {
    const std::lock_guard lock(mutex_);
    letters_[{from, to}].emplace_back(bytes.begin(), bytes.end());
    changed_.notify_all();
  }
  std::vector<std::byte> take(int from, int to) {
    std::unique_lock lock(mutex_);
    auto& letters = letters_[{from, to}];
    changed_.wait(lock, [&] { return !letters.empty(); });
    std::vector<std::byte> letter = std::move(letters.front());
    letters.pop_front();
    return letter;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::pair<int, int>, std::deque<std::vector<std::byte>>> letters_;
};

class ThreadRank final : public Communicator {
 public:
  ThreadRank(Post& post, int rank, int size) : post_(post), rank_(rank), size_(size) {}
  int rank() const override { return rank_; }
  int size() const override { return size_; }
  void send(std::span<const std::byte> bytes, int to) override { post_.put(rank_, to, bytes); }
  void receive(std::span<std::byte> bytes, int from) override {
    const std::vector<std::byte> letter = post_.take(from, rank_);
    expect(letter.size() == bytes.size(), "expected ", bytes.size(), " bytes, found ",
           letter.size());
    std::memcpy(bytes.data(), letter.data(), letter.size());
  }

 private:
  Post& post_;
  int rank_, size_;
};

/// body(ranks) in `size` threads. It must not throw.
inline void run_ranks(int size, const std::function<void(Communicator& ranks)>& body) {
  Post post;
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank) {
    threads.emplace_back([&, rank] {
      ThreadRank ranks(post, rank, size);
      body(ranks);
    });
  }
  for (std::thread& t : threads) t.join();
}

}  // namespace talweg::nn
