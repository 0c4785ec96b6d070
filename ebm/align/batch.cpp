#include "ebm/align/batch.h"

#include <omp.h>

#include <algorithm>

#include "core/error.h"
#include "core/parallel.h"
#include "ebm/align/curvature.h"

namespace talweg::ebm {
namespace {

/// Fewer cells than this (about 16 µs of work) are aligned by the calling thread alone.
constexpr int64_t kCellsForThreads = 1 << 14;
/// The same at a finite temperature, where a cell takes longer.
constexpr int64_t kSoftCellsForThreads = 1 << 12;

void check_offsets(const RaggedLabels& labels) {
  expect(!labels.offsets.empty() && labels.offsets.front() == 0 &&
             labels.offsets.back() == static_cast<int64_t>(labels.symbols.size()) &&
             std::is_sorted(labels.offsets.begin(), labels.offsets.end()),
         "[align] label offsets must rise from 0 to the number of symbols, ",
         labels.symbols.size());
}

/// Throws what is wrong with the first bad label, and whose it is.
void name_sample(const RaggedLabels& labels, int64_t alphabet) {
  for (int64_t b = 0; b < labels.size(); ++b) {
    try {
      check_symbols(labels[b], alphabet);
    } catch (const Error& e) {
      throw Error(message(e.what(), " (sample ", b, ")"));
    }
  }
}

/// Everything that may throw, before the threads start: no exception may leave a parallel region. It is
/// all that does not scale with the threads: loops without a branch, in search of who is wrong only
/// where somebody is.
void check_batch(int64_t frames, int64_t alphabet, std::span<const int64_t> sample_frames,
                 const RaggedLabels& labels) {
  expect(frames >= 0 && alphabet > 0, "[align] energies of ", frames, " frames by ", alphabet,
         " symbols; frames cannot be negative and the alphabet needs a symbol");
  check_offsets(labels);
  const int64_t batch = labels.size();
  expect(static_cast<int64_t>(sample_frames.size()) == batch, "[align] ", sample_frames.size(),
         " frame counts for ", batch, " labels; every sample needs both");
  bool fit = true;
  for (const int64_t used : sample_frames) fit &= (0 <= used) & (used <= frames);
  for (int64_t b = 0; !fit && b < batch; ++b) {
    expect(0 <= sample_frames[b] && sample_frames[b] <= frames, "[align] sample ", b, " has ",
           sample_frames[b], " frames, the energies hold 0 to ", frames);
  }
  try {
    check_symbols(labels.symbols, alphabet);
  } catch (const Error&) {
    name_sample(labels, alphabet);
  }
}

int64_t longest_label(int64_t frames, const PathRuleView& rule, const RaggedLabels& labels) {
  int64_t longest = 0;
  for (int64_t b = 0; b < labels.size(); ++b) {
    longest = std::max(longest, labels.offsets[b + 1] - labels.offsets[b]);
  }
  // A label with more states than any path visits is refused by its sizes and needs little room.
  const int64_t widest_step = std::max<int64_t>(1, std::ssize(rule.step) - 1);
  return std::min(longest, widest_step * (frames + 1) + rule.first + rule.last);
}

/// Room for the results, and for every thread to work on the largest pair. Returns a bound on the
/// number of cells of the batch.
int64_t prepare(int64_t frames, int64_t alphabet, const RaggedLabels& labels,
                const PathRuleView& rule, bool soft, BatchAlignment& out) {
  const int64_t batch = labels.size(), longest = longest_label(frames, rule, labels);
  out.results.resize(batch);
  const size_t threads = static_cast<size_t>(omp_get_max_threads());
  if (out.scratch.size() < threads) out.scratch.resize(threads);
  for (size_t t = 0; t < threads; ++t) {
    out.scratch[t].reserve(frames, longest, alphabet, rule, soft);
  }
  return batch * frames * longest;
}

}  // namespace

void LabelList::add(std::span<const int32_t> label) {
  symbols_.insert(symbols_.end(), label.begin(), label.end());
  offsets_.push_back(static_cast<int64_t>(symbols_.size()));
}

void LabelList::clear() {
  symbols_.clear();
  offsets_.resize(1);
}

int64_t BatchAlignment::feasible() const {
  return std::count_if(results.begin(), results.end(),
                       [](const AlignResult& r) { return r.status == AlignStatus::ok; });
}

template <class T>
void viterbi_batch(const T* energies, int64_t frames, int64_t alphabet,
                   std::span<const int64_t> sample_frames, const RaggedLabels& labels,
                   BatchAlignment& out, const PathRuleView& rule) {
  check_batch(frames, alphabet, sample_frames, labels);
  const int64_t cells = prepare(frames, alphabet, labels, rule, false, out);
  const int64_t batch = labels.size();
  out.paths.assign(batch * frames, -1);
  parallel_for(batch, cells >= kCellsForThreads, [&](int64_t b) {
    const std::span<int32_t> path(out.paths.data() + b * frames, sample_frames[b]);
    out.results[b] = viterbi(energies + b * frames * alphabet, sample_frames[b], alphabet,
                             labels[b], out.scratch[omp_get_thread_num()], path, rule);
  });
}

template <class T>
void free_energy_batch(const T* energies, int64_t frames, int64_t alphabet,
                       std::span<const int64_t> sample_frames, const RaggedLabels& labels,
                       double beta, const PathRuleView& rule, BatchAlignment& out, T* posterior) {
  check_beta(beta);
  check_batch(frames, alphabet, sample_frames, labels);
  const bool soft = beta < std::numeric_limits<double>::infinity();
  const int64_t cells = prepare(frames, alphabet, labels, rule, soft, out);
  const int64_t size = frames * alphabet;
  const int64_t enough = soft ? kSoftCellsForThreads : kCellsForThreads;
  parallel_for(labels.size(), cells >= enough, [&](int64_t b) {
    T* p = posterior == nullptr ? nullptr : posterior + b * size;
    out.results[b] = free_energy_of(energies + b * size, sample_frames[b], alphabet, labels[b],
                                    beta, rule, out.scratch[omp_get_thread_num()], p);
    if (p != nullptr) std::fill(p + sample_frames[b] * alphabet, p + size, T(0));
  });
}

template <class T>
void posterior_derivative_batch(const T* energies, int64_t frames, int64_t alphabet,
                                std::span<const int64_t> sample_frames, const RaggedLabels& labels,
                                double beta, const PathRuleView& rule, const T* v, T* h) {
  check_batch(frames, alphabet, sample_frames, labels);
  const int64_t size = frames * alphabet;
  const int64_t longest = longest_label(frames, rule, labels);
  const int64_t cells = labels.size() * frames * longest;
  std::vector<CurvatureScratch> scratch(omp_get_max_threads());
  for (CurvatureScratch& s : scratch) s.reserve(frames, longest, alphabet, rule);
  parallel_for(labels.size(), cells >= kSoftCellsForThreads, [&](int64_t b) {
    posterior_derivative(energies + b * size, sample_frames[b], alphabet, labels[b], beta, rule,
                         v + b * size, h + b * size, scratch[omp_get_thread_num()]);
    std::fill(h + b * size + sample_frames[b] * alphabet, h + (b + 1) * size, T(0));
  });
}

// NOLINTBEGIN(bugprone-macro-parentheses): T is a type
#define TALWEG_INSTANTIATE(T)                                                                    \
  template void viterbi_batch(const T*, int64_t, int64_t, std::span<const int64_t>,              \
                              const RaggedLabels&, BatchAlignment&, const PathRuleView&);        \
  template void free_energy_batch(const T*, int64_t, int64_t, std::span<const int64_t>,          \
                                  const RaggedLabels&, double, const PathRuleView&,              \
                                  BatchAlignment&, T*);                                          \
  template void posterior_derivative_batch(const T*, int64_t, int64_t, std::span<const int64_t>, \
                                           const RaggedLabels&, double, const PathRuleView&,     \
                                           const T*, T*);
TALWEG_INSTANTIATE(float)
TALWEG_INSTANTIATE(double)
#undef TALWEG_INSTANTIATE
// NOLINTEND(bugprone-macro-parentheses)

}  // namespace talweg::ebm
