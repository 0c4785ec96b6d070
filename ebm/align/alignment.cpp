#include "ebm/align/alignment.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/error.h"

namespace talweg::ebm {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// One frame of the recurrence over its band: next[j] = row[label[j]] + min(prev[j], prev[j-1]),
/// and whether it came from j-1. Leaves +inf beside the band, where the next frame may look.
/// Returns false if a cell is NaN or -inf.
template <class T>
bool step(const T* row, std::span<const int32_t> label, Band b, const double* prev, double* next,
          uint8_t* advanced) {
  bool sound = true;
  double advance = prev[b.lo - 1];
  for (int64_t j = b.lo; j <= b.hi; ++j) {
    const double cell = static_cast<double>(row[label[j]]);
    const double stay = prev[j];
    sound &= cell > -kInf;  // false for NaN too
    advanced[j] = advance < stay;
    next[j] = cell + (advance < stay ? advance : stay);
    advance = stay;
  }
  next[b.lo - 1] = next[b.hi + 1] = kInf;
  return sound;
}

/// Why a pair has no path before any energy is looked at; `ok` if it may have one.
AlignStatus judge_sizes(int64_t frames, int64_t length) {
  if (length == 0 && frames > 0) return AlignStatus::empty;
  return frames < length ? AlignStatus::too_short : AlignStatus::ok;
}

AlignStatus judge_energy(double energy) {
  if (energy == kInf) return AlignStatus::impossible;
  return energy > -kInf ? AlignStatus::ok : AlignStatus::non_finite;
}

void trace_back(const uint8_t* advanced, int64_t length, std::span<int32_t> path) {
  int64_t j = length - 1;
  for (int64_t i = static_cast<int64_t>(path.size()) - 1; i >= 0; --i) {
    path[i] = static_cast<int32_t>(j);
    if (i > 0) j -= advanced[i * length + j];
  }
}

void check_sizes(int64_t frames, int64_t alphabet) {
  expect(frames >= 0, "[align] the number of frames is ", frames, "; it cannot be negative");
  expect(alphabet > 0, "[align] the alphabet has ", alphabet, " symbols; it needs at least one");
}

}  // namespace

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
  for (size_t j = 0; j < symbols.size(); ++j) {
    expect(0 <= symbols[j] && symbols[j] < alphabet, "[align] symbol ", symbols[j], " at position ",
           j, " is outside the alphabet [0,", alphabet,
           "); was the text encoded with another one?");
  }
}

void AlignScratch::reserve(int64_t frames, int64_t length) {
  const auto grow = [](auto& v, int64_t n) {
    if (static_cast<int64_t>(v.size()) < n) v.resize(n);
  };
  grow(rows_, 2 * (length + 2));
  grow(advanced_, frames * length);
}

template <class T>
AlignResult viterbi(const T* energies, int64_t frames, int64_t alphabet,
                    std::span<const int32_t> label, AlignScratch& scratch,
                    std::span<int32_t> path) {
  check_sizes(frames, alphabet);
  check_symbols(label, alphabet);
  expect(static_cast<int64_t>(path.size()) == frames, "[align] the path has room for ", path.size(),
         " frames, the energies have ", frames);
  std::fill(path.begin(), path.end(), -1);

  const int64_t length = static_cast<int64_t>(label.size());
  const AlignStatus sizes = judge_sizes(frames, length);
  if (sizes != AlignStatus::ok) return {sizes, kInf};
  if (frames == 0) return {AlignStatus::ok, 0.0};

  scratch.reserve(frames, length);
  double* prev = scratch.rows_.data() + 1;
  double* next = prev + length + 2;
  uint8_t* advanced = scratch.advanced_.data();
  // The row before the first: a path enters label position 0 from here, and nothing else.
  prev[-1] = kInf;
  prev[0] = 0.0;
  for (int64_t i = 0; i < frames; ++i) {
    const Band b = band(i, frames, length);
    if (!step(energies + i * alphabet, label, b, prev, next, advanced + i * length)) {
      return {AlignStatus::non_finite, kNan};
    }
    std::swap(prev, next);
  }

  const double energy = prev[length - 1];
  const AlignStatus status = judge_energy(energy);
  if (status == AlignStatus::ok) trace_back(advanced, length, path);
  return {status, status == AlignStatus::non_finite ? kNan : energy};
}

template <class T>
Alignment viterbi(const T* energies, int64_t frames, int64_t alphabet,
                  std::span<const int32_t> label) {
  check_sizes(frames, alphabet);
  AlignScratch scratch;
  std::vector<int32_t> path(frames);
  const AlignResult r = viterbi(energies, frames, alphabet, label, scratch, path);
  if (r.status != AlignStatus::ok) path.clear();
  return {r.status, r.energy, std::move(path)};
}

template <class T>
std::vector<double> dp_matrix(const T* energies, int64_t frames, int64_t alphabet,
                              std::span<const int32_t> label) {
  check_sizes(frames, alphabet);
  check_symbols(label, alphabet);
  const int64_t length = static_cast<int64_t>(label.size());
  std::vector<double> matrix(frames * length, kInf);
  if (length == 0 || frames < length) return matrix;

  std::vector<double> rows(2 * (length + 2), kInf);
  std::vector<uint8_t> advanced(length);
  double* prev = rows.data() + 1;
  double* next = prev + length + 2;
  prev[0] = 0.0;
  for (int64_t i = 0; i < frames; ++i) {
    const Band b = band(i, frames, length);
    step(energies + i * alphabet, label, b, prev, next, advanced.data());
    std::copy(next + b.lo, next + b.hi + 1, matrix.begin() + i * length + b.lo);
    std::swap(prev, next);
  }
  return matrix;
}

#define TALWEG_INSTANTIATE(T)                                                        \
  template AlignResult viterbi(const T*, int64_t, int64_t, std::span<const int32_t>, \
                               AlignScratch&, std::span<int32_t>);                   \
  template Alignment viterbi(const T*, int64_t, int64_t, std::span<const int32_t>);  \
  template std::vector<double> dp_matrix(const T*, int64_t, int64_t, std::span<const int32_t>);
TALWEG_INSTANTIATE(float)
TALWEG_INSTANTIATE(double)
#undef TALWEG_INSTANTIATE

}  // namespace talweg::ebm
