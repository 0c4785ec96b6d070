// Why is my gradient zero, or missing? The answer in one sentence, with the line to look at.
//
//   TapeLog<float> log(tape);                       // attached before the forward pass
//   Var<float> y = sum(relu(x.detach() * w));
//   grad_why(log, y, x).sentence;
//   // "no gradient flows from sum at study.cpp:9 to variable (node 0): detach at study.cpp:9 cuts it
//   //  off; leave detach() out, or ask for the gradient of what it gave"
//
// Two questions are asked one after the other. Does an edge lead back at all? The log knows which op
// read which value, and which of these reads a rule was recorded for; the first read on the way that
// has none is the answer. If all are there: where do numbers become zero? A pass over the tape shows
// each rule's result; the first rule that was given something and handed on nothing is the answer.
#pragma once

#include "core/study/tape_log.h"

namespace talweg {

/// What stands between an output and an input.
enum class GradBlock {
  none,         ///< nothing: the gradient is there
  not_reached,  ///< y was not computed from x
  constant,     ///< x is a leaf that needs no gradient, or was made from such alone
  detached,     ///< detach() in between
  no_grad,      ///< made while the tape recorded nothing
  no_rule,      ///< read by an op that has no derivative, such as sign
  dead_relu,    ///< ReLU passes no element that matters
  masked,       ///< a maximum, a pool or a selection takes others
  zero_factor,  ///< multiplied by exact zeros
  saturated,    ///< the derivative is 0 where the values lie: tanh(30), exp(-1000), square(0)
  cancelled,    ///< what arrives over several edges adds up to 0
  zero,         ///< a rule handed on zeros for another reason
  not_finite,   ///< NaN or infinity: a case for core/study/anomaly.h
};

struct GradWhy {
  GradBlock block = GradBlock::none;
  std::string sentence;  ///< names the op, its line, what it did and what to do about it
  int32_t node = -1;     ///< the op that blocks; -1 where none does
  SourceLine line;       ///< of that op; empty where unknown
};

/// Explains dy/dx, the gradient of the sum of y's elements: the first thing that blocks it or, where
/// nothing does, how large it is, how many elements it reaches and which op lets fewest through.
/// `log` must have been attached to the tape before what lies between x and y was made, and values
/// must still be there: ask before backward(), which gives them back. Throws Error otherwise.
template <class T> GradWhy grad_why(const TapeLog<T>& log, Var<T> y, Var<T> x);

}  // namespace talweg
