#include "core/study/call_site.h"

#include <algorithm>
#include <string_view>

#ifdef TALWEG_BACKTRACE
#include <backtrace.h>
#include <cxxabi.h>

#include <cstdlib>
#include <memory>
#endif

namespace talweg {

std::string from_root(std::string file) {
  while (file.starts_with("../")) file.erase(0, 3);
  return file;
}

#ifdef TALWEG_BACKTRACE

namespace {

/// libbacktrace keeps what it has read of the program for as long as that runs, and locks it itself.
backtrace_state* state() {
  static backtrace_state* const s = backtrace_create_state(
      nullptr, /*threaded=*/1, [](void*, const char*, int) {}, nullptr);
  return s;
}

void ignore_error(void*, const char*, int) {}

std::string demangled(const char* name) {
  if (!name) return {};
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> plain(
      abi::__cxa_demangle(name, nullptr, nullptr, &status), &std::free);
  return status == 0 ? plain.get() : name;
}

}  // namespace

[[gnu::noinline]] CallStack capture_call_stack() {
  CallStack stack;
  const auto add = [](void* data, std::uintptr_t pc) {
    CallStack& s = *static_cast<CallStack*>(data);
    s.frames[s.count++] = pc;
    return int(s.count == CallStack::kDepth);
  };
  backtrace_simple(state(), 1, add, ignore_error, &stack);
  return stack;
}

std::vector<SourceLine> resolve(const CallStack& stack) {
  std::vector<SourceLine> lines;
  const auto add = [](void* data, std::uintptr_t, const char* file, int line,
                      const char* function) {
    if (file)
      static_cast<std::vector<SourceLine>*>(data)->push_back(
          {from_root(file), demangled(function), line});
    return 0;
  };
  for (int i = 0; i < stack.count; ++i) {
    backtrace_pcinfo(state(), stack.frames[i], add, ignore_error, &lines);
  }
  return lines;
}

std::string why_no_call_sites() {
  if (!resolve(capture_call_stack()).empty()) return {};
  return "the program has no debug information; build it with -g1";
}

#else

CallStack capture_call_stack() { return {}; }
std::vector<SourceLine> resolve(const CallStack&) { return {}; }
std::string why_no_call_sites() {
  return "this build is without libbacktrace, which GCC's packages bring; configure it again where "
         "they are installed";
}

#endif

SourceLine call_site(const CallStack& stack) {
  const auto in = [](const SourceLine& l, std::string_view part) {
    return l.file.find(part) != l.file.npos && l.file.find("tests/") == l.file.npos;
  };
  bool reached_tape = false;  // what stands before is whoever watches the tape
  for (const SourceLine& line : resolve(stack)) {
    const bool of_tape = in(line, "core/tape");
    reached_tape = reached_tape || of_tape;
    const bool of_engine =
        of_tape || in(line, "core/ops/") || in(line, "core/study/") || in(line, "/include/c++/");
    if (reached_tape && !of_engine) return line;
  }
  return {};
}

}  // namespace talweg
