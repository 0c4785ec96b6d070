// Files of letter models: any bytes, as they are and behind a right checksum, are refused in a
// sentence or are a model whose probabilities are some.
#include <cmath>
#include <string>

#include "core/error.h"
#include "ebm/align/ngram.h"
#include "tests/fuzz/input.h"

namespace talweg::ebm {
namespace {

using fuzz::require;

uint64_t checksum(std::string_view bytes) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

void check_model(const NgramModel& model) {
  if (model.symbols() > 1000) return;
  double total = std::exp(-model.end_cost(model.start()));
  NgramModel::State state = model.start();
  for (int32_t a = 0; a < model.symbols(); ++a) {
    const double cost = model.cost(model.start(), a);
    require(cost >= 0, "a cost is not negative, and no NaN");
    total += std::exp(-cost);
    state = model.next(state, a);
    require(model.end_cost(state) >= 0, "every word may end");
  }
  require(std::abs(total - 1) < 1e-9, "what may begin a word has probability 1 in all");
}

void check_bytes(std::string_view bytes) {
  try {
    check_model(NgramModel::from_bytes(bytes, "FILE"));
  } catch (const IoError& e) {
    require(std::string_view(e.what()).starts_with("[ngram] FILE is "), "a refusal says of what");
  }
}

std::string a_model(fuzz::Input& in) {
  LabelList words;
  const int64_t symbols = 1 + in.below(5);
  for (int64_t n = 1 + in.below(4); n > 0; --n) {
    std::vector<int32_t> word(in.below(5));
    for (int32_t& a : word) a = static_cast<int32_t>(in.below(symbols));
    words.add(word);
  }
  return NgramModel::train(words.view(), symbols, 1 + int(in.below(4))).to_bytes("abc");
}

}  // namespace
}  // namespace talweg::ebm

talweg::fuzz::Corpus talweg::fuzz::corpus() { return {}; }

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace talweg::ebm;
  talweg::fuzz::Input in(data, size);
  std::string bytes;
  switch (in.below(4)) {
    case 0:
      check_bytes(in.rest());
      return 0;
    case 1:
      bytes = "TALWEGLM" + std::string(in.rest());
      break;
    default:  // a sound model, changed in some places
      bytes = a_model(in);
      check_bytes(bytes);
      bytes.resize(bytes.size() - sizeof(uint64_t));
      for (int64_t n = in.below(4); n > 0; --n) {
        bytes[in.bits<uint16_t>() % bytes.size()] = static_cast<char>(in.byte());
      }
  }
  const uint64_t sum = checksum(bytes);
  bytes.append(reinterpret_cast<const char*>(&sum), sizeof sum);
  check_bytes(bytes);
  return 0;
}
