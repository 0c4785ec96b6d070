// Anomaly mode: the first op that makes a NaN or an infinity is named where it happens, forward or
// backward, in recorded passes too, with what it was computed from.
//
//   Anomaly<float> watch(tape);
//   Var<float> loss = mean(log(x));       // throws: [anomaly] log at study.cpp:4 made -inf at element
//                                         // 7 of [32]; its input there: borrow (node 0) 0
//   watch.check();                        // looks at what was made last, too
//   tape.backward(loss);
//
// Costs a look at every value. Whoever does not watch pays nothing.
#pragma once

#include "core/study/tape_log.h"

namespace talweg {

/// While it lives, the tape throws Error at the first value that is not finite:
/// - an op made it (or a leaf brought it in): the op, the line that called it, the element, and the
///   inputs there;
/// - a rule made it: the op whose rule, for which input, the gradient that the rule was given there,
///   and the op inside the rule that was first;
/// - the gradients that arrived at a node were finite, and their sum is not.
/// A value that is not finite inside a rule but not in what it returns is none of these.
template <class T> class Anomaly : public TapeLog<T> {
 public:
  explicit Anomaly(Tape<T>& tape) : TapeLog<T>(tape) {}

  /// A node's value is complete once the next event comes: this looks at the last one without any.
  void check();

  void made(Var<T> y) override;
  void began(Var<T> root) override;
  void passing(Var<T> y, Var<T> dy) override;
  void ran(Var<T> y, Var<T> x, Var<T> dx) override;
  void passed(Var<T> y) override;
  void ended() override;

 private:
  std::string describe(Var<T> v) const;
  std::string inputs_at(Var<T> y, int64_t element) const;

  struct Pass {
    Var<T> dy;            // of the node being passed
    std::string in_rule;  // the first op of its present rule that was not finite
  };

  bool alive(Var<T> v) const;
  [[noreturn]] void fail(const std::string& what);

  Var<T> last_;               // made, and perhaps not yet written
  std::vector<Pass> passes_;  // under way: a rule may begin one of its own
};

extern template class Anomaly<float>;
extern template class Anomaly<double>;

}  // namespace talweg
