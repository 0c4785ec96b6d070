#include "core/io/svg.h"

#include <doctest/doctest.h>

#include <limits>

#include "tests/core/io/scratch.h"

using talweg::Error;
using namespace talweg::io;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

size_t count(const std::string& text, const std::string& part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++n;
  return n;
}

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

void check_ticks(const std::vector<double>& found, const std::vector<double>& expected) {
  REQUIRE(found.size() == expected.size());
  for (size_t i = 0; i < found.size(); ++i) CHECK(found[i] == doctest::Approx(expected[i]));
}

}  // namespace

TEST_CASE("ticks are round numbers inside the range") {
  check_ticks(nice_ticks(0, 10, 5), {0, 2, 4, 6, 8, 10});
  check_ticks(nice_ticks(-0.3, 0.31, 6), {-0.2, 0, 0.2});
  check_ticks(nice_ticks(1234, 1300, 4), {1240, 1260, 1280, 1300});
  CHECK(nice_ticks(1, 1).empty());
  CHECK(nice_ticks(0, kInf).empty());
  CHECK(nice_ticks(0, kNan).empty());
}

TEST_CASE("ticks of a logarithmic axis are powers of ten, with 2 and 5 over few decades") {
  check_ticks(log_ticks(0.001, 100), {0.001, 0.01, 0.1, 1, 10, 100});
  check_ticks(log_ticks(0.9, 12), {1, 2, 5, 10});
  CHECK(log_ticks(1e-30, 1e30).size() < 12);
  CHECK_THROWS_AS(log_ticks(0, 1), Error);
}

TEST_CASE("text is escaped and shapes are written with short numbers") {
  Svg svg(10, 20, "a <b>");
  svg.text(1, 2.5, "<&>", {});
  svg.line(0, 1.0 / 3, 1, 1, {.color = "#123456", .width = 2});
  svg.text(0, 0, "", {});
  const std::string text = svg.str();
  CHECK(contains(text, "aria-label=\"a &lt;b&gt;\""));
  CHECK(contains(text, ">&lt;&amp;&gt;</text>"));
  CHECK(contains(text, "y1=\"0.33\""));
  CHECK(count(text, "<text") == 1);
}

TEST_CASE("a chart names its axes and every series") {
  const LineChart chart{.title = "Loss",
                        .x_label = "epoch",
                        .y_label = "nats",
                        .series = {{.name = "train", .x = {0, 1, 2}, .y = {3, 2, 1}},
                                   {.name = "test", .x = {0, 1, 2}, .y = {3, 2.5, 2}}}};
  const std::string text = draw(chart);
  for (const char* part : {">Loss<", ">epoch<", ">nats<", ">train<", ">test<"}) {
    CAPTURE(part);
    CHECK(contains(text, part));
  }
  CHECK(count(text, "<polyline") == 2);
  CHECK(draw(chart) == text);
}

TEST_CASE("values that are not finite break a line instead of spoiling it") {
  const LineChart chart{.series = {{.x = {0, 1, 2, 3, 4, 5}, .y = {1, 2, kNan, 4, 5, kInf}}}};
  const std::string text = draw(chart);
  CHECK(count(text, "<polyline") == 2);
  CHECK_FALSE(contains(text, "nan"));
  CHECK_FALSE(contains(text, "inf"));
}

TEST_CASE("a logarithmic chart leaves out what is not positive") {
  const LineChart chart{
      .series = {{.x = {0, 1, 2}, .y = {0, 1, 100}, .low = {0, -1, 50}, .high = {1, 2, 200}}},
      .log_y = true};
  const std::string text = draw(chart);
  CHECK(count(text, "<polyline") == 1);
  CHECK(count(text, "<polygon") == 1);
  CHECK_FALSE(contains(text, "nan"));
  CHECK_FALSE(contains(text, "inf"));
}

TEST_CASE("intervals are a band under a line and bars at marked points") {
  Series series{.x = {0, 1}, .y = {1, 2}, .low = {0, 1}, .high = {2, 3}};
  CHECK(count(draw(LineChart{.series = {series}}), "<polygon") == 1);
  series.points = true;
  const std::string text = draw(LineChart{.series = {series}});
  CHECK(count(text, "<polygon") == 0);
  CHECK(count(text, "<circle") == 2);
}

TEST_CASE("a chart of nothing says so, and one point is drawn") {
  CHECK(contains(draw(LineChart{}), "no points to draw"));
  CHECK(contains(draw(LineChart{.log_y = true}), "no points to draw"));
  const std::string one = draw(LineChart{.series = {{.x = {5}, .y = {7}}}});
  CHECK(count(one, "<circle") == 1);
  CHECK_FALSE(contains(one, "nan"));
}

TEST_CASE("series of unequal lengths are refused by name") {
  CHECK(sentence<Error>([] {
          draw(LineChart{.series = {{.name = "loss", .x = {1, 2}, .y = {1}}}});
        }) == "[line_chart] series loss: 2 x values must equal 1 y values");
  CHECK(sentence<Error>([] {
          draw(LineChart{.series = {{.name = "loss", .x = {1}, .y = {1}, .low = {0}}}});
        }) ==
        "[line_chart] series loss: intervals (1 low, 0 high) must be none or one for each of 1 "
        "points");
  CHECK_THROWS_AS(draw(LineChart{.log_y = true, .y_min = 0.0}), Error);
}

TEST_CASE("a matrix panel shows labels, paths through cell centres and the value range") {
  MatrixPanel panel{.title = "Energies", .rows = 2, .cols = 3, .values = {0, 1, 2, 3, 4, 8}};
  panel.row_labels = {"a", "_"};
  panel.col_labels = {"0", "1", "2"};
  panel.paths = {{.name = "best", .cells = {{0, 0}, {0, 1}, {1, 2}}}};
  const std::string text = draw(panel);
  for (const char* part : {">Energies<", ">a<", ">_<", ">best<", ">8<", ">0<"}) {
    CAPTURE(part);
    CHECK(contains(text, part));
  }
  CHECK(count(text, "<image") == 2);
  CHECK(count(text, "<polyline") == 2);  // the path and its casing
  panel.print_values = true;
  CHECK(contains(draw(panel), ">4<"));
}

TEST_CASE("a matrix panel refuses what does not fit it") {
  const MatrixPanel fine{.rows = 1, .cols = 2, .values = {1, 2}};
  MatrixPanel panel = fine;
  panel.values.pop_back();
  CHECK(sentence<Error>([&] { draw(panel); }) ==
        "[matrix_panel] 1 x 2 cells expected, found 1 values");
  panel = fine;
  panel.col_labels = {"a"};
  CHECK(sentence<Error>([&] { draw(panel); }) ==
        "[matrix_panel] 1 column labels must be none or 2");
  panel = fine;
  panel.paths = {{.name = "p", .cells = {{0, 2}}}};
  CHECK(sentence<Error>([&] { draw(panel); }) ==
        "[matrix_panel] path p leaves the 1 x 2 matrix at (0, 2)");
}

TEST_CASE("colours repeat after eight series and are written in hexadecimal") {
  CHECK(series_color(0) == series_color(8));
  CHECK(series_color(0) != series_color(1));
  CHECK(css_color({0, 171, 255}) == "#00abff");
}
