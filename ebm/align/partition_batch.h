// The sums over all words of many images at once, one thread an image.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ebm/align/partition.h"

namespace talweg::ebm {

/// What became of each image of a batch, and the work space (it only grows, so keep it).
struct BatchPosterior {
  std::vector<AlignResult> results;      ///< [B] status and F_all
  std::vector<WordPosterior> posterior;  ///< one a thread

  int64_t feasible() const;
};

/// Energies of a batch, l[B, frames, alphabet]; sample b uses its first sample_frames[b] frames,
/// the rest is padding and never read.
template <class T> struct EnergyBatch {
  const T* energies;
  int64_t frames, alphabet;
  std::span<const int64_t> sample_frames;

  int64_t size() const { return std::ssize(sample_frames); }
};

/// Observes every image, and writes marginals[B, frames, alphabet] unless it is null; they are zero
/// on padding and where there is no string. The bits do not depend on the number of threads.
/// Throws Error, before any work, as WordPosterior::observe does, and for a frame count outside
/// [0, frames]; it names the sample.
template <class T>
void observe_batch(const EnergyBatch<T>& batch, const Grammar& grammar, double beta,
                   BatchPosterior& out, T* marginals);

/// product[B, frames, alphabet] = -beta Cov(n) v for each image: WordPosterior::hessian_product.
template <class T>
void hessian_product_batch(const EnergyBatch<T>& batch, const Grammar& grammar, double beta,
                           const T* v, BatchPosterior& out, T* product);

}  // namespace talweg::ebm
