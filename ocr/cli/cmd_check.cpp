// talweg check: puts every op of the engine through its checks.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "core/op_check.h"
#include "core/ops.h"
#include "ebm/align/ops.h"
#include "ebm/graph/ops.h"
#include "ocr/cli/command.h"
#include "ocr/cli/progress.h"
#include "ocr/metrics.h"
#include "ocr/text.h"

namespace talweg::ocr::cli {

namespace {

std::vector<const OpCard*> all_cards() {
  std::vector<const OpCard*> cards;
  for (const OpCard& card : talweg::ops()) cards.push_back(&card);
  for (const OpCard& card : ebm::ops()) cards.push_back(&card);
  for (const OpCard& card : ebm::graph_ops()) cards.push_back(&card);
  return cards;
}

/// The card of that name; throws UsageError with the nearest one.
const OpCard* find_card(const std::vector<const OpCard*>& cards, const std::string& name) {
  const OpCard* nearest = nullptr;
  int64_t least = 0;
  for (const OpCard* card : cards) {
    const int64_t distance = align_texts(decode_utf8(name), decode_utf8(card->name)).counts.edits();
    if (distance == 0) return card;
    if (!nearest || distance < least) nearest = card, least = distance;
  }
  throw UsageError(message("there is no op '", name, "'; did you mean ", nearest->name, "?"));
}

void run_check(const std::vector<std::string>& names, const Settings& settings) {
  const std::vector<const OpCard*> cards = all_cards();
  std::vector<const OpCard*> chosen;
  for (const std::string& name : names) chosen.push_back(find_card(cards, name));
  if (names.empty()) chosen = cards;

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
