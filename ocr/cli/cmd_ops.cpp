// talweg ops: what ops there are, and the card of each: what it computes, how it differentiates,
// where that stands, and how exact it is on this machine.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>

#include "core/op_check.h"
#include "core/study/call_site.h"
#include "ocr/cli/command.h"
#include "ocr/cli/op_cards.h"

namespace talweg::ocr::cli {

namespace {

/// Printed behind a label; what is too long goes on under its own beginning, broken at spaces.
void print_field(const char* label, std::string text) {
  constexpr std::size_t kWidth = 84;
  std::printf("  %-12s", label);
  while (text.size() > kWidth) {
    const std::size_t space = text.rfind(' ', kWidth);
    if (space == text.npos || space == 0) break;
    std::printf("%s\n  %-12s", text.substr(0, space).c_str(), "");
    text.erase(0, space + 1);
  }
  std::printf("%s\n", text.c_str());
}

std::string shapes_of(const OpCase& c) {
  std::string s;
  for (const OpInput& in : c.inputs) s += (s.empty() ? "" : " ") + in.shape.to_string();
  return s;
}

/// Where the card stands.
std::string place(const OpCard& card) { return message(from_root(card.file), ":", card.line); }

void print_error(const char* label, double error, const char* against) {
  if (error == 0) {
    std::printf("  %-12s%-9s%s\n", label, "none", against);
  } else {
    std::printf("  %-12s%-9.1e%s\n", label, error, against);
  }
}

bool print_card(const OpCard& card, uint64_t seed) {
  std::printf("%s\n", card.name.c_str());
  print_field("computes", card.formula_text);
  print_field("gradient", card.rule_text);
  print_field("shapes", card.shapes_text);
  print_field("source", card.source_text);
  print_field("code", place(card) + ", behind the op itself");
  std::string cases;
  for (const OpCase& c : card.cases) {
    cases += (cases.empty() ? "" : "; ") + c.name + " " + shapes_of(c);
  }
  for (const OpPoint& p : card.points) cases += "; " + p.name;
  if (!card.rejections.empty()) cases += message("; refusals: ", card.rejections.size());
  print_field("checked on", cases);

  const OpReport r = check_op(card, seed);
  print_error("first", r.gradient_error,
              "above 1e-8: gradcheck, relative, against differences, in double");
  if (card.no_second_text.empty()) {
    print_error("second", r.second_error,
                "above 1e-8: gradgradcheck, the same of the gradient's gradient");
  } else {
    print_field("second", "none: " + card.no_second_text);
  }
  print_error("float", r.kernel_error,
              "value and gradient against double, relative L2, worst instruction set");
  for (const std::string& failure : r.failures) std::printf("  FAILED      %s\n", failure.c_str());
  return r.failures.empty();
}

void print_table() {
  std::string file;
  for (const OpCard* card : all_cards()) {
    const std::string at = place(*card), here = at.substr(0, at.rfind(':'));
    if (here != file) std::printf("%s%s\n", file.empty() ? "" : "\n", here.c_str());
    file = here;
    std::printf("  %-32s%s\n", card->name.c_str(), card->formula_text.c_str());
  }
  std::printf("\ntalweg ops NAME shows an op's card; talweg check puts all through their checks\n");
}

void run_ops(const std::vector<std::string>& names, const Settings& settings) {
  if (names.empty()) return print_table();
  std::vector<const OpCard*> chosen;
  for (const std::string& name : names) chosen.push_back(find_card(name));
  bool passed = true;
  for (const OpCard* card : chosen) {
    if (card != chosen.front()) std::printf("\n");
    passed = print_card(*card, settings.seed) && passed;
  }
  if (!passed) throw Exit{1};
}

}  // namespace

void add_ops(CLI::App& app, const Settings& settings) {
  auto names = std::make_shared<std::vector<std::string>>();
  CLI::App* command = app.add_subcommand(
      "ops", "Lists every op, or shows cards: formula, derivative, source, errors here");
  command->add_option("ops", *names, "Names of ops; a list of all if none is given");
  command->footer("Example: talweg ops softmax conv2d");
  command->callback([=, &settings] { run_ops(*names, settings); });
}

}  // namespace talweg::ocr::cli
