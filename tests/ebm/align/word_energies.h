// What searches for words are held against: the energy of every word, by enumerating all strings.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "ebm/align/batch.h"
#include "tests/ebm/align/brute_words.h"

namespace talweg::ebm::brute_force {

using Symbols = std::vector<int32_t>;

inline constexpr Topology kTopologies[] = {Topology::classic, Topology::margins, Topology::ctc};

/// F of every word that has a path, at any beta.
template <class T>
std::map<Symbols, double> word_energies(const std::vector<T>& e, int64_t frames, int64_t alphabet,
                                        const Grammar& g, double beta) {
  std::map<Symbols, std::vector<Spelling>> strings;
  for (auto& s : all_spellings(e, frames, alphabet, g)) {
    if (s.energy < kInf) strings[s.word].push_back(s);
  }
  std::map<Symbols, double> f;
  for (const auto& [word, ways] : strings) {
    double least = kInf;
    for (const auto& s : ways) least = std::min(least, s.energy);
    f[word] = beta == kInf ? least : free_energy_of(ways, beta);
  }
  return f;
}

inline std::vector<double> sorted_values(const std::map<Symbols, double>& f) {
  std::vector<double> values;
  for (const auto& [word, energy] : f) values.push_back(energy);
  std::ranges::sort(values);
  return values;
}

inline LabelList list_of(const std::vector<Symbols>& words) {
  LabelList list;
  for (const Symbols& w : words) list.add(w);
  return list;
}

/// Some of the words, about one in `one_in`.
inline std::map<Symbols, double> pick(const std::map<Symbols, double>& f, uint32_t one_in,
                                      std::mt19937& random) {
  std::map<Symbols, double> some;
  for (const auto& entry : f) {
    if (random() % one_in == 0) some.insert(entry);
  }
  return some;
}

}  // namespace talweg::ebm::brute_force
