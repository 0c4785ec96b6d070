// Many pairs at once: ragged words against padded energies, one thread a pair.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ebm/align/alignment.h"

namespace talweg::ebm {

/// A view of B labels laid end to end: label b is symbols[offsets[b] .. offsets[b+1]).
struct RaggedLabels {
  std::span<const int32_t> symbols;
  std::span<const int64_t> offsets;  ///< B + 1 entries, the first 0, the last symbols.size()

  int64_t size() const { return static_cast<int64_t>(offsets.size()) - 1; }
  std::span<const int32_t> operator[](int64_t b) const {
    return symbols.subspan(offsets[b], offsets[b + 1] - offsets[b]);
  }
};

/// The owner of such labels, filled one word after the other.
class LabelList {
 public:
  LabelList() = default;
  explicit LabelList(const std::vector<std::vector<int32_t>>& labels) {
    for (const auto& label : labels) add(label);
  }
  void add(std::span<const int32_t> label);
  void clear();
  RaggedLabels view() const { return {symbols_, offsets_}; }

 private:
  std::vector<int32_t> symbols_;
  std::vector<int64_t> offsets_{0};
};

/// The paths of a batch, and the work space that found them (it only grows, so keep it).
struct BatchAlignment {
  std::vector<AlignResult> results;   ///< [B]
  std::vector<int32_t> paths;         ///< [B, L]; -1 on padded frames and where there is no path
  std::vector<AlignScratch> scratch;  ///< one a thread

  /// How many pairs have a path.
  int64_t feasible() const;
};

/// Aligns every pair of a batch. `energies` is l[B, frames, alphabet]; sample b uses its first
/// sample_frames[b] frames, the rest is padding and never read. A sample without a path carries its
/// reason in its status and leaves its mates alone.
/// The pairs are shared among OpenMP's threads; each is computed by one thread exactly as `viterbi`
/// computes it alone, so the bits do not depend on their number.
/// Throws Error, before any work, for offsets that do not fit, a frame count outside [0, frames] or
/// a symbol outside [0, alphabet); it names the sample.
template <class T>
void viterbi_batch(const T* energies, int64_t frames, int64_t alphabet,
                   std::span<const int64_t> sample_frames, const RaggedLabels& labels,
                   BatchAlignment& out, const PathRuleView& rule = AlignScratch::kClassic);

/// The free energies of a batch at any beta, and, unless null, posterior[B, frames, alphabet]
/// (free_energy_of), zero on padding. Leaves paths alone. Otherwise as viterbi_batch.
template <class T>
void free_energy_batch(const T* energies, int64_t frames, int64_t alphabet,
                       std::span<const int64_t> sample_frames, const RaggedLabels& labels,
                       double beta, const PathRuleView& rule, BatchAlignment& out, T* posterior);

/// h[B, frames, alphabet] = the Hessian of each pair's free energy times its part of v
/// (posterior_derivative), zero on padding.
template <class T>
void posterior_derivative_batch(const T* energies, int64_t frames, int64_t alphabet,
                                std::span<const int64_t> sample_frames, const RaggedLabels& labels,
                                double beta, const PathRuleView& rule, const T* v, T* h);

}  // namespace talweg::ebm
