#include "core/edit_distance.h"

#include <doctest/doctest.h>

#include <string_view>

namespace talweg {
namespace {

int32_t distance(std::string_view a, std::string_view b) {
  return EditDistanceTable<char>(a, b).distance();
}

TEST_CASE("the edit distance counts insertions, deletions and substitutions") {
  CHECK(distance("", "") == 0);
  CHECK(distance("valley", "valley") == 0);
  CHECK(distance("", "abc") == 3);
  CHECK(distance("abc", "") == 3);
  CHECK(distance("kitten", "sitting") == 3);
  CHECK(distance("ab", "ba") == 2);  // no transpositions
  CHECK(distance("flaw", "lawn") == 2);
}

TEST_CASE("the edit distance's table holds the distance of every pair of beginnings") {
  const std::string_view a = "sunday", b = "saturday";
  const EditDistanceTable<char> table(a, b);
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      CHECK(table.at(i, j) == distance(a.substr(0, i), b.substr(0, j)));
    }
  }
}

}  // namespace
}  // namespace talweg
