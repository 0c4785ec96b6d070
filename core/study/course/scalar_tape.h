// Reverse-mode differentiation in a hundred lines: numbers, a tape of them, one loop. Chapter 1.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

namespace talweg::course {

class ScalarTape;

/// A number on a tape: where it stands, nothing more.
struct Scalar {
  ScalarTape* tape;
  int at;
  double value() const;
  double gradient() const;
};

/// Where a number that y was made of stands, and dy/dx.
struct Input {
  int at = -1;
  double slope = 0;
};

class ScalarTape {
 public:
  Scalar variable(double value) { return push(value, {}); }

  /// y, made of up to two others.
  Scalar push(double value, Input a, Input b = {}) {
    nodes_.push_back({value, 0, {a, b}});
    return {this, int(nodes_.size()) - 1};
  }

  /// Leaves dy/dx on every x: from y to the front, each node hands its gradient to its inputs.
  void backward(Scalar y) {
    for (Node& n : nodes_) n.gradient = 0;
    node(y.at).gradient = 1;
    for (int i = y.at; i >= 0; --i) {
      const Node n = node(i);
      for (const Input& x : n.inputs) {
        if (x.at >= 0) node(x.at).gradient += n.gradient * x.slope;
      }
    }
  }

  /// Forgets everything from `count` on: the tape of one step goes, the parameters stay.
  void rewind(int count) { nodes_.resize(std::size_t(count)); }
  int size() const { return int(nodes_.size()); }
  double& value(Scalar x) { return node(x.at).value; }
  double gradient(Scalar x) { return node(x.at).gradient; }

 private:
  struct Node {
    double value = 0, gradient = 0;
    Input inputs[2];
  };
  Node& node(int i) { return nodes_[std::size_t(i)]; }
  std::vector<Node> nodes_;
};

inline double Scalar::value() const { return tape->value(*this); }
inline double Scalar::gradient() const { return tape->gradient(*this); }

inline Scalar operator+(Scalar a, Scalar b) {
  return a.tape->push(a.value() + b.value(), {a.at, 1}, {b.at, 1});
}
inline Scalar operator-(Scalar a, Scalar b) {
  return a.tape->push(a.value() - b.value(), {a.at, 1}, {b.at, -1});
}
inline Scalar operator*(Scalar a, Scalar b) {
  return a.tape->push(a.value() * b.value(), {a.at, b.value()}, {b.at, a.value()});
}
inline Scalar tanh(Scalar x) {
  const double y = std::tanh(x.value());
  return x.tape->push(y, {x.at, 1 - y * y});
}

}  // namespace talweg::course
