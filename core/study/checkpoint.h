// Checkpointing: memory for time. A segment of the computation keeps its inputs and its result only;
// what lies between is computed again when the gradient comes by.
//
//   Var<float> y = checkpoint<float>([](auto v) { return relu(matmul(relu(v[0]), v[1])); }, {x, w});
//
// The trade, for a segment with inputs I, result R and values V between: forward keeps R where it
// would keep V + R; backward holds V and the segment's adjoints while it passes the segment, and
// computes V once more, so a step costs at most one forward pass of the segment more. A chain of n
// equal layers cut into k segments peaks near k + n/k layers instead of n, least at k = sqrt(n).
// Source: Griewank and Walther 2000 (revolve); Chen et al. 2016 (sublinear memory).
#pragma once

#include <cstring>
#include <initializer_list>
#include <optional>
#include <type_traits>

#include "core/ops/common.h"
#include "core/ops/shape_ops.h"

namespace talweg {
namespace checkpointing {

/// x as an input of its own, so that a gradient asked for it is that of the segment alone, even where
/// one input was computed from another.
template <class T> Var<T> doorway(Var<T> x) {
  const Var<T> door = x.tape().view("checkpoint_input", x, x.shape());
  door.wrt(x, [](Var<T> dy) { return dy; });
  return door;
}

/// The segment's value on constants, written to `to`; the shape is returned.
template <class T, class F>
Var<T> run_forgetting(const F& f, std::span<const Var<T>> inputs, Tape<T>& tape) {
  std::optional<Scratch<T>> kept;  // where the value stays while the tape is rewound
  Shape shape;
  {
    const TapeScope<T> scope(tape);
    std::vector<Var<T>> constants;
    for (Var<T> x : inputs) constants.push_back(x.detach());
    const Var<T> y = f(std::span<const Var<T>>(constants));
    expect(&y.tape() == &tape,
           "[checkpoint] the function's result stands on another tape than its ",
           "inputs; compute it from them");
    // With constants for inputs nothing is recorded, unless f reads a differentiable Var of its own.
    expect(!y.needs_grad(), "[checkpoint] the function reads a value that needs a gradient but is ",
           "not among its inputs, so that gradient would be lost; pass it as an input");
    shape = y.shape();
    kept.emplace(tape, y.size());
    std::copy_n(y.data(), y.size(), kept->data());
  }
  const Var<T> y = tape.make("checkpoint", shape);
  std::copy_n(kept->data(), y.size(), y.data());
  return y;
}

/// The gradients of the inputs that need one, flat, one behind the other.
template <class T, class F>
Var<T> run_again(const F& f, std::span<const Var<T>> inputs, Var<T> y, Var<T> dy) {
  Tape<T>& tape = dy.tape();
  const bool create_graph = tape.recording();
  const Recording<T> on(tape, true);
  std::vector<Var<T>> doors, wanted;
  for (Var<T> x : inputs) {
    doors.push_back(doorway(x));
    if (x.needs_grad()) wanted.push_back(doors.back());
  }
  const Var<T> again = f(std::span<const Var<T>>(doors));
  expect(again.shape() == dy.shape() &&
             (!y.readable() ||
              std::memcmp(again.data(), y.data(), std::size_t(y.size()) * sizeof(T)) == 0),
         "[checkpoint] the function gave another result the second time, so its gradient would be ",
         "that of something else; let it depend on its inputs alone, with random numbers from a ",
         "copied Rng");
  std::vector<Var<T>> gradients = tape.grad(again, wanted, create_graph, dy);
  const Recording<T> as_asked(tape, create_graph);
  for (Var<T>& g : gradients) g = reshape(g, {g.size()});
  return gradients.size() == 1 ? gradients[0] : concat(std::span<const Var<T>>(gradients), 0);
}

}  // namespace checkpointing

/// checkpoint(f, inputs) = f(inputs), which keeps nothing of what f computes in between. f takes a
/// span of Vars and returns one; it is called now, and again in each backward pass, and must give
/// the same bits. It may capture numbers, references and Vars that need no gradient, must be
/// trivially destructible, and must not change its inputs in place.
///
/// Gradient: dx = that of f, run again and recorded, from dy. It is recorded itself where the pass
/// is, so that derivatives of any order are exact; each further order runs f again.
///
/// Throws where f reads a differentiable value that is not among the inputs, and, in the backward
/// pass, where f gives another result than before.
template <class T, class F> Var<T> checkpoint(F f, std::span<const Var<T>> inputs) {
  static_assert(std::is_trivially_destructible_v<F>,
                "the function is kept on the tape: capture Vars, numbers, pointers and references");
  expect(!inputs.empty(), "[checkpoint] needs at least one input, to know its tape");
  Tape<T>& tape = inputs[0].tape();
  for (Var<T> x : inputs) common_tape("checkpoint", inputs[0], x);
  const std::span<const Var<T>> kept = tape.keep(inputs);
  int64_t total = 0;
  for (Var<T> x : inputs) total += x.needs_grad() ? x.size() : 0;

  // f runs once for all inputs: their gradients begin at one node, flat, and are cut from there.
  const Var<T> all = tape.waypoint("checkpoint_gradients", {total});
  int64_t at = 0;
  for (Var<T> x : inputs) {
    if (!x.needs_grad()) continue;
    const Shape shape = x.shape();
    all.wrt(x, [=](Var<T> flat) {
      const bool whole = flat.size() == shape.size();
      return reshape(whole ? flat : slice(flat, 0, at, shape.size()), shape);
    });
    at += shape.size();
  }
  const Var<T> y = checkpointing::run_forgetting(f, kept, tape);
  y.wrt(all, [=](Var<T> dy) { return checkpointing::run_again(f, kept, y, dy); });
  return y;
}

/// The same for inputs written out: checkpoint<float>(f, {x, w}).
template <class T, class F> Var<T> checkpoint(F f, std::initializer_list<Var<T>> inputs) {
  return checkpoint<T>(f, std::span<const Var<T>>(inputs.begin(), inputs.size()));
}

}  // namespace talweg
