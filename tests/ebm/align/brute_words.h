// The specification of the sums over all words by enumeration: every string of window symbols, the
// word it spells, its energy. What spells a word is written here in another way than the library
// does it.
#pragma once

#include <cmath>
#include <map>
#include <numeric>
#include <vector>

#include "ebm/align/grammar.h"
#include "tests/ebm/align/brute_force.h"

namespace talweg::ebm::brute_force {

/// Margins are taken off; what is left must, closed by one BETWEEN, spell a word in the classic way.
inline bool spells_in(std::vector<int32_t> s, const Grammar& g) {
  if (g.topology == Topology::ctc) return !s.empty();
  if (g.topology == Topology::classic) return spells(s, g.between);
  if (s.empty()) return false;
  while (!s.empty() && s.back() == g.between) s.pop_back();
  while (!s.empty() && s.front() == g.between) s.erase(s.begin());
  if (s.empty()) return true;
  s.push_back(g.between);
  return spells(s, g.between);
}

struct Spelling {
  std::vector<int32_t> symbols, word;
  double energy;
};

/// All strings of a grammar with their energies, summed in order and in double.
template <class T>
std::vector<Spelling> all_spellings(const std::vector<T>& energies, int64_t frames,
                                    int64_t alphabet, const Grammar& g) {
  std::vector<Spelling> found;
  std::vector<int32_t> s(frames, 0);
  while (true) {
    if (spells_in(s, g)) {
      Spelling one{s, {}, 0};
      for (int64_t i = 0; i < frames; ++i) {
        one.energy += static_cast<double>(energies[i * alphabet + s[i]]);
        const bool starts = s[i] != g.between && (i == 0 || s[i] != s[i - 1]);
        if (starts) one.word.push_back(s[i]);
      }
      found.push_back(one);
    }
    int64_t i = frames - 1;
    while (i >= 0 && ++s[i] == alphabet) s[i--] = 0;
    if (i < 0) return found;
  }
}

/// -(1/beta) log sum exp(-beta E) over some strings.
inline double free_energy_of(const std::vector<Spelling>& strings, double beta) {
  double least = kInf;
  for (const Spelling& s : strings) least = std::min(least, s.energy);
  double sum = 0;
  for (const Spelling& s : strings) sum += std::exp(-beta * (s.energy - least));
  return least - std::log(sum) / beta;
}

/// p(s) of every string.
inline std::vector<double> probabilities(const std::vector<Spelling>& strings, double beta) {
  const double all = free_energy_of(strings, beta);
  std::vector<double> p;
  for (const Spelling& s : strings) p.push_back(std::exp(-beta * (s.energy - all)));
  return p;
}

/// The probability of each symbol at each window.
inline std::vector<double> marginals_of(const std::vector<Spelling>& strings, double beta,
                                        int64_t frames, int64_t alphabet) {
  const std::vector<double> p = probabilities(strings, beta);
  std::vector<double> m(frames * alphabet, 0.0);
  for (size_t k = 0; k < strings.size(); ++k) {
    for (int64_t i = 0; i < frames; ++i) m[i * alphabet + strings[k].symbols[i]] += p[k];
  }
  return m;
}

/// The probability of each word.
inline std::map<std::vector<int32_t>, double> word_probabilities(
    const std::vector<Spelling>& strings, double beta) {
  const std::vector<double> p = probabilities(strings, beta);
  std::map<std::vector<int32_t>, double> words;
  for (size_t k = 0; k < strings.size(); ++k) words[strings[k].word] += p[k];
  return words;
}

}  // namespace talweg::ebm::brute_force
