// Sums over all words of one image, and searches among them: whatever the energies, topology and
// temperature.
#include <algorithm>
#include <cmath>
#include <map>

#include "core/error.h"
#include "core/kernels/kernels.h"
#include "ebm/align/beam.h"
#include "ebm/align/lexicon_sum.h"
#include "ebm/align/word_energy.h"
#include "ebm/align/word_ops.h"
#include "tests/ebm/align/word_energies.h"
#include "tests/fuzz/input.h"

namespace talweg::ebm {
namespace {

using fuzz::Input;
using fuzz::require;
using fuzz::Scale;
using Symbols = std::vector<int32_t>;
constexpr double kInf = std::numeric_limits<double>::infinity();

template <class T> struct Image {
  int64_t frames, alphabet;
  Scale scale;
  double beta;
  Grammar grammar;
  std::vector<T> e;

  bool is_tame() const { return scale == Scale::tame || scale == Scale::tied; }
  /// A strings's energy may be off by this much.
  double rounding() const {
    double sum = 0;
    for (const T x : e) sum += fuzz::is_finite(x) ? std::abs(double(x)) : 0;
    return 1e-12 * (sum + 10 / beta);
  }
  bool sums_are_finite() const {
    const auto limit = sizeof(T) == 4 ? std::numeric_limits<T>::max() : T(1e300);
    return std::ranges::all_of(e, [&](T x) { return std::abs(x) <= limit; });
  }
  /// Few enough strings to look at each.
  bool is_small() const { return std::pow(double(alphabet), double(frames)) < 2000 && frames > 0; }
};

template <class T> Image<T> draw_image(Input& in) {
  Image<T> x;
  x.frames = in.below(10) == 0 ? in.below(64) : in.below(9);
  x.alphabet = 2 + (in.below(10) == 0 ? in.below(40) : in.below(4));
  x.scale = fuzz::scale_of(in);
  x.beta = in.pick({1e-6, 0.25, 1.0, 2.0, 30.0, 1e6});
  x.grammar = {static_cast<int32_t>(in.below(x.alphabet)),
               in.pick({Topology::classic, Topology::margins, Topology::ctc})};
  x.e = fuzz::energies<T>(in, x.frames * x.alphabet, x.scale);
  return x;
}

Symbols draw_word(Input& in, int64_t alphabet, int32_t between) {
  Symbols word(in.below(5));
  for (int32_t& a : word) {
    a = static_cast<int32_t>(in.below(alphabet - 1));
    a += a >= between;
  }
  return word;
}

/// Readings: the best word and the greedy one.
template <class T> void check_readings(const Image<T>& x) {
  WordEnergy<T> energy_of(x.e.data(), x.frames, x.alphabet, x.grammar, kInf);
  const WordReading best = least_energy_word(x.e.data(), x.frames, x.alphabet, x.grammar);
  const WordReading greedy = greedy_word(x.e.data(), x.frames, x.alphabet, x.grammar);
  if (best.status != AlignStatus::ok) {
    require(best.word.empty() && !fuzz::is_finite(best.energy), "no string, no word");
    return;
  }
  require(spells(best.symbols, x.grammar), "what is read spells a word");
  require(energy_of(best.word) == best.energy, "the best word's energy is the aligner's");
  require(std::ssize(best.spans) == std::ssize(best.word), "a span for each character");
  if (greedy.status == AlignStatus::ok) {
    require(greedy.energy >= best.energy, "greedy is never better than the best");
  }
}

template <class T> void check_distribution(Input& in, const Image<T>& x, WordPosterior& p) {
  Rng rng(in.byte());
  AlignScratch scratch;
  Symbols symbols(x.frames);
  p.sample(rng, symbols);
  require(spells(symbols, x.grammar), "a sample spells a word");
  const Symbols word = word_of(symbols, x.grammar.between);
  const double log_p = p.log_probability(x.e.data(), word, scratch);
  require(log_p <= 0 && log_p > -kInf, "what was drawn is possible, and no more than certain");
  const double errors = p.expected_frame_errors(symbols);
  require(errors >= -1e-9 && errors <= double(x.frames) * (1 + 1e-9), "errors are of frames");
  const SampledMean distance = expected_edit_distance(p, word, 4, rng);
  require(distance.mean >= 0 && distance.standard_error >= 0, "distances are not negative");
  if (!x.is_small() || !x.is_tame()) return;
  const auto strings = brute_force::all_spellings(x.e, x.frames, x.alphabet, x.grammar);
  require(
      std::abs(p.result().energy - brute_force::free_energy_of(strings, x.beta)) <= x.rounding(),
      "F of all words is the enumeration's");
  for (const auto& [w, share] : brute_force::word_probabilities(strings, x.beta)) {
    const double found = std::exp(p.log_probability(x.e.data(), w, scratch));
    require(std::abs(found - share) <= 1e-9 + x.beta * x.rounding(),
            "every word has the enumeration's probability");
  }
}

template <class T> void check_sums(Input& in, const Image<T>& x) {
  WordPosterior p, sum;
  const AlignResult all = p.observe(x.e.data(), x.frames, x.alphabet, x.grammar, x.beta);
  const AlignResult alone = sum.sum(x.e.data(), x.frames, x.alphabet, x.grammar, x.beta);
  const bool ok = all.status == AlignStatus::ok;
  require(alone.status == all.status, "the status is the same without the posterior");
  require(ok == fuzz::is_finite(all.energy), "F is finite if ok");
  if (ok) {
    require(std::abs(all.energy - alone.energy) <= x.rounding(),
            "F is the same without the posterior");
  }
  if (x.sums_are_finite()) {
    require(all.status != AlignStatus::non_finite, "finite energies are not called non-finite");
  }
  std::vector<T> marginals(x.e.size(), T(7)), h(x.e.size(), T(7));
  p.marginals(marginals.data());
  const auto v = fuzz::energies<T>(in, std::ssize(x.e), Scale::tame);
  p.hessian_product(v.data(), h.data());
  const double most = x.beta * 32 * double(x.frames);
  for (int64_t i = 0; i < x.frames; ++i) {
    double total = 0, turned = 0;
    for (int64_t a = 0; a < x.alphabet; ++a) {
      const double share = marginals[i * x.alphabet + a], turn = h[i * x.alphabet + a];
      require(share >= 0 && share <= 1 + 1e-6, "a marginal is a probability");
      require(std::abs(turn) <= most * (1 + 1e-6), "second derivatives are bounded, and no NaN");
      total += share;
      turned += turn;
    }
    require(ok ? std::abs(total - 1) < 1e-6 : total == 0, "rows of marginals sum to 1, or are 0");
    require(ok ? std::abs(turned) <= 1e-6 * most : turned == 0,
            "what one symbol wins another loses");
  }
  if (!ok) return;
  const WordReading best = least_energy_word(x.e.data(), x.frames, x.alphabet, x.grammar);
  require(best.status == AlignStatus::ok, "temperature does not change what is possible");
  require(all.energy <= best.energy + x.rounding(), "F of all words <= that of the best");
  check_distribution(in, x, p);
}

/// The loss of a word against all others, on the tape.
template <class T> void check_loss(Input& in, const Image<T>& x) {
  Tensor<T> values(Shape{1, x.frames, x.alphabet});
  std::ranges::copy(x.e, values.data());
  LabelList labels;
  labels.add(
      expand(draw_word(in, x.alphabet, x.grammar.between), x.grammar.between, x.grammar.topology));
  const std::vector<int64_t> frames{x.frames};
  Tape<T> tape;
  WordGaps out;
  const Var<T> e = tape.variable(values);
  const auto nll = word_nll(e, frames, labels.view(), x.grammar, x.beta, out);
  require(nll.loss.item() >= 0, "a negative log-likelihood is not negative, and no NaN");
  tape.backward(nll.loss);
  const Tensor<T> pull = e.grad();
  for (const T g : pull.values()) {
    require(std::abs(g) <= T(x.beta * 1.001), "the loss pulls with bounded force");
  }
}

void check_found(const FoundWords& found, int64_t count, auto&& energy_of) {
  require(std::ssize(found.words) <= count, "no more words than asked for");
  require(found.status == AlignStatus::ok || found.words.empty(), "no status but ok has words");
  for (size_t k = 0; k < found.words.size(); ++k) {
    const FoundWord& w = found.words[k];
    const double own = energy_of(w.word);
    require(own == w.energy, "a word's energy is the aligner's");
    for (size_t j = 0; j < k; ++j) {
      require(found.words[j].word != w.word, "words are different");
    }
    if (k > 0) require(found.words[k - 1].score <= w.score, "words ascend by score");
  }
}

template <class T> void check_searches(Input& in, const Image<T>& x) {
  const int32_t between = x.grammar.between;
  std::vector<Symbols> words;
  for (int64_t n = 1 + in.below(6); n > 0; --n) words.push_back(draw_word(in, x.alphabet, between));
  const LabelList list = brute_force::list_of(words);
  const Lexicon lexicon(list.view(), x.alphabet);
  const NgramModel model = NgramModel::train(list.view(), x.alphabet, 1 + int(in.below(4)));

  SearchOptions options;
  options.beta = in.flip() ? kInf : x.beta;
  options.count = 1 + in.below(4);
  options.max_prefixes = 1 + in.bits<uint16_t>() % 300;
  if (in.flip()) options.lexicon = &lexicon;
  if (in.flip()) options.model = &model;
  WordEnergy<T> energy_of(x.e.data(), x.frames, x.alphabet, x.grammar, options.beta);
  const FoundWords found = best_words(x.e.data(), x.frames, x.alphabet, x.grammar, options);
  check_found(found, options.count, energy_of);
  if (options.lexicon != nullptr && found.status == AlignStatus::ok) {
    double least = kInf;
    for (const Symbols& w : words) {
      const double f = energy_of(w);
      least = std::min(least, f + (options.model != nullptr ? model.word_cost(w) : 0));
    }
    if (found.complete && !found.words.empty()) {
      require(found.words[0].score <= least + x.rounding(), "no word of the lexicon is better");
    }
    for (const FoundWord& w : found.words) {
      require(std::ranges::count(words, w.word) > 0, "what is found is in the lexicon");
    }
  }
  BeamOptions beam;
  beam.beta = options.beta;
  beam.width = 1 + in.below(20);
  beam.count = options.count;
  beam.model = options.model;
  const FoundWords wide = beam_words(x.e.data(), x.frames, x.alphabet, x.grammar, beam);
  check_found(wide, beam.count, energy_of);
  if (options.lexicon == nullptr && found.complete && !found.words.empty() && !wide.words.empty()) {
    require(wide.words[0].score >= found.words[0].score - x.rounding(), "no beam beats the best");
  }
  const LexiconSum sum =
      lexicon_sum(x.e.data(), x.frames, x.alphabet, x.grammar, x.beta, lexicon, 1e-6);
  require(!std::isnan(sum.energy) || sum.status == AlignStatus::non_finite, "F of words is no NaN");
  if (sum.status != AlignStatus::ok) return;
  require(sum.missing >= 0 && sum.missing <= 1e-6, "no more is missing than was allowed");
  WordEnergy<T> soft(x.e.data(), x.frames, x.alphabet, x.grammar, x.beta);
  for (const Symbols& w : words) {
    const double f = soft(w);
    require(!(f < sum.energy - x.rounding() - 1e-6 / x.beta), "F of words <= that of each");
  }
}

template <class T> void check_image(Input& in) {
  const Image<T> x = draw_image<T>(in);
  check_readings(x);
  check_sums(in, x);
  check_loss(in, x);
  check_searches(in, x);
}

}  // namespace
}  // namespace talweg::ebm

talweg::fuzz::Corpus talweg::fuzz::corpus() { return {}; }

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  talweg::fuzz::Input in(data, size);
  const auto isas = talweg::kernels::available_isas();
  const talweg::kernels::ScopedIsa scoped(isas[in.below(std::ssize(isas))]);
  if (in.below(4) == 0) {
    talweg::ebm::check_image<double>(in);
  } else {
    talweg::ebm::check_image<float>(in);
  }
  return 0;
}
