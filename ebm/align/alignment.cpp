#include "ebm/align/alignment.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "ebm/align/semiring.h"

namespace talweg::ebm {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

void check_sizes(int64_t frames, int64_t alphabet) {
  expect(frames >= 0, "[align] the number of frames is ", frames, "; it cannot be negative");
  expect(alphabet > 0, "[align] the alphabet has ", alphabet, " symbols; it needs at least one");
}

/// Why a chain has no path before any energy is looked at; `ok` if it may have one.
AlignStatus judge_sizes(ChainBuilder& chain, int64_t frames) {
  const int64_t fewest = chain.fewest_frames();
  if (fewest == 0) return AlignStatus::impossible;
  return frames < fewest ? AlignStatus::too_short : AlignStatus::ok;
}

AlignResult judge_energy(double energy) {
  if (energy == kNoPath) return {AlignStatus::impossible, kNoPath};
  if (energy > -kNoPath) return {AlignStatus::ok, energy};
  return {AlignStatus::non_finite, kNan};
}

/// Some block of states saw a NaN or -inf. If a path can use it, the pair is lost; otherwise the
/// energies without it, +inf in its place, are those to work with.
template <class T>
bool usable_non_finite(const ChainBuilder& builder, const Chain& chain, const T* energies,
                       std::vector<T>& cleaned) {
  const std::vector<char> usable = builder.usable_states();
  for (int64_t i = 0; i < chain.frames; ++i) {
    for (int64_t s = 0; s < chain.states; ++s) {
      const T e = energies[i * chain.alphabet + chain.symbols[s]];
      if (usable[i * chain.states + s] && !(e > -std::numeric_limits<T>::infinity())) return true;
    }
  }
  cleaned.assign(energies, energies + chain.frames * chain.alphabet);
  for (T& e : cleaned) {
    if (!(e > -std::numeric_limits<T>::infinity())) e = std::numeric_limits<T>::infinity();
  }
  return false;
}

/// Runs `kernel(energies, &suspicious)`, a second time on cleaned energies where it must be.
template <class T, class Kernel>
double judged(const ChainBuilder& builder, const Chain& chain, const T* energies, Kernel kernel) {
  bool suspicious = false;
  const double energy = kernel(energies, &suspicious);
  if (!suspicious) return energy;
  std::vector<T> cleaned;
  if (usable_non_finite(builder, chain, energies, cleaned)) return kNan;
  return kernel(cleaned.data(), &suspicious);
}

/// The posterior of a single path.
template <class T>
void mark_path(std::span<const int32_t> path, std::span<const int32_t> label, int64_t alphabet,
               T* posterior, double* on_positions) {
  const int64_t length = std::ssize(label);
  for (int64_t i = 0; i < std::ssize(path); ++i) {
    if (path[i] < 0) continue;
    if (posterior != nullptr) posterior[i * alphabet + label[path[i]]] = 1;
    if (on_positions != nullptr) on_positions[i * length + path[i]] = 1;
  }
}

/// -(1/beta) log of a sum over paths.
double free_energy_from(const ChainSum& sum, double beta) {
  if (!(sum.energy < kNoPath)) return sum.energy;
  return sum.energy - (std::log(sum.count) + sum.power * std::log(2.0)) / beta;
}

}  // namespace

const PathRule AlignScratch::kClassic{};

const char* to_string(AlignStatus status) {
  switch (status) {
    case AlignStatus::ok:
      return "ok";
    case AlignStatus::too_short:
      return "too short";
    case AlignStatus::empty:
      return "empty label";
    case AlignStatus::non_finite:
      return "non-finite energies";
    case AlignStatus::impossible:
      return "impossible";
  }
  return "unknown";
}

