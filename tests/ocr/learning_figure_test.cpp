#include "ocr/learning_figure.h"

#include <doctest/doctest.h>

#include "tests/ocr/scratch_folder.h"

using namespace talweg;
using namespace talweg::ocr;

namespace {

/// A run whose loss and errors halve at every measurement.
LearningRecord halving(int points) {
  LearningRecord record({});
  TrainingReport step;
  step.loss = 4;
  int64_t wrong = 512;
  for (int i = 0; i < points; ++i) {
    step.step = i;
    record.add_step(step);
    Score s;
    s.words = 100, s.exact = 100 - 50 / (i + 1);
    s.edits = {.matches = 1000 - wrong, .substitutions = wrong};
    record.add_point(s, i);
    step.loss /= 2, wrong /= 2;
  }
  return record;
}

}  // namespace

TEST_CASE("the charts hold every point and mark the state that is kept") {
  const auto charts = learning_charts(halving(4));
  REQUIRE(charts.size() == 2);
  CHECK(charts[0].series[0].x == std::vector<double>{1, 2, 3, 4});
  CHECK(charts[0].series[0].y == std::vector<double>{4, 2, 1, 0.5});
  CHECK(charts[1].series[0].y.back() == doctest::Approx(6.4));
  CHECK(charts[1].series[2].name == "kept: step 4");
  CHECK_FALSE(charts[0].log_y);
}

TEST_CASE("an axis is logarithmic where its values span widely, and says so") {
  const auto charts = learning_charts(halving(8));
  CHECK(charts[0].log_y);
  CHECK(contains(charts[0].y_label, "logarithmic"));
}

TEST_CASE("the picture is a PNG or an SVG with named axes, of one point or of none too") {
  for (const int points : {0, 1, 8}) {
    CAPTURE(points);
    const LearningRecord record = halving(points);
    CHECK(learning_figure(record, FigureFormat::png).starts_with("\x89PNG"));
    const std::string svg = learning_figure(record, FigureFormat::svg);
    CHECK(contains(svg, ">step<"));
    CHECK(contains(svg, "Loss in training"));
    CHECK(contains(svg, "Errors on validation words") == (points > 0));
  }
}

TEST_CASE("a run without validation words has the loss alone") {
  LearningRecord record({});
  record.add_step({});
  record.add_point({}, 1);
  CHECK(learning_charts(record).size() == 1);
}
