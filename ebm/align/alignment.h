// The valley of one image and one word: the lowest-energy path through their energies.
//
// Letters:  L frames (window positions), A alphabet size, T label length, l[L,A] energies
// (row-major, low = compatible), y[T] label symbols in [0,A), already expanded (`cat` -> `c _ a _ t
// _`).
//
// A path z maps every frame to a label position: z_0 = 0, z_{L-1} = T-1, steps 0 (stay) or 1
// (advance). Its energy is E(z) = sum_i l_i[y_{z(i)}], and F = min_z E(z). There are C(L-1, T-1)
// paths; the dynamic programme
//   D[i,j] = l_i[y_j] + min(D[i-1,j], D[i-1,j-1]),   D[0,0] = l_0[y_0],   F = D[L-1,T-1]
// visits each cell once, and only the cells that lie on some complete path (the band).
//
// Ties: stay wins (a strict < is needed to come from j-1). Seen from the front: of all paths of
// least energy the one that advances earliest, i.e. whose z(i) is the largest at every frame.
//
// Sums run in double, in frame order, for float energies too. Rounding is monotone, so F is exactly
// the least of the rounded path sums, and the returned path sums to exactly F.
//
// Source: A. Viterbi, "Error bounds for convolutional codes", IEEE Trans. IT 13 (1967); as
// inference over a latent path: LeCun et al., "A tutorial on energy-based learning" (2006),
// section 7.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ebm/align/topology.h"

namespace talweg::ebm {

/// What became of one pair of energies and label. Whatever is not `ok` has no path.
enum class AlignStatus : uint8_t {
  ok,
  too_short,   ///< fewer frames than label symbols: F = +inf
  empty,       ///< frames but no label symbol: F = +inf
  non_finite,  ///< a NaN or -inf on a usable cell, or a sum below double's range: F = NaN
  impossible,  ///< every path crosses a +inf cell, or sums above double's range: F = +inf
};

/// "ok", "too short", "empty label", "non-finite energies", "impossible".
const char* to_string(AlignStatus status);

/// Status and energy F of a pair; see AlignStatus for F where there is no path.
struct AlignResult {
  AlignStatus status = AlignStatus::ok;
  double energy = 0;
};

/// The lowest-energy path of one pair: path[i] is the label position of frame i; empty unless ok.
struct Alignment {
  AlignStatus status = AlignStatus::ok;
  double energy = 0;
  std::vector<int32_t> path;
};

/// Work space of `viterbi`. It only grows, so a scratch that has seen the largest pair (or was
/// reserved for it) makes every further call free of allocation.
class AlignScratch {
 public:
  /// Grows to what a pair of `frames` and `length` needs.
  void reserve(int64_t frames, int64_t length);

 private:
  template <class T>
  friend AlignResult viterbi(const T*, int64_t, int64_t, std::span<const int32_t>, AlignScratch&,
                             std::span<int32_t>);

  std::vector<double> rows_;       // two rows of D, each [T + 2]: a +inf cell on either side
  std::vector<uint8_t> advanced_;  // [L,T] 1 where the best path came from j-1
};

/// The range of label positions [lo, hi] a frame may have: reachable from the start (one step a
/// frame at most), and near enough to reach the end. lo = max(0, T-1-(L-1-i)), hi = min(T-1, i).
struct Band {
  int64_t lo, hi;
};
inline Band band(int64_t frame, int64_t frames, int64_t length) {
  const int64_t from_end = length - frames + frame;
  return {from_end > 0 ? from_end : 0, frame < length - 1 ? frame : length - 1};
}

/// Lowest-energy path, without allocation once `scratch` has grown.
/// `energies` is l[frames, alphabet]; `path` has `frames` entries and receives z, or -1 everywhere
/// when there is no path. No frames and no label is an ok pair of energy 0.
/// Throws Error for a label symbol outside [0, alphabet) or a path of the wrong size.
/// Cells no path can use are never judged: a NaN there changes nothing.
template <class T>
AlignResult viterbi(const T* energies, int64_t frames, int64_t alphabet,
                    std::span<const int32_t> label, AlignScratch& scratch, std::span<int32_t> path);

/// The same, returning its own storage: for drawing, tools and tests.
template <class T>
Alignment viterbi(const T* energies, int64_t frames, int64_t alphabet,
                  std::span<const int32_t> label);

/// The whole matrix D[frames, T] for drawing; +inf on the cells no complete path visits.
/// Throws as `viterbi` does. A NaN or -inf energy shows in the cells it reaches.
template <class T>
std::vector<double> dp_matrix(const T* energies, int64_t frames, int64_t alphabet,
                              std::span<const int32_t> label);

/// Throws Error, naming position, value and range, unless every symbol is in [0, alphabet).
void check_symbols(std::span<const int32_t> symbols, int64_t alphabet);

}  // namespace talweg::ebm
