// Errors are for people: one sentence that says what is wrong, where, what was expected against
// what was found, and what to do. The library throws; only the program prints and exits.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace talweg {

/// A caller's mistake: shapes that do not fit, a handle used after its scope, an impossible option.
class Error : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

/// The outside world failed: a file, a font, a disk, a processor that lacks an instruction set.
class IoError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A place in the source, printed with " at " in front, or as nothing if unknown. As a default
/// argument, Site::here() is where the function was called.
struct Site {
  const char* file = "";
  const char* function = "";
  int line = 0;
  static constexpr Site here(const char* file = __builtin_FILE(),
                             const char* function = __builtin_FUNCTION(),
                             int line = __builtin_LINE()) {
    return {file, function, line};
  }
  friend std::ostream& operator<<(std::ostream& out, const Site& s) {
    return *s.file ? out << " at " << s.file << ':' << s.line << " (" << s.function << ')' : out;
  }
};

/// message("expected ", 3, " found ", 4): everything that streams, joined into one string.
template <class... Parts> std::string message(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

/// Throws Error with the joined parts.
template <class... Parts>
[[noreturn, gnu::cold, gnu::noinline]] void throw_error(const Parts&... parts) {
  throw Error(message(parts...));
}

/// Throws Error with the joined parts unless `ok`. The parts are only formatted on failure.
template <class... Parts>
[[gnu::always_inline]] inline void expect(bool ok, const Parts&... parts) {
  if (!ok) throw_error(parts...);
}

}  // namespace talweg
