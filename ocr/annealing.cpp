#include "ocr/annealing.h"

#include <charconv>
#include <cmath>
#include <string_view>

#include "core/error.h"

namespace talweg::ocr {

namespace {

std::string shortest(double beta) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, beta).ptr;
  return {digits, end};
}

/// NaN for what is no number.
double parse_beta(std::string_view text) {
  double beta = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), beta);
  const bool good = error == std::errc() && end == text.data() + text.size();
  return good ? beta : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

double BetaSchedule::at(int64_t step, int64_t steps) const {
  if (first == last) return first;
  if (last < kHard) {
    const double part = steps > 1 ? double(step) / double(steps - 1) : 1;
    return first * std::pow(last / first, part);
  }
  const double part = 2 * double(step) / double(steps);
  return part < 1 ? first * std::pow(kRise, part) : kHard;
}

std::string BetaSchedule::to_string() const {
  return first == last ? shortest(first) : shortest(first) + ":" + shortest(last);
}

BetaSchedule BetaSchedule::parse(const std::string& text) {
  const std::string_view all = text;
  const std::size_t colon = all.find(':');
  const double first = parse_beta(all.substr(0, colon));
  const double last = colon == std::string_view::npos ? first : parse_beta(all.substr(colon + 1));
  expect(first > 0 && last >= first, "'", text,
         "' is no inverse temperature; write a number above 0 or inf, or two that rise, such as "
         "0.3:inf");
  return {first, last};
}

}  // namespace talweg::ocr
