// The specification of the aligner by enumeration: every path, every string of window symbols.
// Exponential and plain on purpose; sums run in double and in frame order, as the aligner's do, so
// that equal means equal, with no tolerance.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <random>
#include <vector>

namespace talweg::ebm::brute_force {

inline constexpr double kInf = std::numeric_limits<double>::infinity();

/// Calls `visit` with each path z of `frames` entries: z_0 = 0, z_{L-1} = length-1, steps 0 or 1.
inline void each_path(int64_t frames, int64_t length,
                      const std::function<void(const std::vector<int32_t>&)>& visit) {
  if (frames == 0 || length == 0) return;
  std::vector<int32_t> z{0};
  const std::function<void()> extend = [&] {
    if (static_cast<int64_t>(z.size()) == frames) {
      if (z.back() == length - 1) visit(z);
      return;
    }
    for (int32_t next : {z.back(), z.back() + 1}) {
      if (next >= length) continue;
      z.push_back(next);
      extend();
      z.pop_back();
    }
  };
  extend();
}

/// E(z) = sum_i l_i[y_{z(i)}], from the first frame on.
template <class T>
double path_energy(const std::vector<T>& energies, int64_t alphabet,
                   const std::vector<int32_t>& label, const std::vector<int32_t>& z) {
  double sum = 0;
  for (size_t i = 0; i < z.size(); ++i) {
    sum += static_cast<double>(energies[i * alphabet + label[z[i]]]);
  }
  return sum;
}

struct Paths {
  int64_t count = 0;
  double least = kInf;
  std::vector<int32_t> best;  ///< of the paths of least energy, the greatest z at every frame
};

/// All paths of a pair. Of equal ones keeps the one that advances earliest: where one best path is
/// ahead here and another there, going over at the crossing is as good, so a greatest one exists;
/// it is also the greatest in the order of the dictionary.
template <class T>
Paths all_paths(const std::vector<T>& energies, int64_t frames, int64_t alphabet,
                const std::vector<int32_t>& label) {
  Paths found;
  each_path(frames, static_cast<int64_t>(label.size()), [&](const std::vector<int32_t>& z) {
    ++found.count;
    const double e = path_energy(energies, alphabet, label, z);
    if (e < found.least || (e == found.least && e < kInf && z > found.best)) {
      found.least = e;
      found.best = z;
    }
  });
  return found;
}

/// Does a string of window symbols have the form (letter+ BETWEEN+)+, one letter a run?
inline bool spells(const std::vector<int32_t>& symbols, int32_t between) {
  if (symbols.empty() || symbols.front() == between || symbols.back() != between) return false;
  for (size_t i = 1; i < symbols.size(); ++i) {
    const int32_t before = symbols[i - 1], now = symbols[i];
    if (before != between && now != between && before != now) return false;
  }
  return true;
}

/// Calls `visit` with each of the alphabet^frames strings that spells a word.
inline void each_spelling(int64_t frames, int64_t alphabet, int32_t between,
                          const std::function<void(const std::vector<int32_t>&)>& visit) {
  std::vector<int32_t> s(frames, 0);
  while (true) {
    if (spells(s, between)) visit(s);
    int64_t i = frames - 1;
    while (i >= 0 && ++s[i] == alphabet) s[i--] = 0;
    if (i < 0) return;
  }
}

/// Energies of three kinds: normal, small integers (many exact ties), and all equal.
enum class Kind { normal, tied, equal };

template <class T> std::vector<T> draw_energies(int64_t count, Kind kind, std::mt19937& random) {
  std::normal_distribution<double> normal(0, 3);
  std::uniform_int_distribution<int> small(0, 2);
  std::vector<T> e(count);
  for (T& x : e) {
    x = kind == Kind::normal ? static_cast<T>(normal(random))
                             : static_cast<T>(kind == Kind::tied ? small(random) : 1);
  }
  return e;
}

inline std::vector<int32_t> draw_symbols(int64_t count, int64_t alphabet, std::mt19937& random) {
  std::uniform_int_distribution<int32_t> any(0, static_cast<int32_t>(alphabet) - 1);
  std::vector<int32_t> s(count);
  for (int32_t& x : s) x = any(random);
  return s;
}

}  // namespace talweg::ebm::brute_force
