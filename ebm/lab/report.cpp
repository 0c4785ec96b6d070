#include "ebm/lab/report.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <numeric>

#include "core/error.h"
#include "ebm/lab/questions.h"

namespace talweg::ebm::lab {

std::vector<Experiment> choose(std::span<const Experiment> all,
                               std::span<const std::string> names) {
  const auto is = [](const Experiment& e, const std::string& name) {
    return e.name == name || e.id == name;
  };
  for (const std::string& name : names) {
    if (std::any_of(all.begin(), all.end(), [&](auto& e) { return is(e, name); })) continue;
    std::string known;
    for (const Experiment& e : all) known += (known.empty() ? "" : ", ") + e.id + " " + e.name;
    throw Error(message("there is no experiment '", name, "'; choose among ", known));
  }
  std::vector<Experiment> chosen;
  for (const Experiment& e : all) {
    if (names.empty() ||
        std::any_of(names.begin(), names.end(), [&](auto& name) { return is(e, name); })) {
      chosen.push_back(e);
    }
  }
  return chosen;
}

std::vector<Result> run_all(std::span<const Experiment> chosen, const RunOptions& options,
                            const std::function<void(std::size_t, double)>& done) {
  using Clock = std::chrono::steady_clock;
  std::vector<Result> results(chosen.size());
  std::vector<std::exception_ptr> failures(chosen.size());
  const int64_t count = std::ssize(chosen);
  std::vector<std::size_t> order(chosen.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_partition(order.begin(), order.end(),
                        [&](std::size_t at) { return chosen[at].slow; });
#pragma omp parallel for schedule(dynamic)
  for (int64_t i = 0; i < count; ++i) {
    const std::size_t at = order[std::size_t(i)];
    const auto start = Clock::now();
    try {
      results[at] = {chosen[at], chosen[at].run(options)};
    } catch (...) {  // must not leave the parallel region
      failures[at] = std::current_exception();
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
#pragma omp critical(talweg_lab_done)
    if (done && !failures[at]) done(at, seconds);
  }
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
  return results;
}

io::HtmlPage lab_page(std::span<const Result> results, const RunOptions& options) {
  io::HtmlPage page(
      "Energy-based learning, claim by claim",
      "Each experiment takes one claim of the theory, predicts a number from it, measures the "
      "number, and says whether the two agree within an error that is computed, not chosen.");
  const auto held = std::count_if(results.begin(), results.end(),
                                  [](const Result& r) { return r.findings.verdict(); });
  page.paragraph(message(held, " of ", results.size(), " claims hold. Seed ", options.seed,
                         "; the same seed gives the same numbers and figures."));
  if (options.fault) {
    page.paragraph(
        "Every experiment here commits its planted fault on purpose: the verdicts have to turn.");
  }
  io::Table table{{"", "claim", "numbers that agree", "verdict"}, {}, "What holds."};
  for (const Result& r : results) {
    const auto& all = r.findings.measurements;
    const auto good =
        std::count_if(all.begin(), all.end(), [](const Measurement& m) { return m.holds(); });
    table.rows.push_back({r.experiment.id, r.experiment.title, message(good, " of ", all.size()),
                          r.findings.verdict() ? "holds" : "REFUTED"});
  }
  page.table(table);
  for (const Result& r : results) add_section(page, r.experiment, r.findings);
  add_questions(page, results);
  return page;
}

}  // namespace talweg::ebm::lab