void check_symbols(std::span<const int32_t> symbols, int64_t alphabet) {
  // The sign bit tells of y < 0 and of y > last. One pass without a branch; who is wrong, seldom.
  // Vectors pay: of a batch of short words this is most of what one thread does for all.
  const auto last = static_cast<uint32_t>(std::min<int64_t>(alphabet - 1, INT32_MAX));
  uint32_t signs = 0;
  const int32_t* y = symbols.data();
#pragma omp simd reduction(| : signs)
  for (int64_t j = 0; j < std::ssize(symbols); ++j) {
    const auto bits = static_cast<uint32_t>(y[j]);
    signs |= bits | (last - bits);
  }
  if (signs >> 31 == 0) return;
  for (size_t j = 0; j < symbols.size(); ++j) {
    expect(0 <= symbols[j] && symbols[j] < alphabet, "[align] symbol ", symbols[j], " at position ",
           j, " is outside the alphabet [0,", alphabet,
           "); was the text encoded with another one?");
  }
}

void check_beta(double beta) {
  expect(beta > 0, "[align] beta is ", beta,
         "; it must be above 0 (infinity is the limit of zero temperature)");
}

void check_options(double beta, const PathRule& rule) {
  check_beta(beta);
  check_rule(rule);
}

void AlignScratch::reserve(int64_t frames, int64_t length, int64_t alphabet,
                           const PathRuleView& rule, bool soft) {
  const Chain largest = chain.reserve(length, frames, alphabet, rule);
  room(work, chain_work(largest, soft));
  if (soft) return;
  room(came, frames * largest.stride);
  room(path, frames);
}

template <class T>
AlignResult viterbi(const T* energies, int64_t frames, int64_t alphabet,
                    std::span<const int32_t> label, AlignScratch& scratch, std::span<int32_t> path,
                    const PathRuleView& rule) {
  check_sizes(frames, alphabet);
  check_symbols(label, alphabet);
  expect(static_cast<int64_t>(path.size()) == frames, "[align] the path has room for ", path.size(),
         " frames, the energies have ", frames);
  std::fill(path.begin(), path.end(), -1);
  if (label.empty()) {
    return frames == 0 ? AlignResult{} : AlignResult{AlignStatus::empty, kNoPath};
  }

  const Chain& chain = scratch.chain.build(label, frames, alphabet, rule, false);
  const AlignStatus sizes = judge_sizes(scratch.chain, frames);
  if (sizes != AlignStatus::ok) return {sizes, kNoPath};
  double* work = room(scratch.work, chain_work(chain, false));
  uint8_t* came = room(scratch.came, frames * chain.stride);
  const AlignResult result =
      judge_energy(judged(scratch.chain, chain, energies, [&](const T* e, bool* suspicious) {
        return chain_table<T>().least(chain, e, came, work, path.data(), suspicious);
      }));
  const auto states = static_cast<int32_t>(scratch.chain.states_a_position());
  if (result.status != AlignStatus::ok) {
    std::fill(path.begin(), path.end(), -1);
  } else if (states > 1) {
    for (int32_t& z : path) z /= states;
  }
  return result;
}

template <class T>
Alignment viterbi(const T* energies, int64_t frames, int64_t alphabet,
                  std::span<const int32_t> label, const PathRule& rule) {
  check_sizes(frames, alphabet);
  check_rule(rule);
  AlignScratch scratch;
  std::vector<int32_t> path(frames);
  const AlignResult r = viterbi(energies, frames, alphabet, label, scratch, path, rule);
  if (r.status != AlignStatus::ok) path.clear();
  return {r.status, r.energy, std::move(path)};
}

