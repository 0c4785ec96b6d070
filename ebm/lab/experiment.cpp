#include "ebm/lab/experiment.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <numbers>

#include "core/error.h"

namespace talweg::ebm::lab {

bool Measurement::holds() const {
  switch (relation) {
    case Relation::equal:
      return std::abs(measured - predicted) <= tolerance;
    case Relation::at_most:
      return measured <= predicted + tolerance;
    case Relation::at_least:
      return measured >= predicted - tolerance;
  }
  return false;
}

Measurement within_errors(std::string what, double predicted, double measured,
                          double standard_error, double deviations) {
  return {std::move(what), predicted, measured, deviations * standard_error,
          message(deviations, " standard errors of ", number(standard_error))};
}

Measurement within_bound(std::string what, double predicted, double measured, double bound,
                         std::string from) {
  return {std::move(what), predicted, measured, bound, std::move(from)};
}

Measurement at_most(std::string what, double limit, double measured, double slack,
                    std::string from) {
  return {std::move(what), limit, measured, slack, std::move(from), Measurement::Relation::at_most};
}

Measurement at_least(std::string what, double limit, double measured, double slack,
                     std::string from) {
  return {std::move(what), limit,           measured,
          slack,           std::move(from), Measurement::Relation::at_least};
}

Estimate estimate(std::span<const double> repeats) {
  const auto n = static_cast<double>(repeats.size());
  expect(n >= 2, "[estimate] a standard error needs two repeats or more, found ", repeats.size());
  double mean = 0, square = 0;
  for (double r : repeats) mean += r / n;
  for (double r : repeats) square += (r - mean) * (r - mean) / (n - 1);
  return {mean, std::sqrt(square / n), std::ssize(repeats)};
}

namespace {

/// P(|T| > t). With theta = atan(t / sqrt(nu)), P(|T| < t) is a finite sum of powers of cos theta.
double student_tail(int64_t nu, double t) {
  const double theta = std::atan(t / std::sqrt(static_cast<double>(nu)));
  const double cosine = std::cos(theta);
  const bool odd = nu % 2 != 0;
  double term = odd ? cosine : 1, sum = nu == 1 ? 0 : term;
  for (int64_t k = odd ? 3 : 2; k < nu; k += 2) {
    term *= cosine * cosine * static_cast<double>(k - 1) / static_cast<double>(k);
    sum += term;
  }
  return 1 - (odd ? 2 / std::numbers::pi * (theta + std::sin(theta) * sum) : std::sin(theta) * sum);
}

std::string reach_in_words(const Estimate& e) {
  return message(number(student_quantile(e.repeats - 1)), " standard errors of ",
                 number(e.standard_error), ", Student's for ", e.repeats, " repeats");
}

}  // namespace

double student_quantile(int64_t degrees_of_freedom, double chance) {
  expect(degrees_of_freedom >= 1 && chance > 0 && chance < 1, "[student_quantile] ",
         degrees_of_freedom, " degrees of freedom, chance ", chance,
         "; there must be one or more, and the chance between 0 and 1");
  double low = 0, high = 1;
  while (student_tail(degrees_of_freedom, high) > chance) high *= 2;
  for (int step = 0; step < 60; ++step) {
    const double t = (low + high) / 2;
    (student_tail(degrees_of_freedom, t) > chance ? low : high) = t;
  }
  return (low + high) / 2;
}

double Estimate::reach() const { return standard_error * student_quantile(repeats - 1); }

Measurement within_repeats(std::string what, double predicted, const Estimate& measured) {
  return within_bound(std::move(what), predicted, measured.mean, measured.reach(),
                      reach_in_words(measured));
}

Measurement clearly_above(std::string what, double limit, const Estimate& measured) {
  return at_least(std::move(what), limit, measured.mean, -measured.reach(),
                  "above by " + reach_in_words(measured));
}

Measurement clearly_below(std::string what, double limit, const Estimate& measured) {
  return at_most(std::move(what), limit, measured.mean, -measured.reach(),
                 "below by " + reach_in_words(measured));
}

void add_point(io::Series& dots, double x, double y, double standard_error) {
  const double gap = std::numeric_limits<double>::quiet_NaN();
  dots.points = true;
  dots.x.insert(dots.x.end(), {x, x});
  dots.y.insert(dots.y.end(), {y, gap});
  dots.low.insert(dots.low.end(), {y - 2 * standard_error, gap});
  dots.high.insert(dots.high.end(), {y + 2 * standard_error, gap});
}

bool Findings::verdict() const {
  return !measurements.empty() && std::all_of(measurements.begin(), measurements.end(),
                                              [](const Measurement& m) { return m.holds(); });
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

namespace {

io::Table measurement_table(const std::vector<Measurement>& measurements) {
  io::Table table{{"what", "predicted", "measured", "tolerance", "from", "holds"}, {}, ""};
  for (const Measurement& m : measurements) {
    const char* sign = m.relation == Measurement::Relation::at_most    ? "≤ "
                       : m.relation == Measurement::Relation::at_least ? "≥ "
                                                                       : "";
    table.rows.push_back({m.what, sign + number(m.predicted), number(m.measured),
                          number(m.tolerance), m.tolerance_from, m.holds() ? "yes" : "no"});
  }
  table.caption = "Measured beside predicted.";
  return table;
}

}  // namespace

void add_section(io::HtmlPage& page, const Experiment& experiment, const Findings& findings) {
  page.section(experiment.id + ". " + experiment.title);
  page.paragraph("Question. " + experiment.question);
  page.paragraph("Method. " + experiment.method);
  for (const Figure& f : findings.figures) page.figure_svg(f.svg, f.caption);
  for (const io::Table& t : findings.tables) page.table(t);
  page.table(measurement_table(findings.measurements));
  page.list(findings.remarks);
  page.paragraph(findings.verdict() ? "Verdict: holds." : "Verdict: REFUTED by the numbers above.");
  page.paragraph("Planted fault, which must turn the verdict: " + experiment.fault);
}

}  // namespace talweg::ebm::lab
