// A trace: what happened on a tape, step by step, kept for people to walk through. A TraceRecorder
// watches the tape; the tape may go, and the trace stays.
//
//   TraceRecorder<double> recorder(tape);
//   Var<double> w = tape.variable(Tensor<double>({}, 3.0)), y = square(w);
//   tape.backward(y);
//   const Trace trace = recorder.finish();
//   trace.nodes[1].value.whole[0];       // 9
//   trace.steps[4].value.whole[0];       // 6: what square's rule gave for w
#pragma once

#include <chrono>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/study/call_site.h"
#include "core/study/value_summary.h"
#include "core/tape_observer.h"

namespace talweg {

/// A value that a node was computed from.
struct TraceInput {
  int node = -1;            ///< its place in Trace::nodes; -1 where it was made before recording
  bool recorded = false;    ///< does a rule lead a gradient back to it?
  bool is_adjoint = false;  ///< not the node's value was read, but its adjoint: in rules
};

/// One node of the tape. `index` is its place on the tape, which later nodes take over where a scope
/// has ended; its place in Trace::nodes is its own.
struct TraceNode {
  std::string op, name;  ///< the name that the program or the expression gives it, or empty
  int32_t index = 0;
  Shape shape;
  bool needs_grad = false;
  bool kept = true;  ///< false: made by a rule and given back as soon as its result was added
  ValueSummary value;
  std::vector<TraceInput> inputs;
  int pass = -1;  ///< the backward pass that made it, or -1
  int by = -1;    ///< in a pass: the node whose rule made it
  std::string
      place;  ///< where it was made: "ocr/word_model.cpp:61 (energies)"; empty where unknown
  int64_t bytes = 0;  ///< of memory of its own; 0 for what shows another's, or is lent
  double micros = 0;  ///< from its making to the next node's, without what the recorder takes
};

/// One step of the story.
struct TraceStep {
  enum class Kind {
    kMade,     ///< `node` was made; its value is in the node
    kBegan,    ///< backward pass `pass` began at `node`
    kPassing,  ///< `value` is all of the gradient at `node`, whose rules come next
    kRan,      ///< the rule of `node` for its input number `slot` gave `value`
    kEnded,    ///< the pass ended
  };
  Kind kind = Kind::kMade;
  int pass = -1, node = -1, slot = -1;
  ValueSummary value;
  std::vector<int> made;  ///< kRan: the nodes that the rule made
  double micros = 0;      ///< kRan: of the whole rule
};

/// One way back over the tape.
struct TracePass {
  int root = -1;
  bool recorded = false;  ///< was it recorded, to be differentiated again?
};

struct Trace {
  std::string scalar;  ///< "float" or "double"
  std::vector<TraceNode> nodes;
  std::vector<TraceStep> steps;
  std::vector<TracePass> passes;

  /// Nodes that read node `id`, each once, in order.
  std::vector<int> readers(int id) const;
  /// "w" or "#3 mul": how a sentence names a node.
  std::string title(int id) const;
};

/// Watches a tape from its making to finish(), or to its own end. While it lives, nothing else may
/// watch the tape.
template <class T> class TraceRecorder : public TapeObserver<T> {
 public:
  explicit TraceRecorder(Tape<T>& tape);
  ~TraceRecorder() override;
  TraceRecorder(const TraceRecorder&) = delete;

  /// Gives a node its name. It must have been made while this watched.
  void name(Var<T> v, const std::string& name);
  /// From here on, nodes made in no rule are of this place, instead of the line that the call stack
  /// shows; empty: of that line again.
  void set_place(std::string place) { place_ = std::move(place); }

  /// Stops watching and hands the trace over.
  Trace finish();

  void made(Var<T> y) override;
  void reads(Var<T> y, Var<T> x, bool recorded) override;
  void began(Var<T> root) override;
  void passing(Var<T> y, Var<T> dy) override;
  void ran(Var<T> y, Var<T> x, Var<T> dx) override;
  void passed(Var<T> y) override;
  void ended() override;

 private:
  using Clock = std::chrono::steady_clock;
  struct Running {  // a pass that has not ended: rules may begin passes of their own
    int pass;
    bool recorded;
    int node = -1;    // that is being passed
    int slot = 0;     // slots from here on have run
    int32_t dy = -1;  // the tape's index of the adjoint, where it is a node of the pass alone
    std::size_t first_made = 0;
    double micros = 0;
  };
  /// Where a value on the tape stands in the trace.
  struct Known {
    int node = -1;
    bool is_adjoint = false;
  };

  Known known(Var<T> v) const;
  void know(int32_t index, Known k);
  double lap();  // microseconds since the last event was dealt with
  void charge(double micros);
  void look(Var<T> v, int id);  // summarises a value that is now written
  void look_at_pending();
  void resolve_places();

  Tape<T>* tape_;
  Trace trace_;
  std::vector<Known> by_index_;
  std::vector<std::pair<Var<T>, int>> pending_;  // made, value not yet looked at
  std::vector<Running> running_;
  std::vector<CallStack> stacks_;  // by node
  std::vector<const T*> memory_;   // by node: where its value stood
  std::string place_;
  std::vector<std::string> places_;  // by node, as set then
  int current_ = -1;                 // the node being computed, or -1
  Clock::time_point last_;
};

extern template class TraceRecorder<float>;
extern template class TraceRecorder<double>;

}  // namespace talweg
