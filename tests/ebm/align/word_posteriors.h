// What the tests of the sums over all words share.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "ebm/align/partition.h"
#include "tests/ebm/align/word_energies.h"

namespace talweg::ebm {

template <class T>
WordPosterior posterior_of(const std::vector<T>& e, int64_t alphabet, const Grammar& grammar,
                           double beta) {
  WordPosterior p;
  p.observe(e.data(), std::ssize(e) / alphabet, alphabet, grammar, beta);
  return p;
}

inline std::vector<double> marginals(WordPosterior& p, int64_t alphabet) {
  std::vector<double> m(p.frames() * alphabet, -1.0);
  p.marginals(m.data());
  return m;
}

inline double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double most = 0;
  for (size_t k = 0; k < a.size(); ++k) most = std::max(most, std::abs(a[k] - b[k]));
  return most;
}

inline double row_sum(const std::vector<double>& m, int64_t frame, int64_t alphabet) {
  double sum = 0;
  for (int64_t a = 0; a < alphabet; ++a) sum += m[frame * alphabet + a];
  return sum;
}

}  // namespace talweg::ebm
