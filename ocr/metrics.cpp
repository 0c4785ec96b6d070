#include "ocr/metrics.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/edit_distance.h"
#include "core/error.h"
#include "core/rng.h"
#include "ocr/text.h"

namespace talweg::ocr {
namespace {

constexpr double kZ95 = 1.959963984540054;  // the normal distribution's 97.5 % quantile
constexpr size_t kMaxCells = size_t{1} << 28;

void count(const EditStep& step, EditCounts& counts) {
  if (step.reference == step.hypothesis) {
    ++counts.matches;
  } else if (step.reference == kNoCharacter) {
    ++counts.insertions;
  } else if (step.hypothesis == kNoCharacter) {
    ++counts.deletions;
  } else {
    ++counts.substitutions;
  }
}

double share(int64_t part, int64_t whole) { return whole > 0 ? double(part) / double(whole) : 0.0; }

// What is known of one word's reading.
struct WordResult {
  EditCounts edits;
  bool has_alnum = false, alnum = false;
};

WordResult result_of(const WordPair& word, const TextAlignment& alignment) {
  const std::string reference = letters_and_digits(word.reference);
  return {alignment.counts, !reference.empty(), reference == letters_and_digits(word.hypothesis)};
}

Interval bootstrap_cer(const std::vector<WordResult>& words, Rng rng, int resamples) {
  if (words.empty()) return {};
  std::vector<double> rates;
  rates.reserve(size_t(resamples));
  for (int r = 0; r < resamples; ++r) {
    int64_t edits = 0, length = 0;
    for (size_t i = 0; i < words.size(); ++i) {
      const EditCounts& word = words[rng.below(words.size())].edits;
      edits += word.edits();
      length += word.reference_length();
    }
    rates.push_back(share(edits, length));
  }
  std::sort(rates.begin(), rates.end());
  return {quantile(rates, 0.025), quantile(rates, 0.975)};
}

Score score_of(const std::vector<WordResult>& words, Rng rng, int resamples) {
  Score score;
  for (const WordResult& word : words) {
    ++score.words;
    score.exact += word.edits.edits() == 0;
    score.alnum_words += word.has_alnum;
    score.alnum += word.has_alnum && word.alnum;
    score.edits += word.edits;
  }
  score.cer_interval = bootstrap_cer(words, rng, resamples);
  score.exact_interval = wilson_interval(score.exact, score.words);
  score.alnum_interval = wilson_interval(score.alnum, score.alnum_words);
  return score;
}

std::vector<Confusion> ranked(const std::map<std::pair<char32_t, char32_t>, int64_t>& counts) {
  std::vector<Confusion> list;
  for (const auto& [pair, n] : counts) list.push_back({pair.first, pair.second, n});
  std::stable_sort(list.begin(), list.end(),
                   [](const Confusion& a, const Confusion& b) { return a.count > b.count; });
  return list;
}

}  // namespace

EditCounts& EditCounts::operator+=(const EditCounts& other) {
  matches += other.matches;
  substitutions += other.substitutions;
  insertions += other.insertions;
  deletions += other.deletions;
  return *this;
}

TextAlignment align_texts(std::u32string_view reference, std::u32string_view hypothesis) {
  expect((reference.size() + 1) <= kMaxCells / (hypothesis.size() + 1), "[metrics] texts of ",
         reference.size(), " and ", hypothesis.size(),
         " characters are too long to align; score them line by line");
  const EditDistanceTable<char32_t> distance(reference, hypothesis);
  TextAlignment alignment;
  for (size_t i = reference.size(), j = hypothesis.size(); i > 0 || j > 0;) {
    EditStep step;
    const int32_t here = distance.at(i, j);
    if (i > 0 && j > 0 &&
        here == distance.at(i - 1, j - 1) + int32_t(reference[i - 1] != hypothesis[j - 1])) {
      step = {reference[--i], hypothesis[--j]};
    } else if (i > 0 && here == distance.at(i - 1, j) + 1) {
      step = {reference[--i], kNoCharacter};
    } else {
      step = {kNoCharacter, hypothesis[--j]};
    }
    count(step, alignment.counts);
    alignment.steps.push_back(step);
  }
  std::reverse(alignment.steps.begin(), alignment.steps.end());
  return alignment;
}

double quantile(std::span<const double> sorted, double q) {
  expect(!sorted.empty(), "[metrics] no values have no quantile");
  const double at = q * double(sorted.size() - 1);
  const auto below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - double(below)) * (sorted[above] - sorted[below]);
}

Interval wilson_interval(int64_t successes, int64_t total) {
  expect(0 <= successes && successes <= total, "[metrics] ", successes, " successes out of ", total,
         " trials are impossible");
  if (total == 0) return {0, 1};
  const double n = double(total), p = double(successes) / n, z = kZ95;
  const double centre = p + z * z / (2 * n);
  const double half = z * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  const double scale = 1 + z * z / n;
  return {std::max(0.0, (centre - half) / scale), std::min(1.0, (centre + half) / scale)};
}

double Score::cer() const { return share(edits.edits(), edits.reference_length()); }

double Score::exact_rate() const { return share(exact, words); }

double Score::alnum_rate() const { return share(alnum, alnum_words); }

std::string letters_and_digits(std::string_view text) {
  std::string kept;
  for (char c : text) {
    if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) kept += c;
  }
  return kept;
}

Score score_words(std::span<const WordPair> words, uint64_t seed, int resamples) {
  expect(resamples > 0, "[metrics] ", resamples, " resamples must be at least 1");
  std::vector<WordResult> results;
  for (const WordPair& word : words) {
    results.push_back(
        result_of(word, align_texts(decode_utf8(word.reference), decode_utf8(word.hypothesis))));
  }
  return score_of(results, Rng(seed).split(0), resamples);
}

Evaluation evaluate(std::span<const WordPair> words, uint64_t seed, int resamples) {
  expect(resamples > 0, "[metrics] ", resamples, " resamples must be at least 1");
  std::vector<WordResult> all;
  std::map<int, std::vector<WordResult>> by_length;
  std::map<std::pair<char32_t, char32_t>, int64_t> mistakes;
  for (const WordPair& word : words) {
    const std::u32string reference = decode_utf8(word.reference);
    const TextAlignment alignment = align_texts(reference, decode_utf8(word.hypothesis));
    for (const EditStep& step : alignment.steps) {
      if (step.reference != step.hypothesis) ++mistakes[{step.reference, step.hypothesis}];
    }
    all.push_back(result_of(word, alignment));
    by_length[int(reference.size())].push_back(all.back());
  }
  const Rng rng(seed);
  Evaluation result;
  result.total = score_of(all, rng.split(0), resamples);
  for (const auto& [length, results] : by_length) {
    result.by_length[length] = score_of(results, rng.split(1 + uint64_t(length)), resamples);
  }
  result.confusions = ranked(mistakes);
  return result;
}

}  // namespace talweg::ocr
