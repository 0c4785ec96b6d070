#include "ocr/decoder.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "core/error.h"
#include "ebm/align/beam.h"
#include "ebm/align/lexicon_sum.h"
#include "ebm/align/partition.h"
#include "ebm/align/search.h"
#include "ebm/align/word_energy.h"
#include "ocr/text.h"

namespace talweg::ocr {

namespace {

/// How many other symbols a character lists, and how probable one must be to be listed.
constexpr std::size_t kSymbolChoices = 3;
constexpr double kLeastProbability = 1e-6;

/// The energies with all other letters forbidden.
EnergyMap limited(EnergyMap map, const Alphabet& alphabet, const std::u32string& letters) {
  std::vector<bool> allowed(std::size_t(map.symbols), false);
  allowed[std::size_t(alphabet.between())] = true;
  for (int32_t symbol : alphabet.encode(encode_utf8(letters))) allowed[std::size_t(symbol)] = true;
  for (std::size_t i = 0; i < map.values.size(); ++i) {
    if (!allowed[i % allowed.size()]) map.values[i] = std::numeric_limits<float>::infinity();
  }
  return map;
}

/// Everything that is known while one image is read.
class Decoding {
 public:
  Decoding(const EnergyMap& map, const Alphabet& alphabet, ebm::Topology topology,
           const DecoderOptions& options)
      : map_(map),
        alphabet_(alphabet),
        options_(options),
        grammar_{alphabet.between(), topology},
        rule_(ebm::path_rule(topology)),
        beta_(options.beta.value_or(kReadingBeta)),
        warm_(map.values.data(), map.windows, map.symbols, grammar_, beta_) {}

  Reading read() {
    find();
    Reading reading{word_.status, alphabet_.decode(word_.word), word_.energy, 0, {}, {}, true};
    reading.complete = complete_;
    posterior_.observe(map_.values.data(), map_.windows, map_.symbols, grammar_, beta_);
    if (word_.status == ebm::AlignStatus::ok) {
      reading.confidence = probability(word_.word);
      reading.characters = characters();
    }
    for (const ebm::FoundWord& w : choices_) {
      reading.alternatives.push_back({alphabet_.decode(w.word), w.energy, probability(w.word)});
    }
    return reading;
  }

 private:
  bool searches() const {
    return options_.way == Decoder::lexicon || options_.way == Decoder::beam;
  }

  void find() {
    if (searches() || options_.alternatives > 0) search();
    if (options_.way == Decoder::exact) {
      word_ = ebm::least_energy_word(map_.values.data(), map_.windows, map_.symbols, grammar_);
    } else if (options_.way == Decoder::classic) {
      word_ = ebm::greedy_word(map_.values.data(), map_.windows, map_.symbols, grammar_);
    }
  }

  void search() {
    const ebm::FoundWords found = within_beam() ? by_beam() : by_bounds();
    if (options_.alternatives > 0) choices_ = found.words;
    complete_ = found.complete;
    if (searches()) take(found);
  }

  bool within_beam() const { return options_.way == Decoder::beam && !options_.lexicon; }

  ebm::FoundWords by_beam() const {
    ebm::BeamOptions o;
    o.width = options_.beam;
    o.count = std::max(1, options_.alternatives);
    o.model = options_.model.get();
    o.model_weight = options_.model_weight;
    o.to_model = options_.to_model;
    return ebm::beam_words(map_.values.data(), map_.windows, map_.symbols, grammar_, o);
  }

  ebm::FoundWords by_bounds() const {
    ebm::SearchOptions o;
    o.count = std::max(1, options_.alternatives);
    if (searches()) o.lexicon = options_.lexicon.get();
    if (options_.way == Decoder::beam) {
      o.model = options_.model.get();
      o.model_weight = options_.model_weight;
      o.to_model = options_.to_model;
    }
    return ebm::best_words(map_.values.data(), map_.windows, map_.symbols, grammar_, o);
  }

