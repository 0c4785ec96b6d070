// Where in the source was an op called? The stack knows; the debug information of the program names
// the lines. For tools that watch a tape: while nobody watches, nothing is captured.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace talweg {

/// The return addresses of the callers, innermost first, at most `kDepth`.
struct CallStack {
  static constexpr int kDepth = 24;
  std::uintptr_t frames[kDepth];
  int count = 0;
};

/// The stack of whoever calls this, without the call itself. A microsecond or so.
CallStack capture_call_stack();

/// A file named from the root of the sources, whatever folder it was compiled in.
std::string from_root(std::string file);

/// One line of source: "ocr/word_model.cpp", 61, "windows". Empty file where unknown.
struct SourceLine {
  std::string file, function;
  int line = 0;
};

/// The lines of a stack, innermost first, inlined functions included. Empty where the program has no
/// debug information or was built without libbacktrace. Milliseconds at the first call, then microseconds.
std::vector<SourceLine> resolve(const CallStack& stack);

/// For a stack captured by whoever watches a tape: the innermost line behind the tape that is not of
/// the engine, where the user, or a layer, called the op. Empty file where unknown.
SourceLine call_site(const CallStack& stack);

/// Can lines be told at all in this build? If not, a sentence says what is missing; else empty.
std::string why_no_call_sites();

}  // namespace talweg
