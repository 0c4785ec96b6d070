// Writes random pairs and what the aligner makes of them, as JSON, for torch_agreement.py to check.
// usage: torch_cases FILE
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "ebm/align/batch.h"
#include "tests/ebm/align/brute_force.h"

namespace talweg::ebm {
namespace {

constexpr int64_t kPairs = 16, kFrames = 14, kAlphabet = 5;
constexpr int32_t kBetween = 2;

/// A ragged batch: lengths that fit and some that don't, padding, repeated letters.
nlohmann::json cases_of(Topology topology, double beta, std::mt19937& random) {
  const auto draw = [&](int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random);
  };
  const int64_t cells = kFrames * kAlphabet;
  const auto e =
      brute_force::draw_energies<double>(kPairs * cells, brute_force::Kind::normal, random);
  const auto v =
      brute_force::draw_energies<double>(kPairs * cells, brute_force::Kind::normal, random);
  std::vector<int64_t> frames;
  std::vector<std::vector<int32_t>> words;
  LabelList labels;
  for (int64_t b = 0; b < kPairs; ++b) {
    frames.push_back(draw(1, kFrames));
    words.emplace_back(draw(topology == Topology::classic ? 1 : 0, 5));
    for (int32_t& a : words.back()) {
      a = static_cast<int32_t>(draw(0, kAlphabet - 2));
      a += a >= kBetween;
    }
    labels.add(expand(words.back(), kBetween, topology));
  }
  const PathRule rule = path_rule(topology);
  BatchAlignment out;
  std::vector<double> posterior(e.size()), h(e.size());
  free_energy_batch(e.data(), kFrames, kAlphabet, frames, labels.view(), beta, rule, out,
                    posterior.data());
  posterior_derivative_batch(e.data(), kFrames, kAlphabet, frames, labels.view(), beta, rule,
                             v.data(), h.data());

  const auto rows = [&](const std::vector<double>& x, int64_t b) {
    nlohmann::json sample = nlohmann::json::array();
    for (int64_t i = 0; i < kFrames; ++i) {
      const auto row = x.begin() + (b * kFrames + i) * kAlphabet;
      sample.push_back(std::vector<double>(row, row + kAlphabet));
    }
    return sample;
  };
  nlohmann::json cases = nlohmann::json::array();
  for (int64_t b = 0; b < kPairs; ++b) {
    const AlignResult& r = out.results[b];
    const bool ok = r.status == AlignStatus::ok;
    cases.push_back({{"topology", to_string(topology)},
                     {"beta", beta},
                     {"frames", frames[b]},
                     {"word", words[b]},
                     {"energies", rows(e, b)},
                     {"direction", rows(v, b)},
                     {"status", to_string(r.status)},
                     {"value", ok ? nlohmann::json(r.energy) : nlohmann::json()},
                     {"gradient", rows(posterior, b)},
                     {"hessian_product", rows(h, b)}});
  }
  return cases;
}

}  // namespace
}  // namespace talweg::ebm

int main(int count, char** arguments) {
  using namespace talweg::ebm;
  if (count != 2) return 2;
  std::mt19937 random(1);
  nlohmann::json batches = nlohmann::json::array();
  for (const Topology topology : {Topology::classic, Topology::margins, Topology::ctc}) {
    for (const double beta : {0.5, 1.0, 4.0}) batches.push_back(cases_of(topology, beta, random));
  }
  std::ofstream(arguments[1]) << nlohmann::json{{"between", kBetween}, {"batches", batches}};
}