  /// The best word of a search, with the windows of its best path.
  void take(const ebm::FoundWords& found) {
    word_.status = found.status;
    word_.energy = std::numeric_limits<double>::infinity();
    if (found.status != ebm::AlignStatus::ok || found.words.empty()) return;
    word_.word = found.words[0].word;
    word_.energy = found.words[0].energy;
    const std::vector<int32_t> label = ebm::expand(word_.word, grammar_.between, grammar_.topology);
    const ebm::Alignment best =
        ebm::viterbi(map_.values.data(), map_.windows, map_.symbols, label, rule_);
    for (std::size_t i = 0; i < best.path.size(); ++i) {
      const int32_t symbol = label[std::size_t(best.path[i])];
      word_.symbols.push_back(symbol);
      if (symbol == grammar_.between) continue;
      if (i == 0 || best.path[i] != best.path[i - 1]) {
        word_.spans.push_back({int64_t(i), int64_t(i)});
      }
      word_.spans.back().last = int64_t(i);
    }
  }

  double probability(const std::vector<int32_t>& word) {
    if (searches() && options_.lexicon) {
      if (!lexicon_sum_) {
        lexicon_sum_ = ebm::lexicon_sum(map_.values.data(), map_.windows, map_.symbols, grammar_,
                                        beta_, *options_.lexicon);
      }
      return std::min(1.0, std::exp(-beta_ * warm_(word) - lexicon_sum_->log_partition));
    }
    if (!posterior_.feasible()) return 0;
    return std::exp(posterior_.log_probability(map_.values.data(), word, scratch_));
  }

  std::vector<CharReading> characters() {
    marginals_.assign(map_.values.size(), 0.0);
    if (posterior_.feasible()) posterior_.marginals(marginals_.data());
    std::vector<CharReading> all;
    for (std::size_t k = 0; k < word_.word.size(); ++k) {
      all.push_back(read_character(map_, alphabet_, marginals_, word_.word[k], word_.spans[k]));
    }
    return all;
  }

  const EnergyMap& map_;
  const Alphabet& alphabet_;
  const DecoderOptions& options_;
  ebm::Grammar grammar_;
  ebm::PathRule rule_;
  double beta_;
  ebm::WordReading word_;
  std::vector<ebm::FoundWord> choices_;
  bool complete_ = true;
  ebm::WordPosterior posterior_;
  ebm::AlignScratch scratch_;
  ebm::WordEnergy<float> warm_;
  std::optional<ebm::LexiconSum> lexicon_sum_;
  std::vector<double> marginals_;
};

}  // namespace

CharReading read_character(const EnergyMap& map, const Alphabet& alphabet,
                           std::span<const double> marginals, int32_t symbol,
                           const ebm::WindowSpan& span) {
  const auto at = [&](int64_t window, int32_t a) {
    return marginals[std::size_t(window * map.symbols + a)];
  };
  int64_t shown = span.first;
  for (int64_t i = span.first; i <= span.last; ++i) {
    if (at(i, symbol) > at(shown, symbol)) shown = i;
  }
  CharReading c{alphabet.symbol_name(symbol),
                double(span.first) * map.window_width,
                double(span.last + 1) * map.window_width,
                0,
                0,
                at(shown, symbol),
                {}};
  std::vector<int32_t> others;
  for (int32_t a = 0; a < map.symbols; ++a) {
    const bool counts = a != symbol && a != alphabet.between();
    if (counts && at(shown, a) >= kLeastProbability) others.push_back(a);
  }
  std::ranges::stable_sort(others, std::greater(), [&](int32_t a) { return at(shown, a); });
  others.resize(std::min(others.size(), kSymbolChoices));
  for (int32_t a : others) c.alternatives.push_back({alphabet.symbol_name(a), at(shown, a)});
  return c;
}

Reading decode(const EnergyMap& map, const Alphabet& alphabet, ebm::Topology topology,
               const DecoderOptions& options) {
  expect(options.way != Decoder::lexicon || options.lexicon,
         "[decode] the lexicon decoder needs a lexicon");
  expect(options.way != Decoder::beam || options.model,
         "[decode] the beam decoder needs a letter model");
  expect(!options.beta || *options.beta > 0,
         "[decode] the inverse temperature of probabilities must be above 0, found ",
         options.beta.value_or(0));
  if (!options.letters) return Decoding(map, alphabet, topology, options).read();
  expect(!options.letters->empty(), "[decode] no letter may be read; allow at least one");
  return Decoding(limited(map, alphabet, *options.letters), alphabet, topology, options).read();
}

}  // namespace talweg::ocr
