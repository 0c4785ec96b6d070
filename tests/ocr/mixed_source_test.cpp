#include "ocr/mixed_source.h"

#include <doctest/doctest.h>

#include "core/error.h"
#include "tests/ocr/small_training.h"

using namespace talweg;
using namespace talweg::ocr;

namespace {

/// Says in each batch which source made it, and for which step.
class Named : public BatchSource {
 public:
  Named(std::string name, Alphabet alphabet, int64_t epoch = 0)
      : name_(std::move(name)), alphabet_(std::move(alphabet)), epoch_(epoch) {}
  void characters(int64_t step, Batch& batch) const override {
    batch.texts = {"character", name_, std::to_string(step)};
  }
  void words(int64_t step, Batch& batch) const override {
    batch.texts = {"word", name_, std::to_string(step)};
  }
  const Alphabet& alphabet() const override { return alphabet_; }
  int64_t steps_per_epoch() const override { return epoch_; }

 private:
  std::string name_;
  Alphabet alphabet_;
  int64_t epoch_;
};

MixedSource mixed(double share) {
  return MixedSource(std::make_unique<Named>("images", Alphabet(U"ab"), 6),
                     std::make_unique<Named>("drawn", Alphabet(U"ab")), share);
}

}  // namespace

TEST_CASE("a mix takes its share of steps from each source, evenly, and leaves none out") {
  for (const double share : {0.01, 0.25, 0.5, 0.7, 0.99}) {
    CAPTURE(share);
    const MixedSource source = mixed(share);
    int64_t images = 0, drawn = 0;
    for (int64_t step = 0; step < 1000; ++step) {
      Batch batch;
      source.words(step, batch);
      int64_t& next = batch.texts[1] == "images" ? images : drawn;
      CHECK(batch.texts[0] == "word");
      CHECK(batch.texts[2] == std::to_string(next));
      ++next;
      CHECK(std::abs(double(images) - share * double(step + 1)) < 1 + 1e-6);
    }
    CHECK(images == doctest::Approx(1000 * share).epsilon(0.001));
  }
  Batch batch;
  mixed(0.5).characters(3, batch);
  CHECK(batch.texts == std::vector<std::string>{"character", "images", "1"});
}

TEST_CASE("an epoch of a mix is one of its images") {
  CHECK(mixed(0.5).steps_per_epoch() == 12);
  CHECK(mixed(0.25).steps_per_epoch() == 24);
}

TEST_CASE("a mix of other letters, or of one source alone, is refused") {
  CHECK_THROWS_WITH_AS(MixedSource(std::make_unique<Named>("images", Alphabet(U"ab")),
                                   std::make_unique<Named>("drawn", Alphabet(U"abc")), 0.5),
                       doctest::Contains("'ab', the other 'abc'"), Error);
  for (const double share : {0.0, 1.0, -1.0}) {
    CHECK_THROWS_WITH_AS(mixed(share), doctest::Contains("between 0 and 1"), Error);
  }
}
