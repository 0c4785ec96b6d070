// What an experiment of the laboratory is: a claim of the theory, put so that numbers can refute
// it.
//
// A claim predicts numbers; the experiment measures them; a tolerance, computed from a standard
// error or from a bound and never picked by eye, says when the two agree. The verdict is that all
// do. Each experiment can also commit a fault (a flipped sign, a dropped term) that has to turn its
// verdict: the tests run both, so that a verdict means something.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/io/html.h"
#include "core/io/svg.h"

namespace talweg::ebm::lab {

/// One number beside its prediction.
struct Measurement {
  enum class Relation { equal, at_most, at_least };
  std::string what;
  double predicted = 0, measured = 0;
  double tolerance = 0;        ///< how far measured may lie on the wrong side of predicted
  std::string tolerance_from;  ///< such as "4 standard errors over 12 repeats"
  Relation relation = Relation::equal;

  /// Does it hold? NaN never does.
  bool holds() const;
};

/// measured = predicted within `deviations` standard errors.
Measurement within_errors(std::string what, double predicted, double measured,
                          double standard_error, double deviations = 4);
/// measured = predicted within a bound that `from` derives.
Measurement within_bound(std::string what, double predicted, double measured, double bound,
                         std::string from);
/// measured <= limit + slack, measured >= limit - slack.
Measurement at_most(std::string what, double limit, double measured, double slack,
                    std::string from);
Measurement at_least(std::string what, double limit, double measured, double slack,
                     std::string from);

/// A mean over independent repeats and its standard error, deviation / sqrt(repeats).
struct Estimate {
  double mean = 0, standard_error = 0;
  int64_t repeats = 0;

  /// The standard error times student_quantile(repeats - 1): as far as the mean of normal repeats
  /// strays from what it estimates once in 16,000.
  double reach() const;
};
/// Throws Error for fewer than two.
Estimate estimate(std::span<const double> repeats);

/// A normal number is farther than 4 deviations from its mean once in 16,000.
inline constexpr double kRare = 6.334e-5;
/// The t with P(|T| > t) = chance for Student's T: a mean of normal numbers, less what it estimates,
/// over its standard error, which is itself estimated from degrees_of_freedom + 1 numbers. 8.3 for 7,
/// 6.1 for 11, 4 for very many. Throws Error unless degrees_of_freedom >= 1 and 0 < chance < 1.
/// Source: Student 1908; the distribution by Abramowitz and Stegun 1964, 26.7.3 and 26.7.4.
double student_quantile(int64_t degrees_of_freedom, double chance = kRare);

/// measured = predicted within the repeats' reach.
Measurement within_repeats(std::string what, double predicted, const Estimate& measured);
/// measured is above, or below, the limit by more than the repeats' reach.
Measurement clearly_above(std::string what, double limit, const Estimate& measured);
Measurement clearly_below(std::string what, double limit, const Estimate& measured);

struct Figure {
  std::string svg, caption;
};

/// Adds a measured point to a chart's series: a dot with a bar of 2 standard errors, not joined to its
/// neighbours, for a line is what theory predicts.
void add_point(io::Series& dots, double x, double y, double standard_error);

/// What a run found.
struct Findings {
  std::vector<Measurement> measurements;
  std::vector<Figure> figures;
  std::vector<io::Table> tables;
  std::vector<std::string> remarks;  ///< what the numbers mean, one sentence each

  /// Do all measurements hold, and is there one?
  bool verdict() const;
};

struct RunOptions {
  uint64_t seed = 1;
  bool fault = false;  ///< commit the experiment's planted fault
  bool full = false;   ///< take longer, for more, where the experiment knows how
};

struct Experiment {
  std::string id;    ///< "E3"
  std::string name;  ///< "beta-sweep", for --only
  std::string title;
  std::string question;  ///< what is claimed or asked
  std::string method;    ///< how it is measured, and how the prediction comes about
  std::string fault;     ///< the planted fault, in words
  Findings (*run)(const RunOptions& options) = nullptr;
  bool slow = false;  ///< minutes rather than seconds: begun first
};

/// Appends the experiment's section: question, method, figures, numbers beside predictions,
/// verdict.
void add_section(io::HtmlPage& page, const Experiment& experiment, const Findings& findings);

/// A number as the report prints it: four digits that count.
std::string number(double value);

}  // namespace talweg::ebm::lab
