// talweg check: puts every op of the engine through its checks.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "core/op_check.h"
#include "ocr/cli/command.h"
#include "ocr/cli/op_cards.h"
#include "ocr/cli/progress.h"

namespace talweg::ocr::cli {

namespace {

void run_check(const std::vector<std::string>& names, const Settings& settings) {
  std::vector<const OpCard*> chosen;
  for (const std::string& name : names) chosen.push_back(find_card(name));
  if (names.empty()) chosen = all_cards();

  std::vector<OpReport> reports;
  {
    Progress progress("checking ops", int64_t(chosen.size()), settings.quiet);
    for (const OpCard* card : chosen) {
      reports.push_back(check_op(*card, settings.seed));
      progress.update(int64_t(reports.size()), card->name);
    }
  }
  std::printf("%-24s %5s  %10s  %10s  %10s\n", "op", "cases", "gradient", "second", "float");
  bool failed = false;
  for (const OpReport& r : reports) {
    std::printf("%-24s %5d  %10.1e  %10.1e  %10.1e  %s\n", r.op.c_str(), r.cases, r.gradient_error,
                r.second_error, r.kernel_error, r.failures.empty() ? "ok" : "FAILED");
    for (const std::string& failure : r.failures) std::printf("    %s\n", failure.c_str());
    failed = failed || !r.failures.empty();
  }
  std::printf(
      "\ngradient, second: relative error against differences, in double (below 1e-8 counts as 0)\n"
      "float: value and gradient against double, relative L2, worst instruction set\n");
  if (failed) throw Exit{1};
}

}  // namespace

void add_check(CLI::App& app, const Settings& settings) {
  auto names = std::make_shared<std::vector<std::string>>();
  CLI::App* command =
      app.add_subcommand("check", "Checks every op's derivatives and kernels on this machine");
  command->add_option("ops", *names, "Names of ops; all if none is given");
  command->footer("Example: talweg check conv2d logsumexp");
  command->callback([=, &settings] { run_check(*names, settings); });
}

}  // namespace talweg::ocr::cli
