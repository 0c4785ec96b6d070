// Bytes read as numbers, sizes and energies; what a fuzz target begins from; and what it does where a
// promise is broken.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// What every target defines; the name is libFuzzer's.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace talweg::fuzz {

/// Ends the program, which is how libFuzzer learns of a finding.
inline void require(bool kept, const char* promise) {
  if (kept) return;
  std::fprintf(stderr, "broken: %s\n", promise);
  std::abort();
}

/// Where a target begins.
struct Corpus {
  std::vector<std::string> seeds;  ///< inputs that reach far into it; none where any bytes do
  int inputs = 20000;              ///< how many a replay feeds it
};

/// Every target defines it: made by the project's own writers, so that no file need be kept.
Corpus corpus();

/// Reads from the front; past the end there are zeros.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : rest_(data, size) {}

  template <class Number> Number bits() {
    Number x{};
    const size_t n = std::min(sizeof x, rest_.size());
    std::memcpy(&x, rest_.data(), n);
    rest_ = rest_.subspan(n);
    return x;
  }
  uint8_t byte() { return bits<uint8_t>(); }
  bool flip() { return byte() & 1; }
  /// One of 0 ... n-1, n <= 256.
  int64_t below(int64_t n) { return byte() % n; }
  template <class Item> Item pick(std::initializer_list<Item> items) {
    return items.begin()[below(static_cast<int64_t>(items.size()))];
  }
  std::string_view rest() const {
    return {reinterpret_cast<const char*>(rest_.data()), rest_.size()};
  }

 private:
  std::span<const uint8_t> rest_;
};

/// A sound file after an accident or a forgery: up to 8 pieces overwritten, cut out, put in or doubled,
/// or the end lost, as the input says.
inline std::string damaged(Input& in, std::string bytes) {
  for (int64_t n = in.below(9); n > 0 && !bytes.empty(); --n) {
    const size_t at = in.bits<uint32_t>() % bytes.size();
    const size_t length = std::min<size_t>(1 + in.below(16), bytes.size() - at);
    switch (in.below(6)) {
      case 0:
        for (size_t k = 0; k < length; ++k) bytes[at + k] = static_cast<char>(in.byte());
        break;
      case 1:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << in.below(8)));
        break;
      case 2:
        bytes[at] = static_cast<char>(in.byte());
        break;
      case 3:
        bytes.erase(at, length);
        break;
      case 4:
        bytes.insert(at, bytes.substr(at, length));
        break;
      default:
        bytes.resize(at);
    }
  }
  return bytes;
}

/// Kinds of energies, from tame to wild.
enum class Scale : uint8_t { tame, tied, finite, special, any };

inline Scale scale_of(Input& in) {
  return in.pick({Scale::tame, Scale::tied, Scale::finite, Scale::special, Scale::any});
}

/// tame: within ±16; tied: 0, 1 or 2; finite: any finite number, large, small and denormal ones
/// often; special: tame, with infinities and NaN between; any: any bits.
template <class T> T energy(Input& in, Scale scale) {
  using Limits = std::numeric_limits<T>;
  const auto tame = [&] { return static_cast<T>(in.bits<int8_t>()) / T(8); };
  switch (scale) {
    case Scale::tame:
      return tame();
    case Scale::tied:
      return static_cast<T>(in.below(3));
    case Scale::finite: {
      const T x = in.flip() ? tame() : in.bits<T>();
      if (x - x != 0)
        return x > 0 ? Limits::max() : x < 0 ? Limits::lowest() : Limits::denorm_min();
      return x;
    }
    case Scale::special:
      switch (in.below(16)) {
        case 0:
          return Limits::infinity();
        case 1:
          return -Limits::infinity();
        case 2:
          return Limits::quiet_NaN();
        default:
          return tame();
      }
    default:
      return in.bits<T>();
  }
}

template <class T> std::vector<T> energies(Input& in, int64_t count, Scale scale) {
  std::vector<T> e(count);
  for (T& x : e) x = energy<T>(in, scale);
  return e;
}

/// Neither NaN nor infinite.
template <class T> bool is_finite(T x) { return x - x == 0; }
template <class T> bool all_finite(std::span<const T> x) {
  for (const T v : x) {
    if (!is_finite(v)) return false;
  }
  return true;
}

}  // namespace talweg::fuzz
