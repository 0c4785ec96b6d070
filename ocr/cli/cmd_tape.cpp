// talweg tape: records a training step, or a formula, to be walked through forward and back.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "core/io/file.h"
#include "core/study/trace_expression.h"
#include "core/study/trace_page.h"
#include "core/study/trace_text.h"
#include "ocr/alphabet.h"
#include "ocr/cli/command.h"
#include "ocr/cli/op_cards.h"
#include "ocr/cli/progress.h"
#include "ocr/step_trace.h"

namespace talweg::ocr::cli {

namespace {

constexpr int kHighestOrder = 4;

struct TapeArguments {
  std::string expression, settings, by, out = "tape.html", dot;
  int order = 1;
  int64_t after = 60;
  bool text = false;
};

/// What was recorded, and how to speak of it.
struct Recorded {
  Trace trace;
  std::string title, lead;
};

Recorded record_expression(const TapeArguments& a) {
  try {
    const std::vector<Setting> settings = parse_settings(a.settings);
    Recorded r{trace_expression(a.expression, settings, {a.order, a.by}), a.expression, ""};
    if (!a.settings.empty()) r.lead = "At " + a.settings + ". ";
    if (a.order > 1) r.lead += message("Differentiated ", a.order, " times. ");
    return r;
  } catch (const Error& error) {  // what was typed can't be meant
    throw UsageError(error.what());
  }
}

Recorded record_step(const TapeArguments& a, const Settings& settings) {
  FontSourceOptions options;
  options.seed = settings.seed;
  const FontSource source({ClassicTask::standard()}, Alphabet::from_spec("a-z"), options);
  TrainingPlan plan;
  plan.seed = settings.seed;
  plan.character_steps = a.after;
  plan.word_steps = 1;
  WordTrainer trainer(plan, source);
  if (a.after > 0) {
    Progress progress("training", a.after, settings.quiet);
    trainer.run([&](const TrainingReport& report) {
      progress.update(report.step + 1, "");
      return report.step + 1 < a.after && !interrupted();
    });
  }
  if (interrupted()) throw IoError("interrupted before the step to record; nothing was written");
  Recorded r{trace_step(trainer, a.order), "One training step of the recognizer", ""};
  r.lead = message("A batch of words, after ", a.after, " steps of training on characters",
                   a.order == 2 ? "; the gradient is recorded and differentiated again. " : ". ");
  return r;
}

const OpCard* card_or_null(std::string_view op) {
  static const std::vector<const OpCard*> cards = all_cards();
  for (const OpCard* card : cards) {
    if (card->name == op) return card;
  }
  return nullptr;
}

void run_tape(const TapeArguments& a, const Settings& settings) {
  if (a.expression.empty() && !(a.settings.empty() && a.by.empty())) {
    throw UsageError("--set and --by belong to an expression; give it with -e 'y = ...'");
  }
  if (a.expression.empty() && a.order > 2) {
    throw UsageError("a training step is differentiated once or twice: --order 1 or 2");
  }
  if (!a.text) require_writable_for(a.out);
  if (!a.dot.empty()) require_writable_for(a.dot);
  catch_interrupts();
  const Recorded r = a.expression.empty() ? record_step(a, settings) : record_expression(a);
  if (!a.dot.empty()) io::write_file_atomically(a.dot, to_dot(r.trace));
  if (a.text) {
    std::fputs(to_text(r.trace, card_or_null).c_str(), stdout);
    return;
  }
  const std::string missing = why_no_call_sites();
  const std::string lead =
      message(r.lead, "Step with the arrow keys, or click on a node. Blue is forward, values; ",
              "red is backward, gradients.",
              missing.empty() ? "" : " Lines of source are not known: " + missing + ".");
  trace_page(r.trace, card_or_null, r.title, lead).save(a.out);
  std::printf("%zu nodes, %zu steps: %s\n", r.trace.nodes.size(), r.trace.steps.size(),
              a.out.c_str());
}

}  // namespace

void add_tape(CLI::App& app, const Settings& settings) {
  auto a = std::make_shared<TapeArguments>();
  CLI::App* command = app.add_subcommand(
      "tape", "Records a training step or a formula, to walk through forward and back");
  command->add_option("-e,--expression", a->expression,
                      "Formula to record instead of a training step: 'y = relu(w*x + b)'");
  command->add_option("--set", a->settings, "Values of its variables: 'w=2, x=[1,2;3,4]'");
  command->add_option("--by", a->by,
                      "Variable to differentiate by more than once; the first if not given");
  command->add_option("--order", a->order, "How often to differentiate")
      ->check(CLI::Range(1, kHighestOrder))
      ->capture_default_str();
  command->add_option("--after", a->after, "Steps to train before the step that is recorded")
      ->check(CLI::Range(0, 100'000))
      ->capture_default_str();
  command->add_option("-o,--out", a->out, "Page to write")->capture_default_str();
  command->add_option("--dot", a->dot, "Also write the graph in Graphviz's language");
  command->add_flag("--text", a->text, "Print the steps instead of writing a page");
  std::string functions;
  for (const std::string& f : expression_functions())
    functions += (functions.empty() ? "" : ", ") + f;
  command->footer("Formulas have + - * / ^ @ (matrix product), [1,2;3,4] and " + functions +
                  ".\n\n"
                  "Examples: talweg tape\n"
                  "          talweg tape -e 'y = relu(w*x + b); l = (y-1)^2' --set w=2,x=3,b=-1\n"
                  "          talweg tape -e 'x^3' --set x=2 --order 2 --text");
  command->callback([=, &settings] { run_tape(*a, settings); });
}

}  // namespace talweg::ocr::cli
