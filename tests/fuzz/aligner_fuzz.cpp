// The aligner of one pair, under any rule, at any temperature, on any energies: its statuses, paths,
// free energies, posteriors and second derivatives, and the losses made of them.
#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/kernels/kernels.h"
#include "ebm/align/curvature.h"
#include "ebm/align/soft_ops.h"
#include "tests/ebm/align/rule_paths.h"
#include "tests/fuzz/input.h"

namespace talweg::ebm {
namespace {

using fuzz::Input;
using fuzz::require;
using fuzz::Scale;
constexpr double kInf = std::numeric_limits<double>::infinity();

template <class T> struct Pair {
  int64_t frames, alphabet;
  Scale scale;
  double beta;
  PathRule rule;
  std::vector<int32_t> label;
  std::vector<T> e;

  int64_t length() const { return std::ssize(label); }
  /// Sums of floats stay in the range of double; those of doubles may leave it.
  bool sums_are_finite() const {
    const auto limit = sizeof(T) == 4 ? std::numeric_limits<T>::max() : T(1e300);
    return std::ranges::all_of(e, [&](T x) { return std::abs(x) <= limit; });
  }
  double magnitude() const {
    double sum = 0;
    for (const T x : e) sum += fuzz::is_finite(x) ? std::abs(double(x)) : 0;
    for (const double c : rule.step) sum += c < kInf ? std::abs(c) * double(frames) : 0;
    for (const double c : rule.duration) sum += c < kInf ? std::abs(c) * double(frames) : 0;
    return sum;
  }
};

PathRule draw_rule(Input& in) {
  if (in.below(3) > 0) {
    return path_rule(in.pick({Topology::classic, Topology::margins, Topology::ctc}));
  }
  const auto cost = [&] { return in.below(6) == 0 ? kInf : double(in.bits<int8_t>()) / 16; };
  PathRule rule;
  rule.step.clear();
  for (int64_t n = in.below(5); n >= 0; --n) rule.step.push_back(cost());
  for (int64_t n = in.below(4); n > 0; --n) rule.duration.push_back(cost());
  rule.first = in.below(4);
  rule.last = in.below(4);
  rule.skip_to_other = in.flip();
  return rule;
}

template <class T> Pair<T> draw_pair(Input& in) {
  Pair<T> p;
  p.frames = in.below(10) == 0 ? in.below(64) : in.below(11);
  p.alphabet = 1 + (in.below(10) == 0 ? in.below(40) : in.below(6));
  p.scale = fuzz::scale_of(in);
  p.beta = in.pick({1e-6, 1e-3, 0.25, 1.0, 2.0, 30.0, 1e3, 1e6});
  p.rule = draw_rule(in);
  p.label.resize(in.below(10) == 0 ? in.below(40) : in.below(9));
  for (int32_t& y : p.label) y = static_cast<int32_t>(in.below(p.alphabet));
  p.e = fuzz::energies<T>(in, p.frames * p.alphabet, p.scale);
  return p;
}

template <class T> void check_path(const Pair<T>& p, const Alignment& hard) {
  if (hard.status != AlignStatus::ok) {
    require(hard.path.empty(), "what has no path returns none");
    return;
  }
  require(std::ssize(hard.path) == p.frames, "a path has a position for every frame");
  if (p.frames == 0) return;
  const double cost = brute_force::rule_cost(p.rule, p.label, hard.path);
  const double own = brute_force::path_energy(p.e, p.alphabet, p.label, hard.path) + cost;
  require(std::abs(own - hard.energy) <= 1e-13 * p.magnitude() + 1e-300 ||
              !fuzz::is_finite(p.magnitude()),
          "F is the energy of the path returned");
}

template <class T> void check_rows(const Pair<T>& p, const std::vector<T>& posterior, bool ok) {
  for (int64_t i = 0; i < p.frames; ++i) {
    double sum = 0;
    for (int64_t a = 0; a < p.alphabet; ++a) {
      const T share = posterior[i * p.alphabet + a];
      require(share >= 0 && share <= T(1 + 1e-6), "a posterior is a probability");
      sum += share;
    }
    require(ok ? std::abs(sum - 1) < 1e-6 : sum == 0, "rows of posteriors sum to 1, or are 0");
  }
}

/// Of few paths, all.
template <class T>
void check_by_enumeration(const Pair<T>& p, const AlignResult& soft,
                          const std::vector<T>& posterior) {
  if (std::pow(double(p.length()), double(p.frames)) > 3000 || p.frames == 0 || p.length() == 0) {
    return;
  }
  const auto all = brute_force::sum_over_paths(p.e, p.frames, p.alphabet, p.label, p.rule, p.beta);
  require((soft.status == AlignStatus::ok) == (all.least < kInf),
          "a pair is ok exactly if it has a path of finite energy");
  if (all.least == kInf) return;
  require(std::abs(soft.energy - all.free_energy) <= 1e-12 * (p.magnitude() + 10 / p.beta),
          "F is that of the enumeration");
  // Of 10^6 times the energies, the last digits count too.
  const double tolerance = 1e-6 + p.beta * p.magnitude() * 1e-14;
  for (size_t k = 0; k < posterior.size(); ++k) {
    require(std::abs(double(posterior[k]) - all.posterior[k]) <= tolerance,
            "the posterior is that of the enumeration");
  }
}

template <class T> void check_curvature(Input& in, const Pair<T>& p, bool ok) {
  const auto v = fuzz::energies<T>(in, std::ssize(p.e), Scale::tame);
  std::vector<T> h(p.e.size(), T(7));
  CurvatureScratch scratch;
  posterior_derivative(p.e.data(), p.frames, p.alphabet, p.label, p.beta, p.rule, v.data(),
                       h.data(), scratch);
  // |Cov| <= (range of S)^2 / 4 would do; the range of S is at most 32 a frame.
  const double most = p.beta * 32 * double(p.frames);
  for (int64_t i = 0; i < p.frames; ++i) {
    double sum = 0;
    for (int64_t a = 0; a < p.alphabet; ++a) {
      const double x = h[i * p.alphabet + a];
      require(std::abs(x) <= most * (1 + 1e-6), "second derivatives are bounded, and no NaN");
      sum += x;
    }
    require(ok ? std::abs(sum) <= 1e-6 * most : sum == 0, "what one symbol wins another loses");
  }
}

/// On the tape, the pair and one beside it that fits: F and its gradient, and the loss.
template <class T> void check_ops(const Pair<T>& p) {
  Tensor<T> values(Shape{2, p.frames, p.alphabet}, T(1));
  std::ranges::copy(p.e, values.data());
  LabelList labels;
  labels.add(p.label);
  labels.add(std::vector<int32_t>(1, 0));
  const std::vector<int64_t> frames{p.frames, p.frames};
  for (const double beta : {p.beta, kInf}) {
    Tape<T> tape;
    BatchAlignment out;
    const Var<T> e = tape.variable(values);
    const AlignOptions options{beta, p.rule};
    const Var<T> f = free_energy(e, frames, labels.view(), options, out);
    for (int64_t b = 0; b < 2; ++b) {
      require(fuzz::is_finite(f.data()[b]) == (out.results[b].status == AlignStatus::ok),
              "F of a tape is finite if ok");
    }
    const std::array xs{e};
    const Var<T> force = tape.grad(sum(f), xs)[0];
    for (int64_t k = 0; k < values.size(); ++k) {
      const bool ok = out.results[k / std::ssize(p.e)].status == AlignStatus::ok;
      const T x = force.data()[k];
      require(ok ? x >= 0 && x <= T(1.001) : x == 0, "the gradient is the posterior, or 0");
    }
    if (!p.sums_are_finite()) continue;
    const Var<T> loss = path_cross_entropy(e, frames, labels.view(), options, out).loss;
    require(!std::isnan(loss.item()), "no NaN out of finite energies");
    const Var<T> pull = tape.grad(loss, xs)[0];
    for (int64_t k = 0; k < values.size(); ++k) {
      require(std::abs(pull.data()[k]) <= T(1.001), "the loss pulls with bounded force");
    }
  }
}

template <class T> void check_pair(Input& in) {
  const Pair<T> p = draw_pair<T>(in);
  try {
    check_rule(p.rule);
  } catch (const Error&) {
    return;
  }
  const Alignment hard = viterbi(p.e.data(), p.frames, p.alphabet, p.label, p.rule);
  check_path(p, hard);

  AlignScratch scratch;
  std::vector<T> posterior(p.e.size(), T(7));
  std::vector<double> on_positions(p.frames * p.length(), 7.0);
  const AlignResult soft = free_energy_of(p.e.data(), p.frames, p.alphabet, p.label, p.beta, p.rule,
                                          scratch, posterior.data(), on_positions.data());
  const bool ok = soft.status == AlignStatus::ok;
  check_rows(p, posterior, ok);
  const AlignResult alone =
      free_energy_of<T>(p.e.data(), p.frames, p.alphabet, p.label, p.beta, p.rule, scratch);
  require(alone.status == soft.status, "the status is the same without the posterior");
  if (ok) {
    require(std::abs(alone.energy - soft.energy) <= 1e-13 * (p.magnitude() + 100 / p.beta),
            "F is the same without the posterior");
  }
  require((soft.status == AlignStatus::non_finite) == std::isnan(soft.energy) &&
              (ok == fuzz::is_finite(soft.energy)),
          "F is finite if ok, NaN if non-finite, else +inf");
  for (int64_t i = 0; i < p.frames; ++i) {
    double sum = 0;
    for (int64_t s = 0; s < p.length(); ++s) sum += on_positions[i * p.length() + s];
    require(ok ? std::abs(sum - 1) < 1e-9 : sum == 0, "a frame is somewhere in the word");
  }
  dp_matrix(p.e.data(), p.frames, p.alphabet, p.label, AlignOptions{p.beta, p.rule});
  if (p.sums_are_finite()) {
    require(soft.status != AlignStatus::non_finite, "finite energies are not called non-finite");
  }
  if (p.sums_are_finite() || sizeof(T) == 4) {
    require(hard.status == soft.status, "temperature does not change what is possible");
  }
  if (ok) {
    const double rounding = 1e-12 * p.magnitude();
    require(soft.energy <= hard.energy + rounding, "F_beta <= F_min");
    require(soft.energy >= hard.energy - rounding -
                               (double(p.frames) * std::log(p.length() + 1.0) + 1e-9) / p.beta,
            "F_beta >= F_min - log(paths) / beta");
  }
  if (p.scale == Scale::tame || p.scale == Scale::tied) check_by_enumeration(p, soft, posterior);
  check_curvature(in, p, ok);
  check_ops(p);
}

/// Symbols outside the alphabet, temperatures that are none: refused, whatever else is wrong.
void check_mistakes(Input& in) {
  Pair<float> p = draw_pair<float>(in);
  AlignScratch scratch;
  const auto refused = [&](std::span<const int32_t> label, double beta) {
    try {
      free_energy_of<float>(p.e.data(), p.frames, p.alphabet, label, beta, PathRule{}, scratch);
      return false;
    } catch (const Error&) {
      return true;
    }
  };
  for (const double beta : {0.0, -1.0, double(std::nanf(""))}) {
    require(refused(p.label, beta), "beta is above 0");
  }
  p.label.push_back(in.flip() ? -1 - int32_t(in.byte()) : int32_t(p.alphabet + in.byte()));
  require(refused(p.label, p.beta), "symbols are of the alphabet");
}

}  // namespace
}  // namespace talweg::ebm

talweg::fuzz::Corpus talweg::fuzz::corpus() { return {}; }

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  talweg::fuzz::Input in(data, size);
  const auto isas = talweg::kernels::available_isas();
  const talweg::kernels::ScopedIsa scoped(isas[in.below(std::ssize(isas))]);
  switch (in.below(8)) {
    case 0:
      talweg::ebm::check_mistakes(in);
      break;
    case 1:
    case 2:
      talweg::ebm::check_pair<double>(in);
      break;
    default:
      talweg::ebm::check_pair<float>(in);
  }
  return 0;
}
