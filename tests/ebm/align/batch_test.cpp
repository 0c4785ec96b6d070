#include "ebm/align/batch.h"

#include <doctest/doctest.h>
#include <omp.h>

#include <bit>
#include <random>
#include <string>

#include "core/error.h"
#include "ebm/align/curvature.h"
#include "tests/ebm/align/brute_force.h"

namespace talweg::ebm {
namespace {

using Symbols = std::vector<int32_t>;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// A ragged batch: some samples fit, some do not, padding is NaN.
struct Sample {
  int64_t frames = 24, alphabet = 5;
  std::vector<float> energies;
  std::vector<int64_t> sample_frames;
  LabelList labels;

  explicit Sample(int64_t batch) {
    std::mt19937 random(1);
    energies = brute_force::draw_energies<float>(batch * frames * alphabet,
                                                 brute_force::Kind::normal, random);
    for (int64_t b = 0; b < batch; ++b) {
      const int64_t used = std::uniform_int_distribution<int64_t>(0, frames)(random);
      const int64_t length = std::uniform_int_distribution<int64_t>(0, frames / 2)(random);
      sample_frames.push_back(used);
      labels.add(brute_force::draw_symbols(length, alphabet, random));
      float* padding = energies.data() + (b * frames + used) * alphabet;
      std::fill(padding, padding + (frames - used) * alphabet, static_cast<float>(kNan));
    }
  }
  void align(BatchAlignment& out) const {
    viterbi_batch(energies.data(), frames, alphabet, sample_frames, labels.view(), out);
  }
  BatchAlignment align() const {
    BatchAlignment out;
    align(out);
    return out;
  }
};

/// Equal bits, NaN equal to NaN.
bool same(const AlignResult& a, const AlignResult& b) {
  return a.status == b.status &&
         std::bit_cast<uint64_t>(a.energy) == std::bit_cast<uint64_t>(b.energy);
}

bool same(const BatchAlignment& a, const BatchAlignment& b) {
  if (a.results.size() != b.results.size() || a.paths != b.paths) return false;
  for (size_t i = 0; i < a.results.size(); ++i) {
    if (!same(a.results[i], b.results[i])) return false;
  }
  return true;
}

TEST_CASE("every sample of a batch has the bits it has alone, and padding is never read") {
  const Sample sample(60);
  const BatchAlignment together = sample.align();
  int64_t feasible = 0;
  for (int64_t b = 0; b < 60; ++b) {
    CAPTURE(b);
    const float* e = sample.energies.data() + b * sample.frames * sample.alphabet;
    const int64_t used = sample.sample_frames[b];
    const Alignment alone = viterbi(e, used, sample.alphabet, sample.labels.view()[b]);
    CHECK(same(together.results[b], AlignResult{alone.status, alone.energy}));
    Symbols expected(sample.frames, -1);
    std::copy(alone.path.begin(), alone.path.end(), expected.begin());
    const auto row = together.paths.begin() + b * sample.frames;
    CHECK(Symbols(row, row + sample.frames) == expected);
    feasible += alone.status == AlignStatus::ok;
  }
  CHECK(together.feasible() == feasible);
  CHECK(feasible > 20);
  CHECK(feasible < 60);
}

TEST_CASE(
    "a batch's posteriors and their derivatives are those of its samples, zero in the padding") {
  const Sample sample(60);
  const int64_t size = sample.frames * sample.alphabet;
  const std::vector<float> v = sample.energies;  // any direction; its padding is NaN as well
  std::vector<float> p(v.size(), 7), h(v.size(), 7);
  const PathRule rule;
  BatchAlignment out;
  free_energy_batch(sample.energies.data(), sample.frames, sample.alphabet, sample.sample_frames,
                    sample.labels.view(), 1.5, rule, out, p.data());
  posterior_derivative_batch(sample.energies.data(), sample.frames, sample.alphabet,
                             sample.sample_frames, sample.labels.view(), 1.5, rule, v.data(),
                             h.data());
  AlignScratch scratch;
  CurvatureScratch curvature;
  for (int64_t b = 0; b < 60; ++b) {
    CAPTURE(b);
    const int64_t used = sample.sample_frames[b], first = b * size;
    const float* e = sample.energies.data() + first;
    std::vector<float> own(size, 0), bent(size, 0);
    free_energy_of(e, used, sample.alphabet, sample.labels.view()[b], 1.5, rule, scratch,
                   own.data());
    posterior_derivative(e, used, sample.alphabet, sample.labels.view()[b], 1.5, rule,
                         v.data() + first, bent.data(), curvature);
    CHECK(std::equal(own.begin(), own.end(), p.begin() + first));
    CHECK(std::equal(bent.begin(), bent.end(), h.begin() + first));
  }
}

TEST_CASE("one, two and three threads give the same bits") {
  const Sample sample(300);  // large enough for the threads to be used
  const int before = omp_get_max_threads();
  std::vector<BatchAlignment> found;
  for (int threads : {1, 2, 3}) {
    omp_set_num_threads(threads);
    found.push_back(sample.align());
  }
  omp_set_num_threads(before);
  CHECK(same(found[0], found[1]));
  CHECK(same(found[0], found[2]));
}

TEST_CASE("a sample gone bad leaves its mates' bits alone") {
  Sample sample(20);
  const BatchAlignment clean = sample.align();
  for (int64_t b = 0; b < 20; ++b) {
    const auto first = sample.energies.begin() + b * sample.frames * sample.alphabet;
    const auto last = first + sample.frames * sample.alphabet;
    const std::vector<float> saved(first, last);
    std::fill(first, last, static_cast<float>(kNan));
    const BatchAlignment spoilt = sample.align();
    std::copy(saved.begin(), saved.end(), first);
    for (int64_t mate = 0; mate < 20; ++mate) {
      if (mate != b) CHECK(same(spoilt.results[mate], clean.results[mate]));
    }
    if (clean.results[b].status == AlignStatus::ok && sample.sample_frames[b] > 0) {
      CHECK(spoilt.results[b].status == AlignStatus::non_finite);
    }
  }
}

TEST_CASE("a batch that reuses its storage gives the same bits, and keeps that storage") {
  const Sample large(60), small(7);
  BatchAlignment reused;
  large.align(reused);
  const int32_t* storage = reused.paths.data();
  small.align(reused);
  CHECK(same(reused, small.align()));
  large.align(reused);
  CHECK(same(reused, large.align()));
  CHECK(reused.paths.data() == storage);
}

TEST_CASE("an empty batch is aligned to nothing") {
  const LabelList none;
  BatchAlignment out;
  viterbi_batch<double>(nullptr, 4, 3, {}, none.view(), out);
  CHECK(out.results.empty());
  CHECK(out.feasible() == 0);
}

TEST_CASE("mistakes in a batch throw before any work and name the sample") {
  const std::vector<double> e(2 * 4 * 3, 0.0);
  BatchAlignment out;
  LabelList labels;
  labels.add(Symbols{0, 1});
  labels.add(Symbols{0, 3});
  const auto error_of = [&](std::vector<int64_t> frames, const RaggedLabels& view) -> std::string {
    try {
      viterbi_batch(e.data(), 4, 3, frames, view, out);
    } catch (const Error& error) {
      return error.what();
    }
    return "nothing was thrown";
  };
  CHECK(error_of({4, 4}, labels.view()) ==
        "[align] symbol 3 at position 1 is outside the alphabet [0,3); was the text encoded with "
        "another one? (sample 1)");
  CHECK(error_of({4, 5}, labels.view()) ==
        "[align] sample 1 has 5 frames, the energies hold 0 to 4");
  CHECK(error_of({4}, labels.view()) ==
        "[align] 1 frame counts for 2 labels; every sample needs both");
  const Symbols symbols{0, 1};
  const std::vector<int64_t> falling{0, 2, 1};
  CHECK(error_of({4, 4}, {symbols, falling}) ==
        "[align] label offsets must rise from 0 to the number of symbols, 2");
  CHECK(out.results.empty());
}

TEST_CASE("a label list can be cleared and filled again") {
  LabelList labels;
  labels.add(Symbols{1, 2, 3});
  labels.add(Symbols{});
  CHECK(labels.view().size() == 2);
  CHECK(labels.view()[1].empty());
  labels.clear();
  CHECK(labels.view().size() == 0);
  labels.add(Symbols{7});
  CHECK(labels.view()[0][0] == 7);
}

}  // namespace
}  // namespace talweg::ebm
