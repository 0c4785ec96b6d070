// What would notice? Checks that any engine of this gallery can be put through. Each returns what is
// wrong, in words, or nothing.
#pragma once

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>
#include <string>

#include "core/error.h"
#include "core/study/wrong_engines/numbers.h"

namespace talweg::wrong_engines {

inline std::string compare(const Numbers& found, const Numbers& expected) {
  const auto list = [](const Numbers& x) {
    std::string s;
    for (const double v : x) s += message(s.empty() ? "" : ", ", v);
    return "(" + s + ")";
  };
  bool same = found.size() == expected.size();
  for (std::size_t i = 0; same && i < found.size(); ++i) {
    same = std::abs(found[i] - expected[i]) <= 1e-6 * std::max(1.0, std::abs(expected[i]));
  }
  return same ? "" : "found " + list(found) + ", expected " + list(expected);
}

/// exp(a b) at one point against central differences: what a first test of an engine looks like.
template <class Engine> std::string check_differences() {
  const double a = 0.7, b = -0.4, h = 1e-4;
  Engine engine;
  const auto va = engine.variable({a}), vb = engine.variable({b});
  engine.backward(engine.exp(engine.mul(va, vb)));
  const double slope = (std::exp((a + h) * b) - std::exp((a - h) * b)) / (2 * h);
  return compare(engine.gradient(va), {slope});
}

/// b = a + a, c = b b: a value used twice gets both parts of its gradient, 8 a.
template <class Engine> std::string check_used_twice() {
  Engine engine;
  const auto a = engine.variable({3}), b = engine.add(a, a);
  engine.backward(engine.mul(b, b));
  return compare(engine.gradient(a), {24});
}

/// h = a a, y = h + exp(h): h is reached by ways of different length; dy/da = 2 a (1 + exp(a^2)).
template <class Engine> std::string check_two_ways() {
  Engine engine;
  const auto a = engine.variable({0.5}), h = engine.mul(a, a);
  engine.backward(engine.add(h, engine.exp(h)));
  return compare(engine.gradient(a), {1 + std::exp(0.25)});
}

/// One weight times three numbers: its gradient is one number, their sum.
template <class Engine> std::string check_stretched() {
  Engine engine;
  const auto w = engine.variable({2}), x = engine.variable({1, 10, 100});
  engine.backward(engine.mul(w, x));
  return compare(engine.gradient(w), {111});
}

/// A chain of 100,000 ops on a stack of 1 MB, in a process of its own.
template <class Engine> std::string check_long_chain() {
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGSEGV, SIG_DFL);
    const rlimit one_megabyte{1 << 20, 1 << 20}, none{0, 0};
    setrlimit(RLIMIT_STACK, &one_megabyte);
    setrlimit(RLIMIT_CORE, &none);
    Engine engine;
    const auto x = engine.variable({0}), step = engine.variable({1e-5});
    auto y = x;
    for (int i = 0; i < 100'000; ++i) y = engine.add(y, step);
    engine.backward(y);
    _exit(compare(engine.gradient(x), {1}).empty() ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) return message("the process was ended by signal ", WTERMSIG(status));
  return WEXITSTATUS(status) == 0 ? "" : "a wrong gradient";
}

/// y = a b, then b is overwritten: dy/da is what b was, or an Error says why it can't be told.
template <class Engine> std::string check_overwritten() {
  Engine engine;
  const auto a = engine.variable({3}), b = engine.variable({5}), y = engine.mul(a, b);
  engine.overwrite(b, {-1});
  try {
    engine.backward(y);
  } catch (const Error&) {
    return "";
  }
  return compare(engine.gradient(a), {5});
}

struct Check {
  const char* name;
  std::string (*run)();
};

template <class Engine> std::vector<Check> checks() {
  return {{"differences", check_differences<Engine>}, {"used twice", check_used_twice<Engine>},
          {"two ways", check_two_ways<Engine>},       {"stretched", check_stretched<Engine>},
          {"long chain", check_long_chain<Engine>},   {"overwritten", check_overwritten<Engine>}};
}

}  // namespace talweg::wrong_engines
