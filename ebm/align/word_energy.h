// F of many words against one image.
#pragma once

#include <cstdint>
#include <span>

#include "ebm/align/alignment.h"
#include "ebm/align/grammar.h"

namespace talweg::ebm {

/// Asks the aligner for one word after the other; +inf or NaN where it has no energy.
template <class T> class WordEnergy {
 public:
  WordEnergy(const T* energies, int64_t frames, int64_t alphabet, const Grammar& grammar,
             double beta)
      : energies_(energies),
        frames_(frames),
        alphabet_(alphabet),
        grammar_(grammar),
        beta_(beta),
        rule_(path_rule(grammar.topology)) {}

  double operator()(std::span<const int32_t> word) {
    const auto label = expand(word, grammar_.between, grammar_.topology);
    return free_energy_of(energies_, frames_, alphabet_, label, beta_, rule_, scratch_).energy;
  }

 private:
  const T* energies_;
  int64_t frames_, alphabet_;
  Grammar grammar_;
  double beta_;
  PathRule rule_;
  AlignScratch scratch_;
};

}  // namespace talweg::ebm
