#include "ocr/cli/eval_printer.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/io/text.h"
#include "ocr/cli/json_text.h"
#include "ocr/text.h"

namespace talweg::ocr::cli {

namespace {

using Json = nlohmann::ordered_json;

std::string percent(double share) { return io::format_number(100 * share, 2) + " %"; }

std::string interval(const Interval& i) {
  return "95 % in [" + io::format_number(100 * i.low, 2) + ", " +
         io::format_number(100 * i.high, 2) + "]";
}

std::string shown(char32_t c) { return c == kNoCharacter ? "(nothing)" : encode_utf8(c); }

long long number(int64_t n) { return n; }  // as printf has it

void print_total(const Score& t) {
  std::printf("words          %lld\nCER            %s  %s\nexact words    %s  %s\n",
              number(t.words), percent(t.cer()).c_str(), interval(t.cer_interval).c_str(),
              percent(t.exact_rate()).c_str(), interval(t.exact_interval).c_str());
  if (t.alnum_words > 0) {
    std::printf("alnum words    %s  %s, letters and digits alone, case ignored",
                percent(t.alnum_rate()).c_str(), interval(t.alnum_interval).c_str());
    if (t.alnum_words < t.words) std::printf(", of %lld words with some", number(t.alnum_words));
    std::printf("\n");
  }
  std::printf(
      "edits          %lld of %lld characters: %lld inserted, %lld deleted, %lld substituted\n",
      number(t.edits.edits()), number(t.edits.reference_length()), number(t.edits.insertions),
      number(t.edits.deletions), number(t.edits.substitutions));
}

void print_confidence(const ConfidenceScore& c) {
  std::printf("calibration    ECE %s, %zu bins; up to %s by chance\n", percent(c.ece).c_str(),
              c.bins.size(), percent(c.ece_by_chance).c_str());
  if (c.auroc) {
    std::printf("right or wrong AUROC %s  95 %% in [%s, %s]\n",
                io::format_number(*c.auroc, 3).c_str(),
                io::format_number(c.auroc_interval.low, 3).c_str(),
                io::format_number(c.auroc_interval.high, 3).c_str());
  } else {
    std::printf("right or wrong AUROC unknown: there are no words of both kinds\n");
  }
}

void print_boxes(const BoxScore& b) {
  std::printf(
      "boxes          mean IoU %s in columns (whole boxes %s, %s of characters 0.5 or more), "
      "%lld characters of %lld words read right\n",
      io::format_number(b.columns, 3).c_str(), io::format_number(b.areas, 3).c_str(),
      percent(b.characters > 0 ? double(b.halves) / double(b.characters) : 0).c_str(),
      number(b.characters), number(b.words));
  if (b.misread + b.unknown > 0) {
    std::printf("               left out: %lld misread words, %lld without boxes\n",
                number(b.misread), number(b.unknown));
  }
}

/// A table of scores, the first column as wide as its longest name.
void print_scores(const std::string& what,
                  const std::vector<std::pair<std::string, Score>>& scores) {
  std::size_t width = what.size();
  for (const auto& [name, s] : scores) width = std::max(width, name.size());
  std::printf("\n%-*s  words  CER       exact     alnum\n", int(width), what.c_str());
  for (const auto& [name, s] : scores) {
    std::printf("%-*s  %5lld  %-8s  %-8s  %s\n", int(width), name.c_str(), number(s.words),
                percent(s.cer()).c_str(), percent(s.exact_rate()).c_str(),
                s.alnum_words > 0 ? percent(s.alnum_rate()).c_str() : "-");
  }
}

Json to_json(const Interval& i) { return {i.low, i.high}; }

Json to_json(const Score& s) {
  return {{"words", s.words},
          {"cer", s.cer()},
          {"cer_interval", to_json(s.cer_interval)},
          {"exact", s.exact_rate()},
          {"exact_interval", to_json(s.exact_interval)},
          {"alnum", s.alnum_rate()},
          {"alnum_interval", to_json(s.alnum_interval)},
          {"alnum_words", s.alnum_words},
          {"insertions", s.edits.insertions},
          {"deletions", s.edits.deletions},
          {"substitutions", s.edits.substitutions},
          {"characters", s.edits.reference_length()}};
}

Json to_json(const ConfidenceScore& c) {
  Json j{{"ece", c.ece}, {"ece_by_chance", c.ece_by_chance}, {"auroc", nullptr}};
  if (c.auroc) {
    j["auroc"] = *c.auroc;
    j["auroc_interval"] = to_json(c.auroc_interval);
  }
  j["bins"] = Json::array();
  for (const ConfidenceBin& b : c.bins) {
    j["bins"].push_back({{"low", b.low},
                         {"high", b.high},
                         {"words", b.words},
                         {"confidence", b.confidence},
                         {"accuracy", b.accuracy}});
  }
  return j;
}

Json to_json(const BoxScore& b) {
  return {{"column_iou", b.columns},   {"box_iou", b.areas}, {"characters", b.characters},
          {"half_or_more", b.halves},  {"words", b.words},   {"misread", b.misread},
          {"without_boxes", b.unknown}};
}

Json to_json(const EvaluatedWord& w) {
  Json j{{"file", w.file}, {"written", w.pair.reference}, {"read", w.pair.hypothesis}};
  if (w.confidence) j["confidence"] = *w.confidence;
  return j;
}

Json words_json(const EvalReport& report, const std::vector<std::size_t>& which) {
  Json list = Json::array();
  for (std::size_t i : which) list.push_back(to_json(report.words[i]));
  return list;
}

}  // namespace

void print_eval_text(const EvalReport& report, const EvalPrinting& printing) {
  const Evaluation& e = report.evaluation;
  print_total(e.total);
  if (report.confidence) print_confidence(*report.confidence);
  if (report.boxes) print_boxes(*report.boxes);
  if (report.words_per_second > 0) {
    std::printf("speed          %.0f words/s\n", report.words_per_second);
  }
  for (const GroupScores& g : report.groups) {
    print_scores(g.name, {g.scores.begin(), g.scores.end()});
  }
  std::vector<std::pair<std::string, Score>> lengths;
  for (const auto& [length, s] : e.by_length) lengths.emplace_back(std::to_string(length), s);
  print_scores("length", lengths);
  if (!e.confusions.empty() && printing.confusions > 0) {
    std::printf("\nwritten    read       times\n");
  }
  for (int i = 0; i < std::min<int>(printing.confusions, int(e.confusions.size())); ++i) {
    const Confusion& c = e.confusions[std::size_t(i)];
    std::printf("%-9s  %-9s  %lld\n", shown(c.reference).c_str(), shown(c.hypothesis).c_str(),
                number(c.count));
  }
  const auto worst = worst_words(report, printing.worst);
  if (!worst.empty()) std::printf("\nworst words (file, written, read)\n");
  for (std::size_t i : worst) {
    const EvaluatedWord& w = report.words[i];
    std::printf("%s\t%s\t%s\n", w.file.c_str(), w.pair.reference.c_str(),
                w.pair.hypothesis.c_str());
  }
}

void print_eval_json(const EvalReport& report, const EvalPrinting& printing) {
  const Evaluation& e = report.evaluation;
  Json j = to_json(e.total);
  if (report.confidence) j["confidence"] = to_json(*report.confidence);
  if (report.boxes) j["boxes"] = to_json(*report.boxes);
  for (const GroupScores& g : report.groups) {
    for (const auto& [group, s] : g.scores) j["by"][g.name][group] = to_json(s);
  }
  for (const auto& [length, s] : e.by_length) j["by_length"][std::to_string(length)] = to_json(s);
  j["confusions"] = Json::array();
  const auto name = [](char32_t c) { return c == kNoCharacter ? std::string() : encode_utf8(c); };
  for (int i = 0; i < std::min<int>(printing.confusions, int(e.confusions.size())); ++i) {
    const Confusion& c = e.confusions[std::size_t(i)];
    j["confusions"].push_back(
        {{"written", name(c.reference)}, {"read", name(c.hypothesis)}, {"count", c.count}});
  }
  j["worst"] = words_json(report, worst_words(report, printing.worst));
  if (report.confidence) {
    j["surest_mistakes"] = words_json(report, surest_mistakes(report, printing.worst));
  }
  std::printf("%s\n", json_text(j, 2).c_str());
}

}  // namespace talweg::ocr::cli
