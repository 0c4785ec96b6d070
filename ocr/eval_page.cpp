#include "ocr/eval_page.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "core/io/svg.h"
#include "core/io/text.h"
#include "ocr/word_block.h"

namespace talweg::ocr {
namespace {

std::string percent(double share) { return io::format_number(100 * share, 2); }

std::string with_interval(double share, const Interval& i) {
  return percent(share) + " [" + percent(i.low) + ", " + percent(i.high) + "]";
}

/// A table of scores, a line for each that is named.
using NamedScores = std::vector<std::pair<std::string, Score>>;

io::Table score_table(const std::string& what, const NamedScores& scores, std::string caption) {
  io::Table table;
  table.header = {what, "words", "CER %", "exact words %", "letters and digits %"};
  for (const auto& [name, s] : scores) {
    table.rows.push_back(
        {name, std::to_string(s.words), with_interval(s.cer(), s.cer_interval),
         with_interval(s.exact_rate(), s.exact_interval),
         s.alnum_words > 0 ? with_interval(s.alnum_rate(), s.alnum_interval) : "-"});
  }
  table.caption = std::move(caption);
  return table;
}

void add_scores(io::HtmlPage& page, const EvalReport& report) {
  const Score& t = report.evaluation.total;
  page.section("Scores");
  page.table(score_table(
      "set", {{"all", t}},
      "With 95 % intervals: of CER by the bootstrap over words, of the others Wilson's. CER: edits "
      "for each character that is written. Letters and digits: words right in these alone, case "
      "ignored, of those that have some."));
  page.paragraph(message(t.edits.edits(), " edits in ", t.edits.reference_length(),
                         " characters: ", t.edits.insertions, " inserted, ", t.edits.deletions,
                         " left out, ", t.edits.substitutions, " taken for another."));
  for (const GroupScores& g : report.groups) {
    page.section("By " + g.name);
    page.table(score_table(g.name, {g.scores.begin(), g.scores.end()}, ""));
  }
  NamedScores lengths;
  for (const auto& [length, s] : report.evaluation.by_length) {
    lengths.emplace_back(std::to_string(length), s);
  }
  page.section("By length");
  page.table(score_table("characters", lengths, "By the number of characters that are written."));
}

io::LineChart reliability_chart(const ConfidenceScore& score) {
  io::LineChart chart;
  chart.title = "Of words read with this confidence, how many are right?";
  chart.x_label = "confidence";
  chart.y_label = "share of right words";
  chart.y_min = 0;
  chart.y_max = 1;
  chart.width = 560;
  chart.height = 400;
  io::Series words{.name = "words, with 95 % intervals", .points = true};
  for (const ConfidenceBin& bin : score.bins) {
    if (bin.words == 0) continue;
    const Interval i = wilson_interval(std::llround(bin.accuracy * double(bin.words)), bin.words);
    words.x.push_back(bin.confidence);
    words.y.push_back(bin.accuracy);
    words.low.push_back(i.low);
    words.high.push_back(i.high);
  }
  chart.series = {{.name = "as it should be", .x = {0, 1}, .y = {0, 1}, .dashed = true}, words};
  return chart;
}

void add_confidence(io::HtmlPage& page, const ConfidenceScore& score) {
  page.section("Confidence");
  page.paragraph(message(
      "Expected calibration error: ", percent(score.ece), " %, in ", score.bins.size(),
      " bins of equal width (Guo et al. 2017); by chance alone it would be up to ",
      percent(score.ece_by_chance), " %. ",
      score.auroc
          ? "A right word is surer than a wrong one with probability " +
                io::format_number(*score.auroc, 3) + " [" +
                io::format_number(score.auroc_interval.low, 3) + ", " +
                io::format_number(score.auroc_interval.high, 3) + "] (AUROC)."
          : "Whether it tells right from wrong can't be said: there are no words of both kinds."));
  page.figure_svg(io::draw(reliability_chart(score)),
                  "Each dot is the words of one bin of confidence. Below the line the reader is "
                  "surer than it should be.");
  io::Table table;
  table.header = {"confidence", "words", "mean confidence %", "right %"};
  for (const ConfidenceBin& bin : score.bins) {
    if (bin.words == 0) continue;
    table.rows.push_back({io::format_number(bin.low, 2) + " to " + io::format_number(bin.high, 2),
                          std::to_string(bin.words), percent(bin.confidence),
                          percent(bin.accuracy)});
  }
  page.table(table);
}

void add_boxes(io::HtmlPage& page, const BoxScore& score) {
  page.section("Character boxes");
  page.paragraph(message("Columns in common over columns of either, mean of ", score.characters,
                         " characters with ink of ", score.words,
                         " words that were read right: ", io::format_number(score.columns, 3),
                         " (whole boxes: ", io::format_number(score.areas, 3), "). ", score.halves,
                         " characters reach one half. Left out: ", score.misread,
                         " words that were read otherwise, ", score.unknown,
                         " without boxes to compare."));
}

void add_confusions(io::HtmlPage& page, const Evaluation& e, int most) {
  if (e.confusions.empty() || most <= 0) return;
  page.section("Confusions");
  page.table(confusion_table(e, most));
}

void add_word(io::HtmlPage& page, const EvaluatedWord& word, const Recognizer* recognizer) {
  add_word_block(page, {word.file, io::load_gray(word.file), word.pair, word.confidence},
                 recognizer);
}

void add_words(io::HtmlPage& page, const EvalReport& report, const std::vector<std::size_t>& which,
               const Recognizer* recognizer) {
  for (std::size_t i : which) add_word(page, report.words[i], recognizer);
}

}  // namespace

io::HtmlPage eval_page(const EvalReport& report, const Recognizer* recognizer,
                       const EvalPageOptions& options) {
  io::HtmlPage page("How well it reads", options.lead);
  add_word_style(page);
  add_scores(page, report);
  if (report.confidence) add_confidence(page, *report.confidence);
  if (report.boxes) add_boxes(page, *report.boxes);
  add_confusions(page, report.evaluation, options.confusions);
  const auto worst = worst_words(report, options.worst);
  if (!worst.empty()) {
    page.section("Worst words");
    page.paragraph(recognizer == nullptr
                       ? "Those with the largest share of errors."
                       : "Those with the largest share of errors. Below each image the "
                         "energies of its letters, and of the gap between "
                         "them, dark where low (each window's lowest taken off), "
                         "with the lowest path of what is written and of what was "
                         "read.");
    add_words(page, report, worst, recognizer);
  }
  std::vector<std::size_t> surest = surest_mistakes(report, options.worst);
  std::erase_if(surest, [&](std::size_t i) { return std::ranges::find(worst, i) != worst.end(); });
  if (!surest.empty()) {
    page.section("Surest mistakes");
    page.paragraph(
        "Other words that were read wrong with most confidence. Look here for wrong labels first.");
    add_words(page, report, surest, recognizer);
  }
  return page;
}

}  // namespace talweg::ocr
