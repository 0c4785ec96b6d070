#include "ebm/lab/experiment.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

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
  return {mean, std::sqrt(square / n)};
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
