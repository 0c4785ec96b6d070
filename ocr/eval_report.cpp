#include "ocr/eval_report.h"

#include <algorithm>
#include <utility>

#include "core/error.h"
#include "ocr/text.h"

namespace talweg::ocr {
namespace {

/// The words that have a rank, the highest first, those of one rank in their order.
template <class Rank>
std::vector<std::size_t> ranked(const EvalReport& report, int count, const Rank& rank_of) {
  std::vector<std::pair<double, std::size_t>> ranks;
  for (std::size_t i = 0; i < report.words.size(); ++i) {
    if (const std::optional<double> rank = rank_of(report.words[i])) ranks.emplace_back(-*rank, i);
  }
  std::ranges::sort(ranks);
  ranks.resize(std::min(ranks.size(), std::size_t(std::max(0, count))));
  std::vector<std::size_t> indices;
  for (const auto& [rank, i] : ranks) indices.push_back(i);
  return indices;
}

}  // namespace

EvalReport make_report(std::vector<EvaluatedWord> words, std::span<const SampleGroups> groupings,
                       uint64_t seed) {
  EvalReport report;
  std::vector<WordPair> pairs;
  std::vector<JudgedConfidence> confidences;
  for (const EvaluatedWord& w : words) {
    pairs.push_back(w.pair);
    if (w.confidence) confidences.push_back({*w.confidence, w.right()});
  }
  report.evaluation = evaluate(pairs, seed);
  for (const SampleGroups& g : groupings) {
    expect(g.of.size() == words.size(), "[eval] ", g.of.size(), " words have a ", g.name, ", of ",
           words.size());
    std::map<std::string, std::vector<WordPair>> members;
    for (std::size_t i = 0; i < pairs.size(); ++i) members[g.of[i]].push_back(pairs[i]);
    GroupScores scores{g.name, {}};
    for (const auto& [group, of_group] : members) {
      scores.scores[group] = score_words(of_group, seed);
    }
    report.groups.push_back(std::move(scores));
  }
  if (!confidences.empty() && confidences.size() == words.size()) {
    report.confidence = score_confidences(confidences, seed);
  }
  report.words = std::move(words);
  return report;
}

std::vector<std::size_t> worst_words(const EvalReport& report, int count) {
  return ranked(report, count, [](const EvaluatedWord& w) -> std::optional<double> {
    if (w.right()) return std::nullopt;
    const auto c =
        align_texts(decode_utf8(w.pair.reference), decode_utf8(w.pair.hypothesis)).counts;
    return double(c.edits()) / double(std::max<int64_t>(1, c.reference_length()));
  });
}

std::vector<std::size_t> surest_mistakes(const EvalReport& report, int count) {
  return ranked(report, count,
                [](const EvaluatedWord& w) { return w.right() ? std::nullopt : w.confidence; });
}

}  // namespace talweg::ocr
