// What a tape tells whoever watches it: the seam between the engine and the tools of core/study.
//
// Nobody watching costs a test for null where something happens. An observer may read values and
// adjoints, make nodes of its own only between passes, and throw, which ends the pass.
#pragma once

#include "core/tape.h"

namespace talweg {

/// Callbacks in the order of events. In a forward pass: made(y), then reads(y, x) for each input. In
/// a backward pass: began(root); for each node that a gradient reached, from root to front:
/// passing(y, dy), then for each input that wants one: the nodes that its rule makes, and
/// ran(y, x, dx); then passed(y); at the end ended().
template <class T> class TapeObserver {
 public:
  virtual ~TapeObserver() = default;

  /// A node was made; its value is still to be written, by the time the next event comes.
  virtual void made(Var<T> /*y*/) {}
  /// y was computed from x; `recorded`: a rule leads a gradient back to it.
  virtual void reads(Var<T> /*y*/, Var<T> /*x*/, bool /*recorded*/) {}

  virtual void began(Var<T> /*root*/) {}
  /// dy is now all of y's gradient; y's rules come next.
  virtual void passing(Var<T> /*y*/, Var<T> /*dy*/) {}
  /// y's rule for x gave dx, which will be added to x's gradient.
  virtual void ran(Var<T> /*y*/, Var<T> /*x*/, Var<T> /*dx*/) {}
  /// y's rules have run; its value is about to be given back where nothing keeps it.
  virtual void passed(Var<T> /*y*/) {}
  virtual void ended() {}
};

}  // namespace talweg
