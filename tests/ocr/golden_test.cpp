// Models and their readings as earlier versions of the program wrote them: whatever changes, they load and
// read the same. tests/ocr/golden/README.md says how each was made.
#include <doctest/doctest.h>

#include "core/io/file.h"
#include "ocr/letter_model.h"
#include "ocr/recognizer.h"
#include "ocr/text.h"
#include "tests/ocr/scratch_folder.h"

using namespace talweg;
using namespace talweg::ocr;

namespace {

std::string golden(const std::string& name) { return std::string(TALWEG_GOLDEN) + "/" + name; }

}  // namespace

TEST_CASE("models of every format that was ever written load, and read what they read") {
  for (const char* name : {"cnn", "net"}) {
    CAPTURE(name);
    const Recognizer recognizer = Recognizer::load(golden(std::string(name) + ".safetensors"));
    const std::string expected = io::read_file(golden("readings.tsv"));
    int read = 0;
    for (const TextLine& line : lines_of(expected)) {
      const auto cells = cells_of(line.text);
      REQUIRE(cells.size() == 2);
      CAPTURE(cells[0]);
      CHECK(recognizer.read(io::load_gray(golden(std::string(cells[0])))).text == cells[1]);
      ++read;
    }
    CHECK(read == 6);
  }
}

TEST_CASE("a model of the first format is classic, of the old family of networks, and of beta 1") {
  const ModelInfo info = model_info(nn::Checkpoint::load(golden("cnn.safetensors")));
  CHECK(info.metadata.at("architecture") == "cnn/4-8-8-8-16");
  CHECK_FALSE(info.metadata.contains("topology"));
  CHECK(info.architecture == Architecture::parse("net/4p-8p-8v-8-c16"));
  CHECK(info.topology == ebm::Topology::classic);
  CHECK(info.reading_beta == 1);
}

TEST_CASE("a model of today's format tells its topology, its temperature and its training") {
  const ModelInfo info = model_info(nn::Checkpoint::load(golden("net.safetensors")));
  CHECK(info.topology == ebm::Topology::margins);
  CHECK(info.alphabet.to_string() == "0123456789");
  CHECK(info.reading_beta == doctest::Approx(std::stod(info.metadata.at(kReadingBetaKey))));
  CHECK(contains(info.metadata.at("training_summary"), "\"cer\":"));
}

TEST_CASE("a letter model of an earlier version says what it said") {
  const LetterModel model = LetterModel::load(golden("digits.lm"));
  CHECK(model.letters() == U"0123456789");
  const auto symbols = model.symbols_of(U"12");
  const ebm::NgramModel& ngram = model.ngram();
  const auto start = ngram.start();
  CHECK(ngram.cost(start, symbols[0]) < ngram.cost(start, symbols[1]));
}
