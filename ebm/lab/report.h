// The laboratory's report: which experiments are asked for, run, and on one page.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "ebm/lab/experiment.h"

namespace talweg::ebm::lab {

/// An experiment and what its run found.
struct Result {
  Experiment experiment;
  Findings findings;
};

/// The named ones of `all`, in the order of `all`; all where no name is given. A name is an id ("E10")
/// or a name ("step-size-bias"). Throws Error for an unknown one, with the names there are.
std::vector<Experiment> choose(std::span<const Experiment> all, std::span<const std::string> names);

/// Runs the experiments, as many at a time as there are threads; what each finds does not depend on
/// how many that are. `done(i, seconds)`, one call at a time, hears of each as it ends. The results
/// are in the experiments' order; the first exception is thrown again when all have ended.
std::vector<Result> run_all(std::span<const Experiment> chosen, const RunOptions& options,
                            const std::function<void(std::size_t, double)>& done = nullptr);

/// One self-contained page: a table of verdicts, a section an experiment, the chapter of questions.
io::HtmlPage lab_page(std::span<const Result> results, const RunOptions& options);

}  // namespace talweg::ebm::lab
