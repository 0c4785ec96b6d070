// Hooks: a function of yours that is called where a value or a gradient passes.
//
//   const GradientHook<double> halve = [](Var<double> dy) { return scale(dy, 0.5); };
//   h = on_gradient(h, halve);           // from here back, h's gradient is what halve returns
//
// Rules live in the tape's arena, where no destructor runs; so a hook belongs to its user, who keeps
// it until the backward pass is over, and the tape holds a pointer to it.
#pragma once

#include <functional>
#include <string>
#include <type_traits>
#include <utility>

#include "core/tape.h"
#include "core/tape_observer.h"

namespace talweg {

/// Receives a gradient. Returns what is to go on in its place, a Var of the same shape: dy itself,
/// or something made of it, in ops where second derivatives are to follow. An empty Var, `{}`,
/// stands for dy. In passes that are not recorded dy lives for the call alone: copy what you keep.
template <class T> using GradientHook = std::function<Var<T>(Var<T> dy)>;

/// y = x, a view. Gradient: dx = hook(dy), called once in each backward pass that reaches y, with
/// all of y's gradient. The hook must outlive those passes. Throws, in the pass, where the hook
/// returns another shape.
template <class T> Var<T> on_gradient(Var<T> x, const GradientHook<std::type_identity_t<T>>& hook) {
  Var<T> y = x.tape().view("on_gradient", x, x.shape());
  y.wrt(x, [call = &hook](Var<T> dy) {
    const Var<T> instead = (*call)(dy);
    return instead ? instead : dy;
  });
  return y;
}
/// A temporary would be gone before the backward pass: give the hook a name.
template <class T>
Var<T> on_gradient(Var<T> x, const GradientHook<std::type_identity_t<T>>&& hook) = delete;

/// x itself, after look(x): for the middle of an expression.
template <class T, class Look> Var<T> on_value(Var<T> x, const Look& look) {
  look(std::as_const(x));
  return x;
}

/// While it lives, calls `look` with every value that the op called `op` makes on the tape, in rules
/// too, as soon as it is written; with every value where `op` is empty. Another observer of the tape
/// hears nothing meanwhile.
template <class T> class ValueHook : TapeObserver<T> {
 public:
  ValueHook(Tape<T>& tape, std::string op, std::function<void(Var<T>)> look)
      : tape_(tape), op_(std::move(op)), look_(std::move(look)), before_(tape.observe(this)) {}
  ~ValueHook() override { tape_.observe(before_); }
  ValueHook(const ValueHook&) = delete;

  /// Looks at the last value made, which otherwise waits for the next event on the tape.
  void flush() {
    if (!waiting_) return;
    const Var<T> y = std::exchange(waiting_, Var<T>());
    const bool stands = y.index() < tape_.node_count();  // or its scope has ended
    if (stands && y.readable() && (op_.empty() || op_ == y.op())) look_(y);
  }

 private:
  void made(Var<T> y) override {
    // A place taken again: the scope of what waits has ended.
    if (waiting_ && waiting_.index() >= y.index()) waiting_ = {};
    flush();
    waiting_ = y;
  }
  void began(Var<T>) override { flush(); }
  void passing(Var<T>, Var<T>) override { flush(); }
  void ran(Var<T>, Var<T>, Var<T>) override { flush(); }
  void passed(Var<T>) override { flush(); }
  void ended() override { flush(); }

  Tape<T>& tape_;
  std::string op_;
  std::function<void(Var<T>)> look_;
  TapeObserver<T>* before_;
  Var<T> waiting_;
};

}  // namespace talweg
