// The tape: a list of values in the order they were made, each knowing how to pass a gradient back.
//
//   Tape<float> tape;
//   Var<float> w = tape.variable(Tensor<float>({1}, 3.0f));
//   Var<float> y = sum(w * w);
//   tape.backward(y);
//   w.grad()[0];                                       // 6
//
// Who owns what. The tape owns every value, gradient and closure. A Var is a handle, passed by
// value: it points at its node, which never moves. A node goes when its scope ends; the next one
// takes its place with another generation, by which a Var of the old one is found out and throws.
// Parameters and data live outside, in Tensors, and are lent to the tape with borrow().
//
// Three invariants carry the engine:
//  1. A node's inputs stand before it: the order of making is a topological order, and backward is
//     one loop from the end to the front. No recursion, no graph search.
//  2. A rule is written in ops: from the output's gradient, a Var, it makes an input's gradient, a
//     Var. Recorded, that can be differentiated again; unrecorded, it is just computed.
//  3. A rule reads only nodes made up to its own output: once backward has passed a node, nothing
//     will read it again, and its value and gradient go back to the pool at once.
//
// The contract of an op: it writes all of the value that make() gives; then one wrt() per input
// says how its gradient follows. Closures hold Vars, numbers and spans from Tape::keep only.
#pragma once

#include <span>
#include <type_traits>
#include <vector>

#include "core/arena.h"
#include "core/shape.h"
#include "core/tensor.h"

