// talweg lab: the theory of energy-based learning as experiments, in one report.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/io/file.h"
#include "ebm/lab/experiments.h"
#include "ebm/lab/report.h"
#include "ocr/cli/command.h"
#include "ocr/cli/progress.h"
#include "ocr/cli/short_spins.h"
#include "ocr/lab/experiments.h"

namespace talweg::ocr::cli {

namespace {

namespace lab = ebm::lab;

struct LabArguments {
  std::string out = "lab";
  std::vector<std::string> only;
  bool full = false, fault = false;
};

const char* relation_name(lab::Measurement::Relation relation) {
  switch (relation) {
    case lab::Measurement::Relation::at_most:
      return "at most";
    case lab::Measurement::Relation::at_least:
      return "at least";
    case lab::Measurement::Relation::equal:
      break;
  }
  return "equal";
}

nlohmann::ordered_json json_of(const lab::Result& r) {
  nlohmann::ordered_json numbers = nlohmann::json::array();
  for (const lab::Measurement& m : r.findings.measurements) {
    numbers.push_back({{"what", m.what},
                       {"relation", relation_name(m.relation)},
                       {"predicted", m.predicted},
                       {"measured", m.measured},
                       {"tolerance", m.tolerance},
                       {"tolerance_from", m.tolerance_from},
                       {"holds", m.holds()}});
  }
  return {{"id", r.experiment.id},       {"name", r.experiment.name},
          {"title", r.experiment.title}, {"holds", r.findings.verdict()},
          {"numbers", numbers},          {"remarks", r.findings.remarks}};
}

/// Those of the theory and those on words, by number.
std::vector<lab::Experiment> all_experiments() {
  std::vector<lab::Experiment> all = lab::experiments();
  const auto& words = ocr::lab::experiments();
  all.insert(all.end(), words.begin(), words.end());
  std::ranges::stable_sort(all, {},
                           [](const lab::Experiment& e) { return std::stoi(e.id.substr(1)); });
  return all;
}

void run_lab(const LabArguments& a, const Settings& settings) {
  begin_with_short_spins();
  const lab::RunOptions options{.seed = settings.seed, .fault = a.fault, .full = a.full};
  std::vector<lab::Experiment> chosen;
  try {
    chosen = lab::choose(all_experiments(), a.only);
  } catch (const Error& e) {
    throw UsageError(e.what());
  }
  const io::FileLock ours = claim_folder(a.out);
  std::vector<lab::Result> results;
  std::vector<double> seconds(chosen.size());
  {
    Progress progress("experiments", int64_t(chosen.size()), settings.quiet);
    int64_t ended = 0;
    results = lab::run_all(chosen, options, [&](std::size_t i, double took) {
      seconds[i] = took;
      progress.update(++ended, chosen[i].name);
    });
  }
  nlohmann::ordered_json json = {
      {"seed", settings.seed}, {"fault", a.fault}, {"full", a.full}, {"experiments", {}}};
  bool all_hold = true;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const lab::Result& r = results[i];
    json["experiments"].push_back(json_of(r));
    all_hold = all_hold && r.findings.verdict();
    std::printf("%-4s %-24s %-8s %6.1f s  %s\n", r.experiment.id.c_str(), r.experiment.name.c_str(),
                r.findings.verdict() ? "holds" : "REFUTED", seconds[i], r.experiment.title.c_str());
    for (const lab::Measurement& m : r.findings.measurements) {
      if (m.holds()) continue;
      std::printf("       %s: predicted %s, measured %s, tolerance %s\n", m.what.c_str(),
                  lab::number(m.predicted).c_str(), lab::number(m.measured).c_str(),
                  lab::number(m.tolerance).c_str());
    }
  }
  const std::filesystem::path out = a.out;
  lab::lab_page(results, options).save(out / "index.html");
  io::write_file_atomically(out / "results.json", json.dump(2) + "\n");
  std::printf("report: %s\n", (out / "index.html").c_str());
  if (!all_hold) throw Exit{1};
}

}  // namespace

void add_lab(CLI::App& app, const Settings& settings) {
  auto a = std::make_shared<LabArguments>();
  CLI::App* command = app.add_subcommand(
      "lab", "Measures the claims of energy-based learning and writes one report");
  command->add_option("--out", a->out, "Folder for report and results")->capture_default_str();
  command->add_option("--only", a->only, "Experiments by name or number; all if none is given");
  command->add_flag("--full", a->full, "Longer runs where an experiment has them");
  command->add_flag("--fault", a->fault,
                    "Commit each experiment's planted fault, which must turn its verdict");
  command->footer("Example: talweg lab --out lab --only E10 noisy-labels");
  command->callback([=, &settings] { run_lab(*a, settings); });
}

}  // namespace talweg::ocr::cli
