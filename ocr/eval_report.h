// Everything that is said of a reader after it was tried on labelled images.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ocr/box_score.h"
#include "ocr/confidence_metrics.h"
#include "ocr/metrics.h"
#include "ocr/sample_groups.h"

namespace talweg::ocr {

/// An image as it is labelled and as it was read.
struct EvaluatedWord {
  std::string file;
  WordPair pair;
  std::optional<double> confidence;
  bool right() const { return pair.reference == pair.hypothesis; }
};

/// The scores of the groups of one grouping.
struct GroupScores {
  std::string name;  ///< of what they are groups
  std::map<std::string, Score> scores;
};

struct EvalReport {
  std::vector<EvaluatedWord> words;
  Evaluation evaluation;
  std::vector<GroupScores> groups;
  std::optional<ConfidenceScore> confidence;  ///< where every word has one
  std::optional<BoxScore> boxes;              ///< where boxes were compared
  double words_per_second = 0;                ///< 0 where another program read
};

/// Scores the words, together and by each of the groupings, whose groups are in the words' order. Equal
/// seeds give equal intervals.
EvalReport make_report(std::vector<EvaluatedWord> words, std::span<const SampleGroups> groupings,
                       uint64_t seed);

/// Indices of the words with the largest share of errors, the largest first, at most `count`.
std::vector<std::size_t> worst_words(const EvalReport& report, int count);

/// Indices of the words that were read wrong with most confidence, the surest first, at most `count`: a
/// reader's worst surprises, and labels that are wrong. None without confidences.
std::vector<std::size_t> surest_mistakes(const EvalReport& report, int count);

}  // namespace talweg::ocr
