// The main of a fuzz target that was built without libFuzzer: some thousand random inputs, always
// the same; or the files given, to look into what a fuzzer found.
// usage: test_fuzz_X [FILE...]
#include <cstdint>
#include <cstdio>
#include <vector>

#include "core/io/file.h"
#include "core/rng.h"
#include "tests/fuzz/input.h"

int main(int count, char** arguments) {
  for (int k = 1; k < count; ++k) {
    const std::string bytes = talweg::io::read_file(arguments[k]);
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  }
  if (count > 1) return 0;

  constexpr int kInputs = 20000;
  talweg::Rng rng(1);
  for (int k = 0; k < kInputs; ++k) {
    std::vector<uint8_t> bytes(rng.below(400));
    for (uint8_t& b : bytes) b = static_cast<uint8_t>(rng.next());
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  }
  std::printf("%d random inputs kept every promise\n", kInputs);
}
