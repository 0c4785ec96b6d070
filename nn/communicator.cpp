#include "nn/communicator.h"

namespace talweg::nn {

void Communicator::broadcast(std::span<std::byte> bytes) {
  // After the round of distance d, processes 0 ... 2d - 1 have the bytes.
  for (int distance = 1; distance < size(); distance *= 2) {
    if (rank() < distance) {
      if (rank() + distance < size()) send(bytes, rank() + distance);
    } else if (rank() < 2 * distance) {
      receive(bytes, rank() - distance);
    }
  }
}

void Alone::send(std::span<const std::byte>, int to) {
  throw Error(message("[communicator] one process alone can't send to process ", to));
}

void Alone::receive(std::span<std::byte>, int from) {
  throw Error(message("[communicator] one process alone can't receive from process ", from));
}

void expect_alike(Communicator& ranks, const std::string& what, const std::string& value) {
  std::string first = value;
  first.resize(ranks.broadcast(first.size()));
  ranks.broadcast(std::as_writable_bytes(std::span(first)));
  if (first != value) {
    throw Error(message(what, ": '", value, "' here, '", first,
                        "' in process 0; what processes train together must be the same in all"));
  }
}

}  // namespace talweg::nn