template <class T>
AlignResult free_energy_of(const T* energies, int64_t frames, int64_t alphabet,
                           std::span<const int32_t> label, double beta, const PathRuleView& rule,
                           AlignScratch& scratch, T* posterior, double* on_positions) {
  check_beta(beta);
  const int64_t length = std::ssize(label);
  const auto clear = [&] {
    if (posterior != nullptr) std::fill(posterior, posterior + frames * alphabet, T(0));
    if (on_positions != nullptr) std::fill(on_positions, on_positions + frames * length, 0.0);
  };
  if (beta == kNoPath) {
    std::span<int32_t> path(room(scratch.path, frames), frames);
    const AlignResult r = viterbi(energies, frames, alphabet, label, scratch, path, rule);
    clear();
    mark_path(path, label, alphabet, posterior, on_positions);
    return r;
  }
  check_sizes(frames, alphabet);
  check_symbols(label, alphabet);
  if (label.empty()) {
    clear();
    return frames == 0 ? AlignResult{} : AlignResult{AlignStatus::empty, kNoPath};
  }
  const Chain& chain = scratch.chain.build(label, frames, alphabet, rule, posterior != nullptr);
  const AlignStatus sizes = judge_sizes(scratch.chain, frames);
  if (sizes != AlignStatus::ok) {
    clear();
    return {sizes, kNoPath};
  }
  double* work = room(scratch.work, chain_work(chain, true));
  const int64_t durations = scratch.chain.states_a_position();
  double* on_states = nullptr;
  if (on_positions != nullptr) {
    on_states = durations == 1 ? on_positions : room(scratch.on_states, frames * chain.states);
  }
  ChainSum sum;
  const AlignResult result = judge_energy([&] {
    const double least = judged(scratch.chain, chain, energies, [&](const T* e, bool* suspicious) {
      sum = chain_table<T>().sum(chain, e, beta, posterior, on_states, work, suspicious);
      return sum.energy;
    });
    return least > -kNoPath ? free_energy_from(sum, beta) : least;
  }());
  if (result.status != AlignStatus::ok) {
    clear();
  } else if (on_states != on_positions) {
    for (int64_t k = 0; k < frames * length; ++k) {
      on_positions[k] = 0;
      for (int64_t n = 0; n < durations; ++n) on_positions[k] += on_states[k * durations + n];
    }
  }
  return result;
}

template <class T>
std::vector<double> dp_matrix(const T* energies, int64_t frames, int64_t alphabet,
                              std::span<const int32_t> label, const AlignOptions& options) {
  check_sizes(frames, alphabet);
  check_options(options.beta, options.paths);
  check_symbols(label, alphabet);
  const int64_t length = std::ssize(label);
  std::vector<double> matrix(frames * length, kNoPath);
  if (length == 0 || frames == 0) return matrix;

  ChainBuilder builder;
  const Chain& chain = builder.build(label, frames, alphabet, options.paths, false);
  const std::vector<char> usable = builder.usable_states();
  const auto plus = [&](double a, double b) {
    return options.is_hard() ? MinPlus{}.plus(a, b) : SoftMin{options.beta}.plus(a, b);
  };
  std::vector<double> before(chain.states), now(chain.states);
  for (int64_t i = 0; i < frames; ++i) {
    for (int64_t s = 0; s < chain.states; ++s) {
      double sum = i == 0 && builder.begins(s) ? 0 : kNoPath;
      for (int64_t d = 0; i > 0 && d <= std::min(chain.max_step, s); ++d) {
        const double cost =
            chain.step_costs == nullptr ? 0 : chain.step_costs[d * chain.stride + s];
        sum = plus(sum, before[s - d] + cost);
      }
      const bool in_band = usable[i * chain.states + s];
      now[s] =
          in_band ? sum + static_cast<double>(energies[i * alphabet + chain.symbols[s]]) : kNoPath;
      double& cell = matrix[i * length + s / builder.states_a_position()];
      cell = plus(cell, now[s]);
    }
    std::swap(before, now);
  }
  return matrix;
}

// NOLINTBEGIN(bugprone-macro-parentheses): T is a type
#define TALWEG_INSTANTIATE(T)                                                                   \
  template AlignResult viterbi(const T*, int64_t, int64_t, std::span<const int32_t>,            \
                               AlignScratch&, std::span<int32_t>, const PathRuleView&);         \
  template Alignment viterbi(const T*, int64_t, int64_t, std::span<const int32_t>,              \
                             const PathRule&);                                                  \
  template AlignResult free_energy_of(const T*, int64_t, int64_t, std::span<const int32_t>,     \
                                      double, const PathRuleView&, AlignScratch&, T*, double*); \
  template std::vector<double> dp_matrix(const T*, int64_t, int64_t, std::span<const int32_t>,  \
                                         const AlignOptions&);
TALWEG_INSTANTIATE(float)
TALWEG_INSTANTIATE(double)
#undef TALWEG_INSTANTIATE
// NOLINTEND(bugprone-macro-parentheses)

}  // namespace talweg::ebm
