// What a fuzz target built with libFuzzer, which brings its own main, adds to it.
// usage: test_fuzz_X --write-corpus FOLDER
#include <cstdlib>
#include <filesystem>

#include "core/io/file.h"
#include "tests/fuzz/input.h"

namespace {

/// A file a seed: FOLDER/seed-0 and on.
void write_corpus(const std::filesystem::path& folder) {
  talweg::io::make_directories(folder);
  const talweg::fuzz::Corpus corpus = talweg::fuzz::corpus();
  for (size_t k = 0; k < corpus.seeds.size(); ++k) {
    talweg::io::write_file_atomically(folder / ("seed-" + std::to_string(k)), corpus.seeds[k]);
  }
}

}  // namespace

// The name is libFuzzer's, which calls it before all else.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerInitialize(int* count, char*** arguments) {
  if (*count == 3 && std::string_view((*arguments)[1]) == "--write-corpus") {
    write_corpus((*arguments)[2]);
    std::exit(0);
  }
  return 0;
}
