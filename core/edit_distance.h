// The distance between two sequences of symbols, letters or numbers alike.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace talweg {

/// Wagner and Fischer's table (1974): cell (i, j) is the least number of insertions, deletions and
/// substitutions (Levenshtein 1966) between the first i symbols of `a` and the first j of `b`,
///   D(i,j) = min(D(i-1,j-1) + [a_i != b_j], D(i-1,j) + 1, D(i,j-1) + 1),  D(i,0) = i,  D(0,j) = j.
template <class Symbol> class EditDistanceTable {
 public:
  EditDistanceTable(std::span<const Symbol> a, std::span<const Symbol> b)
      : rows_(a.size() + 1), columns_(b.size() + 1), cells_(rows_ * columns_) {
    for (std::size_t j = 0; j < columns_; ++j) cell(0, j) = int32_t(j);
    for (std::size_t i = 1; i < rows_; ++i) {
      cell(i, 0) = int32_t(i);
      for (std::size_t j = 1; j < columns_; ++j) {
        cell(i, j) = std::min(
            {at(i - 1, j - 1) + int32_t(a[i - 1] != b[j - 1]), at(i - 1, j) + 1, at(i, j - 1) + 1});
      }
    }
  }

  int32_t at(std::size_t i, std::size_t j) const { return cells_[i * columns_ + j]; }
  int32_t distance() const { return at(rows_ - 1, columns_ - 1); }

 private:
  int32_t& cell(std::size_t i, std::size_t j) { return cells_[i * columns_ + j]; }

  std::size_t rows_, columns_;
  std::vector<int32_t> cells_;
};

/// The candidate nearest to `name`, or empty where none is near: where more than half of it, or all
/// of it, is different.
inline std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates) {
  std::string best;
  const int32_t length = int32_t(name.size());
  int32_t least = std::min(length, std::max(1, length / 2) + 1);
  for (const std::string& c : candidates) {
    const int32_t d = EditDistanceTable<char>(name, std::string_view(c)).distance();
    if (d < least) least = d, best = c;
  }
  return best;
}

}  // namespace talweg
