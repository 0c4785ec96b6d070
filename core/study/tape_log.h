// What was made on a tape, from what, and where in the source: the memory behind the tools that
// answer questions about a pass when it is over.
#pragma once

#include <string>
#include <vector>

#include "core/study/call_site.h"
#include "core/tape_observer.h"

namespace talweg {

/// Attached to a tape it notes every node, its inputs and the line that made it; nodes that a scope
/// or a pass gives back are forgotten. While it lives, it takes the place of the tape's observer.
/// Costs about a microsecond a node.
template <class T> class TapeLog : public TapeObserver<T> {
 public:
  struct Input {
    int32_t node;
    bool recorded;  ///< does a rule lead a gradient back to it?
  };
  struct Entry {
    Var<T> node;
    bool recording;  ///< did the tape record when it was made, or was it under NoGrad?
    std::vector<Input> inputs;
    CallStack stack;
  };

  explicit TapeLog(Tape<T>& tape) : tape_(tape), before_(tape.observe(this)) {}
  ~TapeLog() override { tape_.observe(before_); }
  TapeLog(const TapeLog&) = delete;

  void made(Var<T> y) override;
  void reads(Var<T> y, Var<T> x, bool recorded) override;

  Tape<T>& tape() const { return tape_; }
  /// What is known of the node at a place of the tape, or null: made before the log was attached.
  const Entry* find(int32_t index) const;
  /// "relu at study.cpp:12", or "relu (node 3)" where the line is not known.
  std::string name(Var<T> v) const;
  /// The line that made it; empty where unknown.
  SourceLine line(Var<T> v) const;

 private:
  Tape<T>& tape_;
  TapeObserver<T>* before_;
  std::vector<Entry> entries_;  // in the order of the tape
};

extern template class TapeLog<float>;
extern template class TapeLog<double>;

}  // namespace talweg
