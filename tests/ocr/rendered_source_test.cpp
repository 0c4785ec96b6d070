#include "ocr/rendered_source.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <thread>

#include "core/error.h"
#include "ocr/text.h"
#include "ocr/word_model.h"
#include "tests/ocr/scratch_folder.h"

namespace talweg::ocr {
namespace {

std::shared_ptr<const TypefaceSet> faces() {
  static const auto set = [] {
    TypefaceSetOptions options;
    options.letters = reader_letters();
    return std::make_shared<const TypefaceSet>(std::vector<std::string>{find_font()}, options);
  }();
  return set;
}

TextMix texts() { return TextMix({"river", "stone", "house", "understanding"}, reader_letters()); }

RenderedSource source(RenderedOptions options = {}) {
  return RenderedSource(faces(), texts(), Alphabet(reader_letters()), options);
}

bool same(const Batch& a, const Batch& b) {
  return a.images.shape() == b.images.shape() && a.texts == b.texts && a.widths == b.widths &&
         std::ranges::equal(a.images.values(), b.images.values());
}

TEST_CASE("a batch depends on the seed and its step alone") {
  const RenderedSource first = source(), second = source();
  Batch a, b;
  for (int64_t step : {70, 3, 0, 4, 3}) {  // back and forth between pools
    first.words(step, a);
    source().words(step, b);
    CHECK(same(a, b));
  }
  second.words(4, b);
  CHECK_FALSE(same(a, b));
  source({.seed = 2}).words(3, b);
  CHECK_FALSE(same(a, b));
  first.characters(3, a);
  second.characters(3, b);
  CHECK(same(a, b));
}

TEST_CASE("batches made at once by two threads are those made one after the other") {
  const RenderedSource shared = source();
  Batch a, b, expected;
  std::thread other([&] {
    for (int64_t step = 200; step < 204; ++step) shared.words(step, b);
  });
  for (int64_t step = 0; step < 4; ++step) shared.words(step, a);
  other.join();
  source().words(3, expected);
  CHECK(same(a, expected));
  source().words(203, expected);
  CHECK(same(b, expected));
}

TEST_CASE("batches hold bounded ink, measured spans and labels that fit their windows") {
  const RenderedSource words = source();
  const Architecture architecture;
  Batch batch;
  for (int64_t step = 0; step < 24; ++step) {
    words.words(step, batch);
    const int64_t width = batch.images.shape()[2];
    REQUIRE(!batch.texts.empty());
    REQUIRE(batch.images.shape() == Shape{int64_t(batch.texts.size()), kModelHeight, width, 1});
    const auto [low, high] = std::ranges::minmax(batch.images.values());
    REQUIRE(low >= -1);  // brighter than the page
    REQUIRE(high <= 1.5f);
    REQUIRE(batch.spans.measured);
    size_t at = 0;
    for (size_t i = 0; i < batch.texts.size(); ++i) {
      const std::u32string text = decode_utf8(batch.texts[i]);
      REQUIRE(batch.widths[i] <= width);
      REQUIRE(architecture.windows(batch.widths[i]) >= least_windows(text, ebm::Topology::ctc));
      for (size_t k = 0; k < text.size(); ++k, ++at) {
        REQUIRE(batch.spans.columns[at].x0 <= batch.spans.columns[at].x1);
        REQUIRE(batch.spans.columns[at].x0 >= 0);
        REQUIRE(batch.spans.columns[at].x1 <= batch.widths[i] + 1e-6);
      }
    }
    REQUIRE(at == batch.spans.columns.size());
  }
}

TEST_CASE("batches have about the columns that were asked for, a fifth of them padding at most") {
  const RenderedSource words = source({.columns_per_batch = 2000});
  Batch batch;
  double padded = 0, columns = 0;
  constexpr int kSteps = 64;
  for (int64_t step = 0; step < kSteps; ++step) {
    words.words(step, batch);
    padded += double(batch.texts.size()) * double(batch.images.shape()[2]);
    for (int width : batch.widths) columns += width;
  }
  CHECK(padded / kSteps > 1400);
  CHECK(padded / kSteps < 3600);
  CHECK(padded < 1.25 * columns);
}

TEST_CASE("one pool's batches hold each of its words once") {
  const RenderedSource words = source({.columns_per_batch = 300});
  Batch batch;
  size_t count = 0;
  for (int64_t step = 0; step < 64; ++step) {
    words.words(step, batch);
    count += batch.texts.size();
  }
  CHECK(count == size_t(std::lround(64 * 300 / 128.0)));
}

TEST_CASE("a topology with more windows gets wider words") {
  const RenderedSource words = source({.topology = ebm::Topology::classic});
  const Architecture architecture;
  Batch batch;
  for (int64_t step = 0; step < 8; ++step) {
    words.words(step, batch);
    for (size_t i = 0; i < batch.texts.size(); ++i) {
      const std::u32string text = decode_utf8(batch.texts[i]);
      REQUIRE(architecture.windows(batch.widths[i]) >= least_windows(text, ebm::Topology::classic));
    }
  }
  const RenderedSource none = source({.windows = [](int) { return 0; }});
  CHECK(contains(thrown<Error>([&] { none.words(0, batch); }), "need more windows"));
}

TEST_CASE("a listed word has its image, its text and a box a letter inside the image") {
  const RenderedSource words = source();
  for (int64_t i = 0; i < 100; ++i) {
    const RenderedWord word = words.draw(9, i);
    const RenderedWord again = words.draw(9, i);
    REQUIRE(word.image.pixels == again.image.pixels);
    REQUIRE(word.text == again.text);
    const std::u32string text = decode_utf8(word.text);
    REQUIRE(word.boxes.size() == text.size());
    for (const CharBox& box : word.boxes) {
      REQUIRE((0 <= box.x0 && box.x0 <= box.x1 && box.x1 <= word.image.width));
      REQUIRE((0 <= box.y0 && box.y0 <= box.y1 && box.y1 <= word.image.height));
    }
    REQUIRE(word.face == "Anonymous Pro Regular");
  }
  CHECK(words.draw("given", 9, 0).text == "given");
  CHECK(contains(thrown<IoError>([&] { words.draw("中", 9, 0); }), "has all letters of '中'"));
}

TEST_CASE("texts with letters that the alphabet lacks are refused") {
  const std::string refusal = thrown<Error>(
      [] { RenderedSource(faces(), texts(), Alphabet::from_spec("a-z"), RenderedOptions()); });
  CHECK(contains(refusal, "the alphabet lacks"));
}

}  // namespace
}  // namespace talweg::ocr
