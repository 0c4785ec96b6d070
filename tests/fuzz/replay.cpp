// The main of a fuzz target that was built without libFuzzer: its seeds and some thousand inputs near
// them and far from them, always the same; or the files given, to look into what a fuzzer found.
// usage: test_fuzz_X [FILE...]
#include <cstdint>
#include <cstdio>
#include <string>

#include "core/io/file.h"
#include "core/rng.h"
#include "tests/fuzz/input.h"

namespace {

void feed(const std::string& bytes) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
}

std::string random_bytes(talweg::Rng& rng, uint64_t most) {
  std::string bytes(rng.below(most), '\0');
  for (char& b : bytes) b = static_cast<char>(rng.next());
  return bytes;
}

}  // namespace

int main(int count, char** arguments) {
  for (int k = 1; k < count; ++k) feed(talweg::io::read_file(arguments[k]));
  if (count > 1) return 0;

  const talweg::fuzz::Corpus corpus = talweg::fuzz::corpus();
  for (const std::string& seed : corpus.seeds) feed(seed);
  talweg::Rng rng(1);
  for (int k = 0; k < corpus.inputs; ++k) {
    const bool near_a_seed = !corpus.seeds.empty() && rng.below(8) > 0;
    if (near_a_seed) {
      const std::string script = random_bytes(rng, 200);
      talweg::fuzz::Input in(reinterpret_cast<const uint8_t*>(script.data()), script.size());
      feed(talweg::fuzz::damaged(in, corpus.seeds[rng.below(corpus.seeds.size())]));
    } else {
      feed(random_bytes(rng, 400));
    }
  }
  std::printf("%zu seeds and %d inputs kept every promise\n", corpus.seeds.size(), corpus.inputs);
}
