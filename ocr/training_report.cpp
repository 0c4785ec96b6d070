#include "ocr/training_report.h"

#include <cmath>

#include "core/io/svg.h"
#include "core/io/text.h"
#include "ocr/eval_report.h"
#include "ocr/learning_figure.h"
#include "ocr/word_block.h"

namespace talweg::ocr {
namespace {

std::string percent(double share) { return io::format_number(100 * share, 2); }

std::string with_interval(double share, const Interval& i) {
  return percent(share) + " [" + percent(i.low) + ", " + percent(i.high) + "]";
}

EvalReport read_words(const Recognizer& recognizer, const HeldOut& words, uint64_t seed) {
  std::vector<EvaluatedWord> read;
  for_each_reading(recognizer, words, [&](const HeldOutWord& word, const Reading& reading) {
    read.push_back({word.name, {word.text, reading.text}, reading.confidence});
  });
  return make_report(std::move(read), {}, seed);
}

void add_scores(io::HtmlPage& page, const EvalReport& report) {
  const Score& s = report.evaluation.total;
  page.section("How well it reads");
  io::Table table;
  table.header = {"words", "CER %", "exact words %", "calibration error %"};
  table.rows = {{std::to_string(s.words), with_interval(s.cer(), s.cer_interval),
                 with_interval(s.exact_rate(), s.exact_interval),
                 report.confidence ? percent(report.confidence->ece) : "-"}};
  table.caption =
      "Words that were not trained on, with 95 % intervals. They also decided which state was kept "
      "and "
      "what confidences mean, so that other words may be read a little worse.";
  page.table(table);
}

void add_curves(io::HtmlPage& page, const LearningRecord& record) {
  page.section("Learning");
  for (const io::LineChart& chart : learning_charts(record)) {
    page.figure_svg(io::draw(chart), chart.title + " against steps.");
  }
  io::Table table;
  table.header = {"step", "images", "loss", "CER %", "exact %", "learning rate", "images/s"};
  const auto cell = [](double value, int decimals) {
    return std::isnan(value) ? "-" : io::format_number(value, decimals);
  };
  for (const LearningPoint& p : record.points()) {
    table.rows.push_back({std::to_string(p.step), std::to_string(p.words), cell(p.loss, 4),
                          cell(100 * p.cer, 2), cell(100 * p.exact, 2),
                          io::format_short(p.learning_rate, 3), cell(p.words_per_second, 0)});
  }
  page.table(table);
}

void add_mistakes(io::HtmlPage& page, const EvalReport& report, const HeldOut& words,
                  const Recognizer& recognizer, const TrainingReportPage& options) {
  if (!report.evaluation.confusions.empty()) {
    page.section("Confusions");
    page.table(confusion_table(report.evaluation, options.confusions));
  }
  page.section("Worst words");
  const auto worst = worst_words(report, options.worst);
  if (worst.empty()) return page.paragraph("None: every word was read without a mistake.");
  page.paragraph(
      "Those with the largest share of errors. Below each image the energies of its letters, and "
      "of the "
      "gap between them, dark where low (each window's lowest taken off), with the lowest path of "
      "what is "
      "written and of what was read. Look for wrong labels here.");
  add_word_style(page);
  for (const std::size_t i : worst) {
    const EvaluatedWord& word = report.words[i];
    add_word_block(page, {word.file, words[int64_t(i)].image, word.pair, word.confidence},
                   &recognizer);
  }
}

}  // namespace

io::HtmlPage training_page(const TrainingReportPage& report, const LearningRecord& record,
                           const Recognizer& recognizer, const HeldOut& words, uint64_t seed) {
  io::HtmlPage page("The training of " + report.model, report.ended);
  EvalReport read;
  if (!words.empty()) {
    read = read_words(recognizer, words, seed);
    add_scores(page, read);
  }
  page.section("The run");
  io::Table facts;
  facts.header = {"what", "how"};
  for (const auto& [name, value] : report.facts) facts.rows.push_back({name, value});
  page.table(facts);
  add_curves(page, record);
  if (words.empty()) {
    page.section("Mistakes");
    page.paragraph("There were no words to measure on: give a validation set, or a share.");
  } else {
    add_mistakes(page, read, words, recognizer, report);
  }
  return page;
}

}  // namespace talweg::ocr
