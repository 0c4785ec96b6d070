#include "ocr/annealing.h"

#include <doctest/doctest.h>

#include <cmath>

#include "core/error.h"

using namespace talweg;
using namespace talweg::ocr;

TEST_CASE("a schedule comes back from its string, exactly") {
  for (const char* text : {"inf", "1", "0.3:inf", "0.3:10", "1e-05:3"}) {
    CAPTURE(text);
    CHECK(BetaSchedule::parse(text).to_string() == text);
  }
  const BetaSchedule odd{1.0 / 3, 2.0 / 3};
  CHECK(BetaSchedule::parse(odd.to_string()) == odd);
}

TEST_CASE("beta stays, rises by one factor, or rises for half the steps and is hard then") {
  CHECK(std::isinf(BetaSchedule().at(0, 10)));
  CHECK(BetaSchedule::parse("2").at(7, 10) == 2);
  const BetaSchedule rising = BetaSchedule::parse("0.5:8");
  CHECK(rising.at(0, 5) == 0.5);
  CHECK(rising.at(2, 5) == doctest::Approx(2));
  CHECK(rising.at(4, 5) == doctest::Approx(8));
  CHECK(rising.at(0, 1) == doctest::Approx(8));
  const BetaSchedule to_hard = BetaSchedule::parse("0.5:inf");
  CHECK(to_hard.at(0, 100) == 0.5);
  CHECK(to_hard.at(25, 100) == doctest::Approx(5));
  CHECK(to_hard.at(49, 100) < 50);
  CHECK(std::isinf(to_hard.at(50, 100)));
  CHECK(std::isinf(to_hard.at(99, 100)));
}

TEST_CASE("what is no schedule is refused and shown") {
  for (const char* text :
       {"", "warm", "0", "-1", "nan", "1:", ":1", "2:1", "inf:1", "1:2:3", "1 ", "0:inf"}) {
    CAPTURE(text);
    const std::string shown = "'" + std::string(text) + "' is no inverse temperature";
    CHECK_THROWS_WITH_AS(BetaSchedule::parse(text), doctest::Contains(shown.c_str()), Error);
  }
}
