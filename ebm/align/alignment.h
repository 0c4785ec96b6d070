// The valley of one image and one word: the paths through their energies.
//
// Letters:  L frames (window positions), A alphabet size, S label length, l[L,A] energies
// (row-major, low = compatible), y[S] label symbols in [0,A), already expanded (`cat` -> `c _ a _ t
// _`).
//
// A path z maps every frame to a label position; where it may begin, end and step to is a PathRule
// (topology.h), in the classic rule z_0 = 0, z_{L-1} = S-1, steps 0 (stay) or 1 (advance). Its energy
// is E(z) = sum_i l_i[y_{z(i)}] + C(z), and the free energy of the pair is
//   F_inf  = min_z E(z)                                  zero temperature, beta = infinity
//   F_beta = -(1/beta) log sum_z exp(-beta E(z))         finite inverse temperature beta
// with F_min - log(N)/beta <= F_beta <= F_min for N paths (C(L-1, S-1) in the classic rule). One dynamic
// programme over a semiring (semiring.h) gives both,
//   D[i,s] = l_i[y_s] + (+)_d (D[i-1,s-d] + step[d]),
// and visits only cells that lie on some complete path (the band).
//
// Ties, at zero temperature: the shorter step wins (a strict < is needed to come from further back)
// and of the ends the last one. Seen from the front: of all paths of least energy the one that
// advances earliest, i.e. whose z(i) is the largest at every frame.
//
// Sums run in double, in frame order, for float energies too. Rounding is monotone, so F_inf is
// exactly the least of the rounded path sums, and the returned path sums to exactly F_inf. F_beta
// keeps that least energy beside the count of paths at it (kernels/chain_sum.inl): no scale of
// energies overflows or underflows.
//
// Source: A. Viterbi, "Error bounds for convolutional codes", IEEE Trans. IT 13 (1967); L. Rabiner,
// "A tutorial on hidden Markov models" (1989) for the forward and backward sums; as inference over a
// latent path: LeCun et al., "A tutorial on energy-based learning" (2006), section 7.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "ebm/align/chain.h"
#include "ebm/align/topology.h"

namespace talweg::ebm {

/// What became of one pair of energies and label. Whatever is not `ok` has no path.
enum class AlignStatus : uint8_t {
  ok,
  too_short,   ///< fewer frames than a path needs: F = +inf
  empty,       ///< frames but no label symbol: F = +inf
  non_finite,  ///< a NaN or -inf on a usable cell, or a sum below double's range: F = NaN
  impossible,  ///< every path crosses a +inf cell or is forbidden, or sums above double's range: +inf
};

/// "ok", "too short", "empty label", "non-finite energies", "impossible".
const char* to_string(AlignStatus status);

/// Status and free energy F of a pair; see AlignStatus for F where there is no path.
struct AlignResult {
  AlignStatus status = AlignStatus::ok;
  double energy = 0;
};

/// Takes an energy that T cannot hold as one that double cannot: above the range impossible, below
/// it non-finite.
template <class T> void judge_range(AlignResult& r) {
  constexpr double kMost = std::numeric_limits<T>::max();
  if (r.status != AlignStatus::ok || (r.energy <= kMost && r.energy >= -kMost)) return;
  r = r.energy > 0 ? AlignResult{AlignStatus::impossible, std::numeric_limits<double>::infinity()}
                   : AlignResult{AlignStatus::non_finite, std::numeric_limits<double>::quiet_NaN()};
}

/// The energies as Ts, and judge_range on each: what is ok is finite in T too.
template <class T> void put_energies(std::span<AlignResult> results, T* energies) {
  for (AlignResult& r : results) {
    judge_range<T>(r);
    *energies++ = static_cast<T>(r.energy);
  }
}

/// Temperature and rule of an alignment.
struct AlignOptions {
  double beta = std::numeric_limits<double>::infinity();  ///< infinity: the best path alone
  PathRule paths{};

  bool is_hard() const { return beta == std::numeric_limits<double>::infinity(); }
};

/// Throws Error unless beta is above 0; infinity is.
void check_beta(double beta);
/// The same, and unless the rule can be used.
void check_options(double beta, const PathRule& rule);

/// The lowest-energy path of one pair: path[i] is the label position of frame i; empty unless ok.
struct Alignment {
  AlignStatus status = AlignStatus::ok;
  double energy = 0;
  std::vector<int32_t> path;
};

/// Work space of an alignment. It only grows, so a scratch that has seen the largest pair (or was
/// reserved for it) makes every further call free of allocation. A best path takes a byte for each
/// frame and state, a sum over paths a double for each frame, state and step above 0: 0.8 GB at 10,000
/// frames and states. Calls throw Error where the machine has no such memory.
struct alignas(64) AlignScratch {  // neighbours, one a thread, share no cache line
  /// Grows to what a pair of `frames` and `length` needs under the rule, `soft` at a finite beta.
  void reserve(int64_t frames, int64_t length, int64_t alphabet,
               const PathRuleView& rule = kClassic, bool soft = false);

  static const PathRule kClassic;
  ChainBuilder chain;
  OwnLines<double> work, on_states;
  OwnLines<uint8_t> came;
  OwnLines<int32_t> path;
};

/// Lowest-energy path, without allocation once `scratch` has grown.
/// `energies` is l[frames, alphabet]; `path` has `frames` entries and receives z, or -1 everywhere
/// when there is no path. No frames and no label is an ok pair of energy 0.
/// Throws Error for a label symbol outside [0, alphabet) or a path of the wrong size. The rule is
/// not checked (check_rule).
/// Cells no path can use are never judged: a NaN there changes nothing.
template <class T>
AlignResult viterbi(const T* energies, int64_t frames, int64_t alphabet,
                    std::span<const int32_t> label, AlignScratch& scratch, std::span<int32_t> path,
                    const PathRuleView& rule = AlignScratch::kClassic);

/// The same, returning its own storage: for drawing, tools and tests.
template <class T>
Alignment viterbi(const T* energies, int64_t frames, int64_t alphabet,
                  std::span<const int32_t> label, const PathRule& rule = {});

/// The free energy at any beta, and, unless null, its gradient dF/dl = posterior[frames, alphabet]:
/// the probability that frame i shows symbol a on a path drawn from exp(-beta E(z)); at beta =
/// infinity 1 on the best path. Its rows sum to 1; all zero where there is no path. `on_positions`,
/// unless null, receives the same by label position, [frames, length].
/// Throws as viterbi does, and for beta <= 0 or NaN.
template <class T>
AlignResult free_energy_of(const T* energies, int64_t frames, int64_t alphabet,
                           std::span<const int32_t> label, double beta, const PathRuleView& rule,
                           AlignScratch& scratch, T* posterior = nullptr,
                           double* on_positions = nullptr);

/// The whole matrix of D[frames, length] for drawing, at any beta: the free energy of the paths from
/// the start to each cell, +inf on the cells no complete path visits (with durations: of the paths
/// that are at the position at that frame). Throws as free_energy_of does. A NaN or -inf energy
/// shows in the cells it reaches.
template <class T>
std::vector<double> dp_matrix(const T* energies, int64_t frames, int64_t alphabet,
                              std::span<const int32_t> label, const AlignOptions& options = {});

/// Throws Error, naming position, value and range, unless every symbol is in [0, alphabet).
void check_symbols(std::span<const int32_t> symbols, int64_t alphabet);

}  // namespace talweg::ebm