namespace talweg {

template <class T> class Tape;
template <class T> class PackCache;     // core/ops/pack_cache.h
template <class T> class TapeObserver;  // core/tape_observer.h

/// A handle to a value on a tape, 16 bytes, passed by value. Used after its scope it throws.
template <class T> class Var {
 public:
  Var() = default;

  explicit operator bool() const { return node_ != nullptr; }  ///< was it ever given a value?
  Tape<T>& tape() const;
  const Shape& shape() const;  ///< in the node: good for as long as that stands
  int64_t size() const { return shape().size(); }
  /// Throws where the value was given back, overwritten or changed by its owner.
  [[gnu::always_inline]] T* data() const;
  bool readable() const;  ///< would data() return?
  std::span<T> values() const { return {data(), std::size_t(size())}; }
  T item() const;               ///< the value of a tensor with one element
  Tensor<T> to_tensor() const;  ///< a copy that outlives the tape
  const char* op() const;       ///< the name of the op that made it
  bool needs_grad() const;
  PackCache<T>* pack_cache() const;         ///< lent with a borrowed value, or null
  int32_t index() const { return index_; }  ///< its place on the tape

  /// The gradient that backward() left here: zeros of the value's shape if none arrived. Only
  /// leaves and nodes marked by retain() keep one.
  Tensor<T> grad() const;
  /// The same without a copy; empty if none arrived.
  std::span<const T> grad_view() const;
  /// Asks backward() to leave this node's value and gradient in place.
  Var retain() const;
  /// The same value, seen as a constant: no gradient flows through.
  Var detach() const;

  /// Records that the gradient of `input` is rule(dy), a Var of its shape, where dy is this node's
  /// gradient. Does nothing if `input` needs no gradient or recording is off. (Inlined, it writes
  /// what the rule captures to where it stays.)
  template <class Rule> [[gnu::always_inline]] void wrt(Var input, Rule rule) const;

 private:
  friend class Tape<T>;
  struct Node;
  struct Edge;

  Var(Node* node, int32_t index, uint32_t generation)
      : node_(node), index_(index), generation_(generation) {}
  [[gnu::always_inline]] Node& node() const;
  [[noreturn]] static void never_given();
  [[noreturn]] static void lost(int32_t index);
  [[noreturn]] static void unreadable(Var x);

  Node* node_ = nullptr;
  int32_t index_ = -1;
  uint32_t generation_ = 0;
};

/// The way back from a node to one of its inputs. In the arena the rule's closure stands behind it.
template <class T> struct Var<T>::Edge {
  int32_t input;
  Var (*run_rule)(const Edge& edge, Var dy);
  Edge* next;
};

/// What the tape keeps of one value.
template <class T> struct Var<T>::Node {
  struct Lent {
    const WriteLog* log;  // of the tensor that lent the value,
    uint64_t version;     // and its version then
    PackCache<T>* packs;
    bool old() const { return log->version != version; }
  };
  Tape<T>* tape = nullptr;
  uint32_t generation = 0;  // one more each time a node goes from here; its Vars bear an older one
  bool needs_grad = false, retained = false, given_back = false;  // the last by backward()
  const char* op = nullptr;
  T* value = nullptr;           // null at a waypoint, and where it can't be read any more
  T* owned = nullptr;           // the value's memory, where it is this node's to give back
  const Lent* lent = nullptr;   // where the value is somebody else's
  const Node* shown = nullptr;  // of a view: the node whose value it shows
  T* grad = nullptr;            // what backward() left on a leaf; null if nothing arrived
  Edge* edges = nullptr;        // newest first
  Shape shape;
  bool readable() const { return value && !(shown && shown->given_back) && !(lent && lent->old()); }
};

/// Owner of nodes, values, gradients and closures. One thread uses a tape at a time.
template <class T> class Tape {
 public:
  Tape() = default;
  Tape(const Tape&) = delete;

  // --- leaves ---
  Var<T> constant(const Tensor<T>& value);  ///< a copy; needs no gradient
  Var<T> variable(const Tensor<T>& value);  ///< a copy; backward() leaves a gradient on it
  Var<T> constant(T value) { return full({}, value); }
  Var<T> full(const Shape& shape, T value);  ///< a constant tensor of equal elements
  /// A leaf that reads `value` in place; the tensor must stay until the scope ends, and so must
  /// `packs`, where kernels keep its packed forms. Reading it after a change of `value` throws.
  Var<T> borrow(const Tensor<T>& value, bool needs_grad, PackCache<T>* packs = nullptr);

  // --- for ops ---
  Var<T> make(const char* op, const Shape& shape);  ///< a fresh, uninitialised value
  /// A node that shows `x`'s elements, without a copy, as another shape of the same size.
  Var<T> view(const char* op, Var<T> x, const Shape& shape);
  /// From here on, whoever reads x, in a rule too, gets an Error: "its value was " `how` `by` `at`.
  void end(Var<T> x, const char* how, const char* by, Site at) {
    node(x).value = nullptr;
    gone_.push_back({x.index_, how, by, at});
  }
  /// A node without a value, where the gradients of several inputs begin with the one of this shape.
  Var<T> waypoint(const char* op, const Shape& shape) { return push(op, shape, nullptr, nullptr); }
  /// A copy of `items` that lives as long as the node being made, for closures to hold.
  template <class Item> std::span<const Item> keep(std::span<const Item> items);
  template <class Item> std::span<Item> keep(int64_t count);  ///< the same, uninitialised
  bool recording() const { return recording_; }

  // --- differentiation ---
  /// Leaves d(y)/d(leaf) on every leaf that needs a gradient, added to what an earlier call left,
  /// and gives back the values it passed (see retain()). y must hold one element.
  void backward(Var<T> y);
  /// d<y, cotangent>/dx for each x, as constants, or as recorded Vars to differentiate again where
  /// `create_graph`. Values stay. The cotangent defaults to 1 and then y must hold one element.
  std::vector<Var<T>> grad(Var<T> y, std::span<const Var<T>> xs, bool create_graph = false,
                           Var<T> cotangent = {});

  int64_t node_count() const { return int64_t(nodes_.size()); }
  /// The node at place i, from 0 to node_count().
  Var<T> at(std::size_t i) { return {&nodes_[i], int32_t(i), nodes_[i].generation}; }
  Pool& pool() { return pool_; }
  /// Tells `observer` what happens from here on, or nobody where null; returns whom it told before.
  TapeObserver<T>* observe(TapeObserver<T>* observer) { return std::exchange(observer_, observer); }

 private:
  friend class Var<T>;
  template <class U> friend class TapeScope;
  template <class U> friend class Recording;
  struct Nested;

  using Node = typename Var<T>::Node;
  using Edge = typename Var<T>::Edge;

  struct Gone {  // why the value of a node cannot be read any more, where not given back
    int32_t index;
    const char *how, *by;
    Site at;
  };

  struct Pass {                       // working storage of one way back
    std::vector<T*> adjoint;          // by node: its gradient so far
    std::vector<Var<T>> adjoint_var;  // the same, recorded
    std::vector<char> wanted;         // by node: does a gradient have to reach it?
  };

  struct Mark {
    std::size_t nodes;
    Arena::Mark arena;
  };

  Node& node(Var<T> v) const {
    if (v.node().tape != this) Var<T>::lost(v.index_);
    return *v.node_;
  }
  Var<T> push(const char* op, const Shape& shape, T* value, T* owned);
  T* allocate(const Shape& s) { return static_cast<T*>(pool_.allocate(s.size() * sizeof(T))); }
  void release(T* p, const Shape& s) { pool_.release(p, s.size() * sizeof(T)); }
  Mark mark() const { return {nodes_.size(), arena_.mark()}; }
  void rewind(const Mark& m);
  void tell_read(Var<T> y, Var<T> x, bool recorded);

  void check_root(const char* what, Var<T> y, Var<T> cotangent) const;
  void mark_dependents(std::size_t root, std::span<const Var<T>> xs);
  void sweep(std::size_t root, T* seed, bool release_passed);
  void receive(std::size_t y, const Edge& edge, Var<T> dy, T*& dy_buffer);
  void sweep_recorded(std::size_t root, Var<T> seed);
  Var<T> run_rule(std::size_t y, const Edge& edge, Var<T> dy);
  Var<T> accumulate(Var<T> a, Var<T> b);

  Pool pool_;
  Arena arena_;
  Places<Node> nodes_;
  std::vector<Gone> gone_;  // a few, for whom end() was called
  bool recording_ = true;
  TapeObserver<T>* observer_ = nullptr;
  // Kept so that later passes allocate nothing. A rule may begin a pass of its own.
  Pass pass_;
  std::vector<Pass> put_aside_;
  std::size_t depth_ = 0;
};

/// Gives back, when it ends, every node made since it began.
template <class T> class TapeScope {
 public:
  explicit TapeScope(Tape<T>& tape) : tape_(tape), mark_(tape.mark()) {}
  ~TapeScope() { tape_.rewind(mark_); }
  TapeScope(const TapeScope&) = delete;

 private:
  Tape<T>& tape_;
  typename Tape<T>::Mark mark_;
};

/// While it lives, ops record rules, or none.
template <class T> class Recording {
 public:
  Recording(Tape<T>& tape, bool on) : tape_(tape), was_(std::exchange(tape.recording_, on)) {}
  ~Recording() { tape_.recording_ = was_; }
  Recording(const Recording&) = delete;

 private:
  Tape<T>& tape_;
  bool was_;
};

/// While it lives, ops compute values but record no rules.
template <class T> struct NoGrad : Recording<T> {
  explicit NoGrad(Tape<T>& tape) : Recording<T>(tape, false) {}
};

template <class T> inline typename Var<T>::Node& Var<T>::node() const {
  if (!node_) never_given();
  if (node_->generation != generation_) lost(index_);
  return *node_;
}
template <class T> inline Tape<T>& Var<T>::tape() const {
  if (!node_) never_given();
  return *node_->tape;
}
template <class T> inline const Shape& Var<T>::shape() const { return node().shape; }
template <class T> inline bool Var<T>::needs_grad() const { return node().needs_grad; }
template <class T> inline T* Var<T>::data() const {
  const Node& n = node();
  if (!n.readable()) unreadable(*this);
  return n.value;
}

template <class T> template <class Rule> inline void Var<T>::wrt(Var input, Rule rule) const {
  static_assert(std::is_trivially_destructible_v<Rule>,
                "rules live in the arena: capture Vars, numbers and spans from Tape::keep");
  Tape<T>& t = tape();
  const bool records = t.recording_ && t.node(input).needs_grad;
  if (t.observer_) t.tell_read(*this, input, records);
  if (!records) return;
  struct WithRule : Edge {
    Rule rule;
  };
  const auto run = [](const Edge& e, Var dy) { return static_cast<const WithRule&>(e).rule(dy); };
  Node& n = node();
  n.edges = new (t.arena_.allocate(sizeof(WithRule))) WithRule{{input.index_, run, n.edges}, rule};
  n.needs_grad = true;
}

template <class T> template <class Item> std::span<Item> Tape<T>::keep(int64_t count) {
  static_assert(std::is_trivially_destructible_v<Item>, "the arena runs no destructors");
  return {static_cast<Item*>(arena_.allocate(std::size_t(count) * sizeof(Item))),
          std::size_t(count)};
}

template <class T>
template <class Item>
std::span<const Item> Tape<T>::keep(std::span<const Item> items) {
  std::span<Item> copy = keep<Item>(int64_t(items.size()));
  std::copy(items.begin(), items.end(), copy.begin());
  return copy;
}

extern template class Var<float>;
extern template class Var<double>;
extern template class Tape<float>;
extern template class Tape<double>;

}  // namespace talweg
