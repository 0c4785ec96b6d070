// The processes that train one model together, each with a copy of it. All of them make the same calls in
// the same order, and so each knows what the others wait for.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <type_traits>

#include "core/error.h"

namespace talweg::nn {

class Communicator {
 public:
  virtual ~Communicator() = default;
  /// 0 ... size() - 1. Process 0 is the one that speaks and writes files.
  virtual int rank() const = 0;
  virtual int size() const = 0;
  /// Bytes from one process to another, who asks for as many; send() may wait until they are asked for.
  /// Both throw PeerError where the other failed meanwhile, Interrupted where this process is to end.
  virtual void send(std::span<const std::byte> bytes, int to) = 0;
  virtual void receive(std::span<std::byte> bytes, int from) = 0;

  /// What process 0 has, to all: everyone hands on to those at twice its distance, log2(size) times.
  void broadcast(std::span<std::byte> bytes);
  /// The same for one value; returns that of process 0.
  template <class V> V broadcast(V value) {
    static_assert(std::is_trivially_copyable_v<V>);
    broadcast(std::as_writable_bytes(std::span(&value, 1)));
    return value;
  }
};

/// One process by itself.
class Alone final : public Communicator {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  /// Throw Error: there is nobody.
  void send(std::span<const std::byte> bytes, int to) override;
  void receive(std::span<std::byte> bytes, int from) override;
};

/// Another process of the job failed; the message is its own.
class PeerError : public Error {
 public:
  using Error::Error;
};

/// This process was asked to end while it waited for another.
class Interrupted : public Error {
 public:
  using Error::Error;
};

/// Throws Error, saying what each has, in every process whose `value` is not that of process 0.
void expect_alike(Communicator& ranks, const std::string& what, const std::string& value);

}  // namespace talweg::nn
