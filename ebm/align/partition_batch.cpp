#include "ebm/align/partition_batch.h"

#include <omp.h>

#include <algorithm>

#include "core/error.h"
#include "core/parallel.h"

namespace talweg::ebm {
namespace {

/// Fewer cells than this (about 16 µs of work) are summed by the calling thread alone.
constexpr int64_t kCellsForThreads = 1 << 13;

/// Everything that may throw, before the threads start, and room for the results.
template <class T>
void prepare(const EnergyBatch<T>& batch, const Grammar& grammar, double beta, bool posterior,
             BatchPosterior& out) {
  check_grammar(batch.frames, batch.alphabet, grammar);
  check_beta(beta);
  for (int64_t b = 0; b < batch.size(); ++b) {
    expect(0 <= batch.sample_frames[b] && batch.sample_frames[b] <= batch.frames, "[align] sample ",
           b, " has ", batch.sample_frames[b], " frames, the energies hold 0 to ", batch.frames);
  }
  out.results.resize(batch.size());
  const size_t threads = static_cast<size_t>(omp_get_max_threads());
  if (out.posterior.size() < threads) out.posterior.resize(threads);
  for (size_t t = 0; t < threads; ++t) {
    out.posterior[t].reserve(batch.frames, batch.alphabet, posterior);
  }
}

/// out.results[b] = work(posterior, energies, frames, offset of sample b) for every sample.
template <class T, class Work>
void each_sample(const EnergyBatch<T>& batch, const Grammar& grammar, double beta, bool posterior,
                 BatchPosterior& out, const Work& work) {
  prepare(batch, grammar, beta, posterior, out);
  const int64_t cells = batch.frames * batch.alphabet;
  parallel_for(batch.size(), batch.size() * cells >= kCellsForThreads, [&](int64_t b) {
    out.results[b] = work(out.posterior[omp_get_thread_num()], batch.energies + b * cells,
                          batch.sample_frames[b], b * cells);
  });
}

}  // namespace

int64_t BatchPosterior::feasible() const {
  return std::ranges::count(results, AlignStatus::ok, &AlignResult::status);
}

template <class T>
void observe_batch(const EnergyBatch<T>& batch, const Grammar& grammar, double beta,
                   BatchPosterior& out, T* marginals) {
  const int64_t alphabet = batch.alphabet, cells = batch.frames * alphabet;
  each_sample(batch, grammar, beta, marginals != nullptr, out,
              [&](WordPosterior& p, const T* energies, int64_t frames, int64_t at) {
                if (marginals == nullptr) return p.sum(energies, frames, alphabet, grammar, beta);
                const AlignResult r = p.observe(energies, frames, alphabet, grammar, beta);
                p.marginals(marginals + at);
                std::fill(marginals + at + frames * alphabet, marginals + at + cells, T(0));
                return r;
              });
}

template <class T>
void hessian_product_batch(const EnergyBatch<T>& batch, const Grammar& grammar, double beta,
                           const T* v, BatchPosterior& out, T* product) {
  const int64_t alphabet = batch.alphabet, cells = batch.frames * alphabet;
  each_sample(batch, grammar, beta, true, out,
              [&](WordPosterior& p, const T* energies, int64_t frames, int64_t at) {
                const AlignResult r = p.observe(energies, frames, alphabet, grammar, beta);
                p.hessian_product(v + at, product + at);
                std::fill(product + at + frames * alphabet, product + at + cells, T(0));
                return r;
              });
}

template void observe_batch(const EnergyBatch<float>&, const Grammar&, double, BatchPosterior&,
                            float*);
template void observe_batch(const EnergyBatch<double>&, const Grammar&, double, BatchPosterior&,
                            double*);
template void hessian_product_batch(const EnergyBatch<float>&, const Grammar&, double, const float*,
                                    BatchPosterior&, float*);
template void hessian_product_batch(const EnergyBatch<double>&, const Grammar&, double,
                                    const double*, BatchPosterior&, double*);

}  // namespace talweg::ebm
