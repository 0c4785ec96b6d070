// From a label and a path rule to the chain of states the kernels walk, in storage that is reused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <span>
#include <vector>

#include "ebm/align/kernels/chain_kernels.h"
#include "ebm/align/topology.h"

namespace talweg::ebm {

/// Allocates whole cache lines: threads that write into small arrays of their own, pair by pair,
/// must not find them on one line.
template <class T> struct LineAllocator {
  using value_type = T;
  static constexpr std::align_val_t kLine{64};

  LineAllocator() = default;
  template <class U>
  LineAllocator(const LineAllocator<U>&) {}  // NOLINT(google-explicit-constructor)
  T* allocate(size_t n) {
    return static_cast<T*>(::operator new((n * sizeof(T) + 63) / 64 * 64, kLine));
  }
  void deallocate(T* p, size_t) { ::operator delete(p, kLine); }
  bool operator==(const LineAllocator&) const = default;
};
[[noreturn]] void refuse_work_space(int64_t items, size_t size);
template <class T> using OwnLines = std::vector<T, LineAllocator<T>>;

/// Room for n items in work space that only grows; what stood there is forgotten. Throws Error where
/// the machine has no such memory.
template <class T> T* room(OwnLines<T>& v, int64_t n) {
  if (std::ssize(v) >= n) return v.data();
  v = OwnLines<T>();
  try {
    v.resize(n);
  } catch (const std::exception&) {  // bad_alloc, length_error
    refuse_work_space(n, sizeof(T));
  }
  return v.data();
}

/// A PathRule whose costs lie elsewhere (on a tape, say).
struct PathRuleView {
  std::span<const double> step, duration;
  int64_t first = 1, last = 1;
  bool skip_to_other = false;

  PathRuleView(std::span<const double> step, std::span<const double> duration, int64_t first,
               int64_t last, bool skip_to_other)
      : step(step), duration(duration), first(first), last(last), skip_to_other(skip_to_other) {}
  PathRuleView(const PathRule& rule)  // NOLINT(google-explicit-constructor): a view of it
      : PathRuleView(rule.step, rule.duration, rule.first, rule.last, rule.skip_to_other) {}

  /// Steps of 0 and 1 without a cost: what the kernels do fastest.
  bool is_free() const {
    return duration.empty() && step.size() == 2 && step[0] == 0 && step[1] == 0;
  }
};

/// The states of one label under a rule. With explicit durations up to D each position of the label
/// becomes D states, "n frames so far", n = 1 ... D: going to the next n is a step of 1, leaving
/// for the position d further on is a step of d D - n + 1 and pays for n frames.
class ChainBuilder {
 public:
  /// The chain of a pair, valid until the next call. `by_symbol` also prepares the sums by symbol.
  const Chain& build(std::span<const int32_t> label, int64_t frames, int64_t alphabet,
                     const PathRuleView& rule, bool by_symbol);
  /// Grows to what such a pair needs; a chain of its sizes, without content.
  Chain reserve(int64_t length, int64_t frames, int64_t alphabet, const PathRuleView& rule);

  /// States to a position of the label: state s stands for position s / states_a_position().
  int64_t states_a_position() const { return durations_; }
  /// May a path begin, may it end in this state?
  bool begins(int64_t state) const;
  bool ends(int64_t state) const;
  /// The fewest frames in which a path gets from a start to an end; 0: none ever does.
  int64_t fewest_frames();
  /// May a path be in this state at this frame, whatever the energies? [frames, states].
  std::vector<char> usable_states() const;

 private:
  void set_ends(const PathRuleView& rule);
  void set_costs(std::span<const int32_t> label, const PathRuleView& rule);
  void set_symbol_sums();

  Chain chain_{};
  int64_t durations_ = 1;
  OwnLines<int32_t> symbols_, rest_, rest_count_;
  OwnLines<double> start_, end_, costs_, shows_main_;
  OwnLines<int64_t> fewest_;
};

}  // namespace talweg::ebm
