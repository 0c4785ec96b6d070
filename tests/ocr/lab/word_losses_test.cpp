#include <doctest/doctest.h>

#include "ocr/lab/experiments.h"
#include "ocr/word_model.h"

using namespace talweg;
using namespace talweg::ebm::lab;

TEST_CASE("words are read better after a loss on words, unless they are mixed up") {
  ocr::lab::WordLossSize small{60, 120, 20};
  small.architecture = ocr::Architecture::parse("net/4p-8p-8v-8-c16");
  const Findings right = ocr::lab::compare_word_losses({}, small);
  for (const Measurement& m : right.measurements) {
    CHECK_MESSAGE(m.holds(), m.what << ": predicted " << m.predicted << ", measured " << m.measured
                                    << ", tolerance " << m.tolerance);
  }
  CHECK(right.verdict());
  CHECK(right.figures.size() == 1);
  CHECK(right.tables.at(0).rows.size() == 12);
  CHECK(!ocr::lab::compare_word_losses({.fault = true}, small).verdict());
}
