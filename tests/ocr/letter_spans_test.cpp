#include "ocr/letter_spans.h"

#include <doctest/doctest.h>

using namespace talweg::ocr;

namespace {

constexpr int32_t kBetween = 9;

std::vector<int32_t> symbols(const std::vector<int32_t>& word, const LetterSpans& spans,
                             int windows, double stride) {
  std::vector<int32_t> result{7, 7, 7};  // what it held is replaced
  sure_symbols(word, spans.columns, spans.measured, kBetween, windows, stride, result);
  return result;
}

}  // namespace

TEST_CASE("evenly shared, the middle of each letter is sure, and what lies behind the word") {
  LetterSpans spans;
  add_even_spans(spans, 2, 0, 20);  // middles at 5 and 15
  CHECK(symbols({3, 1}, spans, 7, 4) == std::vector<int32_t>{-1, 3, -1, 1, -1, 9, 9});
}

TEST_CASE(
    "measured, the inner part of a letter is sure, its rim is not, and the gaps are BETWEEN") {
  // Windows of 2 px, middles 1, 3, 5 ...; a letter in [4, 14), another in [20, 24).
  const LetterSpans spans{{{4, 14}, {20, 24}}, true};
  CHECK(symbols({3, 1}, spans, 14, 2) ==
        std::vector<int32_t>{9, 9, -1, 3, 3, 3, -1, 9, 9, 9, 1, 1, 9, 9});
}

TEST_CASE("measured, a window that two letters share says nothing, but each letter's middle does") {
  const LetterSpans spans{{{0, 12}, {4, 16}}, true};  // middles at 6 and 10
  const std::vector<int32_t> found = symbols({3, 1}, spans, 8, 2);
  CHECK(found == std::vector<int32_t>{-1, 3, -1, 3, -1, 1, 1, -1});
}

TEST_CASE("measured, a blank stands between its neighbours") {
  const LetterSpans spans{{{0, 6}, {0, 0}, {18, 24}}, true};
  const std::vector<int32_t> found = symbols({3, 5, 1}, spans, 12, 2);
  CHECK(found[1] == 3);
  CHECK(found[4] == 5);
  CHECK(found[6] == 5);
  CHECK(found[10] == 1);
}

TEST_CASE("letters beyond the image's windows, and images without windows, do no harm") {
  const LetterSpans spans{{{-5, 3}, {40, 60}}, true};
  CHECK(symbols({3, 1}, spans, 4, 2).size() == 4);
  CHECK(symbols({3, 1}, spans, 0, 2).empty());
  CHECK(symbols({}, LetterSpans{}, 3, 2) == std::vector<int32_t>{-1, -1, -1});
}
