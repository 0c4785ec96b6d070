// How well a reader reads: edit distance, character error rate, right words, and how sure we are.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace talweg::ocr {

/// Numbers of edits that turn the reference into the hypothesis.
struct EditCounts {
  int64_t matches = 0;
  int64_t substitutions = 0;
  int64_t insertions = 0;  // characters of the hypothesis that the reference lacks
  int64_t deletions = 0;   // characters of the reference that the hypothesis lacks

  int64_t edits() const { return substitutions + insertions + deletions; }
  int64_t reference_length() const { return matches + substitutions + deletions; }
  EditCounts& operator+=(const EditCounts& other);
  bool operator==(const EditCounts&) const = default;
};

/// Stands for "none" in an insertion's reference or a deletion's hypothesis; no text holds it.
inline constexpr char32_t kNoCharacter = 0xFFFFFFFF;

/// One column of an alignment.
struct EditStep {
  char32_t reference = kNoCharacter;
  char32_t hypothesis = kNoCharacter;
  bool operator==(const EditStep&) const = default;
};

struct TextAlignment {
  EditCounts counts;
  std::vector<EditStep> steps;
};

/// The least number of insertions, deletions and substitutions between two texts, with one way to
/// do it (Levenshtein 1966; Wagner and Fischer 1974), in O(|a| |b|) time and memory. Among equally
/// short ways a match or substitution is preferred to a deletion, and that to an insertion, read
/// from the end.
TextAlignment align_texts(std::u32string_view reference, std::u32string_view hypothesis);

/// A 95 % confidence interval.
struct Interval {
  double low = 0;
  double high = 0;
};

/// The value below which a share `q` of `sorted`, ascending and not empty, lies, interpolated linearly.
double quantile(std::span<const double> sorted, double q);

/// Wilson's score interval for a proportion (Wilson 1927, JASA 22:209):
/// (p + z^2/2n +- z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n), z = 1.96. [0, 1] for total = 0.
Interval wilson_interval(int64_t successes, int64_t total);

/// What was to be read and what was read, UTF-8. Bytes that are no UTF-8 throw Error.
struct WordPair {
  std::string reference;
  std::string hypothesis;
};

/// A text's ASCII letters, in lower case, and digits: what the rules of receipts (SROIE), street signs
/// (ICDAR 2015) and licence plates compare, whose labels leave the rest to taste.
std::string letters_and_digits(std::string_view text);

/// The score of a set of words.
struct Score {
  int64_t words = 0;
  int64_t exact = 0;
  int64_t alnum_words = 0;  // whose reference has letters_and_digits
  int64_t alnum = 0;        // of these, where they are those of the hypothesis
  EditCounts edits;
  Interval cer_interval;    // percentile bootstrap over words
  Interval exact_interval;  // Wilson
  Interval alnum_interval;  // Wilson

  /// Character error rate: all edits / all reference characters; above 1 if much was invented.
  /// 0 for an empty set.
  double cer() const;
  double exact_rate() const;
  double alnum_rate() const;
};

/// One kind of mistake and how often it was made.
struct Confusion {
  char32_t reference = kNoCharacter;   // kNoCharacter: something was inserted
  char32_t hypothesis = kNoCharacter;  // kNoCharacter: something was left out
  int64_t count = 0;
};

struct Evaluation {
  Score total;
  std::map<int, Score> by_length;     // by the reference's length in code points
  std::vector<Confusion> confusions;  // most frequent first, then by code points
};

/// The score of a set of words as `evaluate` has it, without the rest.
Score score_words(std::span<const WordPair> words, uint64_t seed = 1, int resamples = 1000);

/// Scores a set of words. The bootstrap (Efron 1979) draws `resamples` sets of as many words with
/// replacement; equal seeds give equal intervals.
Evaluation evaluate(std::span<const WordPair> words, uint64_t seed = 1, int resamples = 1000);

}  // namespace talweg::ocr
