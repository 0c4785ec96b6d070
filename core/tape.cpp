#include "core/tape.h"

#include "core/kernels/kernels.h"
#include "core/tape_observer.h"

namespace talweg {

// --- Var: a handle that knows whether it is still good ---

template <class T> void Var<T>::never_given() {
  throw Error("[var] this Var was never given a value; make it with an op or a leaf");
}

template <class T> void Var<T>::lost(int32_t index) {
  throw Error(message("[var] node ", index, " is no longer on the tape: its TapeScope has ended; ",
                      "copy what must outlive a scope with to_tensor()"));
}

template <class T> bool Var<T>::readable() const { return node().readable(); }

template <class T> void Var<T>::unreadable(Var x) {
  const Node& n = x.node();
  for (const auto& g : n.tape->gone_) {
    expect(g.index != x.index_, "[", n.op, "] the value of node ", x.index_, " was ", g.how, g.by,
           g.at);
  }
  expect(!(n.shown ? n.shown : &n)->given_back, "[", n.op, "] the value of node ", x.index_,
         " was given back by backward(); call retain() on it, or read it, before; ",
         "for several passes use grad(), which keeps values");
  expect(n.value, "[", n.op, "] node ", x.index_, " has no value: it is where gradients meet");
  throw Error(message("[", n.op, "] node ", x.index_,
                      " shows a tensor that was opened for writing after ", "it was lent",
                      n.lent->log->last, "; change it after backward(), read it through const"));
}

template <class T> T Var<T>::item() const {
  expect(size() == 1, "[", op(), "] item() needs one element, the shape is ", shape());
  return data()[0];
}

template <class T> Tensor<T> Var<T>::to_tensor() const {
  return Tensor<T>(shape(), std::span<const T>(values()));
}

template <class T> const char* Var<T>::op() const { return node().op; }
template <class T> PackCache<T>* Var<T>::pack_cache() const {
  const auto* lent = node().lent;
  return lent ? lent->packs : nullptr;
}

template <class T> std::span<const T> Var<T>::grad_view() const {
  const Node& n = node();
  expect(n.needs_grad, "[grad] node ", index_, " (", n.op, ") needs no gradient: it is a constant ",
         "or was made from constants only; make its leaf with variable()");
  expect(n.edges == nullptr || n.retained, "[grad] node ", index_, " (", n.op,
         ") is not a leaf; call retain() on it before backward()");
  return {n.grad, n.grad ? std::size_t(n.shape.size()) : 0};
}

template <class T> Tensor<T> Var<T>::grad() const {
  const std::span<const T> g = grad_view();
  return g.empty() ? Tensor<T>(shape()) : Tensor<T>(shape(), g);
}

template <class T> Var<T> Var<T>::retain() const {
  node().retained = true;
  return *this;
}

template <class T> Var<T> Var<T>::detach() const { return tape().view("detach", *this, shape()); }

// --- Tape: making nodes and giving them back ---

template <class T> Var<T> Tape<T>::push(const char* op, const Shape& shape, T* value, T* owned) {
  Node& n = nodes_.push();
  n = {.tape = this,
       .generation = n.generation,
       .op = op,
       .value = value,
       .owned = owned,
       .shape = shape};
  const Var<T> y = at(nodes_.size() - 1);
  if (observer_) observer_->made(y);
  return y;
}

template <class T> Var<T> Tape<T>::make(const char* op, const Shape& shape) {
  T* memory = allocate(shape);
  return push(op, shape, memory, memory);
}

template <class T> Var<T> Tape<T>::view(const char* op, Var<T> x, const Shape& shape) {
  expect(shape.size() == x.size(), "[", op, "] shape ", x.shape(), " has ", x.size(),
         " elements and cannot be seen as ", shape, ", which has ", shape.size());
  Var<T> y = push(op, shape, x.data(), nullptr);
  node(y).lent = node(x).lent, node(y).shown = node(x).shown ? node(x).shown : &node(x);
  if (observer_) observer_->reads(y, x, false);
  return y;
}

template <class T> Var<T> Tape<T>::constant(const Tensor<T>& value) {
  Var<T> v = make("constant", value.shape());
  std::copy_n(value.data(), value.size(), v.data());
  return v;
}

template <class T> Var<T> Tape<T>::variable(const Tensor<T>& value) {
  Var<T> v = constant(value);
  node(v).op = "variable";
  node(v).needs_grad = true;
  return v;
}

template <class T> Var<T> Tape<T>::full(const Shape& shape, T value) {
  Var<T> v = make("constant", shape);
  std::fill_n(v.data(), v.size(), value);
  return v;
}

template <class T>
Var<T> Tape<T>::borrow(const Tensor<T>& value, bool needs_grad, PackCache<T>* packs) {
  Var<T> v = push("borrow", value.shape(), const_cast<T*>(value.data()), nullptr);
  using Lent = typename Node::Lent;
  node(v).needs_grad = needs_grad;
  node(v).lent = new (arena_.allocate(sizeof(Lent))) Lent{&value.log(), value.log().version, packs};
  return v;
}

template <class T> void Tape<T>::tell_read(Var<T> y, Var<T> x, bool recorded) {
  observer_->reads(y, x, recorded);
}

template <class T> void Tape<T>::rewind(const Mark& m) {
  while (nodes_.size() > m.nodes) {
    Node& n = nodes_.pop();
    if (n.owned) release(n.owned, n.shape);
    if (n.grad) release(n.grad, n.shape);
    ++n.generation;
  }
  if (!gone_.empty()) std::erase_if(gone_, [=](auto& g) { return g.index >= int32_t(m.nodes); });
  arena_.rewind(m.arena);
}

// --- differentiation ---

namespace {
enum : char { kIgnored = 0, kOnTheWay = 1, kTarget = 2 };  // the values of Pass::wanted
}  // namespace

/// Puts the working storage of the pass aside whose rule begins this one.
template <class T> struct Tape<T>::Nested {
  explicit Nested(Tape& tape) : tape(tape) {
    if (tape.depth_ == tape.put_aside_.size()) tape.put_aside_.emplace_back();
    std::swap(tape.pass_, tape.put_aside_[tape.depth_++]);
  }
  ~Nested() { std::swap(tape.pass_, tape.put_aside_[--tape.depth_]); }
  Tape& tape;
};

template <class T> void Tape<T>::check_root(const char* what, Var<T> y, Var<T> cotangent) const {
  const Shape& shape = node(y).shape;
  expect(cotangent || shape.size() == 1, "[", what, "] starts from one element, but node ",
         y.index_, " (", node(y).op, ") has shape ", shape,
         "; reduce it with sum() or mean(), or pass a cotangent to grad()");
  expect(!cotangent || node(cotangent).shape == shape, "[", what, "] the cotangent must have the ",
         "output's shape ", shape);
}

template <class T> void Tape<T>::backward(Var<T> y) {
  check_root("backward", y, {});
  expect(node(y).needs_grad, "[backward] node ", y.index_, " (", node(y).op,
         ") depends on no leaf ",
         "that needs a gradient; make a leaf with variable(), or look for a detach() or NoGrad");
  const Nested nested(*this);
  const std::size_t root = std::size_t(y.index_);
  pass_.wanted.assign(root + 1, kIgnored);
  for (std::size_t i = 0; i <= root; ++i) {
    const Node& n = nodes_[i];
    if (n.needs_grad) pass_.wanted[i] = n.edges == nullptr || n.retained ? kTarget : kOnTheWay;
  }
  T* seed = allocate(nodes_[root].shape);
  *seed = T(1);
  sweep(root, seed, true);
  for (std::size_t i = 0; i <= root; ++i) {
    Node& n = nodes_[i];
    if (pass_.wanted[i] != kTarget || !pass_.adjoint[i]) continue;
    if (!n.grad) {
      n.grad = pass_.adjoint[i];
    } else {
      kernels::table<T>().add(n.shape.size(), n.grad, pass_.adjoint[i], n.grad);
      release(pass_.adjoint[i], n.shape);
    }
  }
}

template <class T>
std::vector<Var<T>> Tape<T>::grad(Var<T> y, std::span<const Var<T>> xs, bool create_graph,
                                  Var<T> cotangent) {
  check_root("grad", y, cotangent);
  const Nested nested(*this);
  const std::size_t root = std::size_t(y.index_);
  mark_dependents(root, xs);
  if (!cotangent) cotangent = full(y.shape(), T(1));
  if (create_graph) {
    sweep_recorded(root, cotangent);
  } else {
    T* seed = allocate(y.shape());
    std::copy_n(cotangent.data(), y.size(), seed);
    sweep(root, seed, false);
  }
  std::vector<Var<T>> result;
  for (Var<T> x : xs) {
    const std::size_t i = std::size_t(x.index_);
    const bool recorded = i <= root && create_graph && pass_.adjoint_var[i];
    result.push_back(recorded ? pass_.adjoint_var[i] : full(x.shape(), T(0)));
    if (create_graph || i > root || !pass_.adjoint[i]) continue;
    std::copy_n(pass_.adjoint[i], x.size(), result.back().data());
  }
  for (std::size_t i = 0; i <= root && !create_graph; ++i) {
    if (pass_.adjoint[i]) release(pass_.adjoint[i], nodes_[i].shape);
  }
  return result;
}

/// Marks xs as targets and every node up to `root` that depends on one as lying on the way.
template <class T> void Tape<T>::mark_dependents(std::size_t root, std::span<const Var<T>> xs) {
  pass_.wanted.assign(root + 1, kIgnored);
  for (Var<T> x : xs) {
    expect(node(x).needs_grad, "[grad] node ", x.index_, " (", node(x).op,
           ") needs no gradient; make its leaf with variable()");
    if (std::size_t(x.index_) <= root) pass_.wanted[x.index_] = kTarget;
  }
  for (std::size_t i = 0; i <= root; ++i) {
    for (const Edge* e = nodes_[i].edges; e && !pass_.wanted[i]; e = e->next) {
      if (pass_.wanted[e->input]) pass_.wanted[i] = kOnTheWay;
    }
  }
}

/// Invariant 1 at work: from `root` to the front, each node that a gradient reached hands it on to
/// its inputs. Nothing is recorded; what a rule makes on the way is rewound as soon as it has been
/// received. Leaves the gradients of targets in pass_.adjoint and takes over `seed`.
template <class T> void Tape<T>::sweep(std::size_t root, T* seed, bool release_passed) {
  NoGrad<T> off(*this);
  if (observer_) observer_->began(at(root));
  pass_.adjoint.assign(root + 1, nullptr);
  pass_.adjoint[root] = seed;
  const Mark before = mark();
  for (std::size_t i = root + 1; i-- > 0;) {
    if (!pass_.adjoint[i]) continue;
    const bool target = pass_.wanted[i] == kTarget;
    Node& n = nodes_[i];
    const Edge* edge = n.edges;
    Var<T> dy = push("adjoint", n.shape, pass_.adjoint[i], nullptr);
    if (observer_) observer_->passing(at(i), dy);
    for (; edge; edge = edge->next) {
      T* none = nullptr;  // only the last rule may take dy's memory over, and not from a target
      if (pass_.wanted[edge->input])
        receive(i, *edge, dy, edge->next || target ? none : pass_.adjoint[i]);
    }
    rewind(before);
    if (observer_) observer_->passed(at(i));
    if (!target && pass_.adjoint[i]) release(std::exchange(pass_.adjoint[i], nullptr), n.shape);
    // Invariant 3: nothing that is still to come reads this value.
    if (release_passed && !target && i != root && n.edges) {
      if (n.owned) release(n.owned, n.shape);
      n.value = n.owned = nullptr;
      n.given_back = true;
    }
  }
  if (observer_) observer_->ended();
}

/// Runs one rule and adds its result to the gradient of its input, moving memory, not copying it,
/// where the result is fresh, or where it is dy itself and dy is not needed any more.
template <class T>
void Tape<T>::receive(std::size_t y, const Edge& edge, Var<T> dy, T*& dy_buffer) {
  const Mark before = mark();
  const Var<T> dx = run_rule(y, edge, dy);
  const T* value = dx.data();
  Node& from = node(dx);
  T*& into = pass_.adjoint[edge.input];
  if (into) {
    kernels::table<T>().add(from.shape.size(), into, value, into);
  } else if (std::size_t(dx.index_) >= before.nodes && from.owned) {
    into = std::exchange(from.owned, nullptr);
  } else if (value == dy_buffer) {
    into = std::exchange(dy_buffer, nullptr);
  } else {
    into = allocate(from.shape);
    std::copy_n(value, from.shape.size(), into);
  }
  rewind(before);
}

/// The same loop with every gradient a recorded Var: it appends to the tape and frees nothing.
template <class T> void Tape<T>::sweep_recorded(std::size_t root, Var<T> seed) {
  if (observer_) observer_->began(at(root));
  pass_.adjoint_var.assign(root + 1, Var<T>());
  pass_.adjoint_var[root] = seed;
  for (std::size_t i = root + 1; i-- > 0;) {
    const Var<T> dy = pass_.adjoint_var[i];
    if (!dy) continue;
    if (observer_) observer_->passing(at(i), dy);
    for (const Edge* edge = nodes_[i].edges; edge; edge = edge->next) {
      if (!pass_.wanted[edge->input]) continue;
      const Var<T> dx = run_rule(i, *edge, dy);
      Var<T>& into = pass_.adjoint_var[edge->input];
      into = into ? accumulate(into, dx) : dx;
    }
    if (observer_) observer_->passed(at(i));
  }
  if (observer_) observer_->ended();
}

/// a + b for two gradients of one value: the only op the tape itself needs.
template <class T> Var<T> Tape<T>::accumulate(Var<T> a, Var<T> b) {
  Var<T> y = make("accumulate", a.shape());
  kernels::table<T>().add(y.size(), a.data(), b.data(), y.data());
  for (Var<T> input : {a, b}) y.wrt(input, [](Var<T> dy) { return dy; });
  return y;
}

template <class T> Var<T> Tape<T>::run_rule(std::size_t y, const Edge& edge, Var<T> dy) {
  const Var<T> dx = edge.run_rule(edge, dy);
  const Node& input = nodes_[edge.input];
  expect(node(dx).shape == input.shape, "[tape] the rule for input ", edge.input, " (", input.op,
         ", shape ", input.shape, ") returned a gradient of shape ", node(dx).shape);
  if (observer_) observer_->ran(at(y), at(edge.input), dx);
  return dx;
}

template class Var<float>;
template class Var<double>;
template class Tape<float>;
template class Tape<double>;

}  // namespace talweg
