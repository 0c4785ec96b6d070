// Numbers of JSON that comes from a file: JSON's own conversions let 1e300 or -1 be a count.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>

#include "core/error.h"

namespace talweg::ocr {

/// The entry `key` of an object, a whole number from 0 to `most`. Throws Error where it is another,
/// the library's exception where it is missing.
template <class Json>
int64_t count_in(const Json& object, const char* key, int64_t most = int64_t{1} << 53) {
  const Json& n = object.at(key);
  const bool counts = n.is_number_unsigned() && n.template get<uint64_t>() <= uint64_t(most);
  expect(counts, "its ", key, " is ", n.dump(-1, ' ', true, Json::error_handler_t::replace),
         ", expected a whole number from 0 to ", most);
  return n.template get<int64_t>();
}

/// The entry `key`, any whole number of 64 bits that is not negative.
template <class Json> uint64_t seed_in(const Json& object, const char* key) {
  const Json& n = object.at(key);
  expect(n.is_number_unsigned(), "its ", key, " is ",
         n.dump(-1, ' ', true, Json::error_handler_t::replace), ", expected a whole number");
  return n.template get<uint64_t>();
}

/// The entry `key`, a number from `least` to `most`. Throws as count_in does.
template <class Json>
double number_in(const Json& object, const char* key, double least, double most) {
  const auto x = object.at(key).template get<double>();
  expect(least <= x && x <= most, "its ", key, " is ", x, ", expected a number from ", least,
         " to ", most);
  return x;
}

}  // namespace talweg::ocr
