// Derivatives of any order, from passes over a tape: products with Jacobians and Hessians, and the
// matrices themselves where they are small.
//
// The tape goes backwards: from u it makes J^T u, the vjp, in one pass. Forwards, J v, comes from
// going backwards twice. g(u) = J^T u is linear in u, whatever u is, so its own Jacobian is J^T
// everywhere, and the vjp of *that* along v is (J^T)^T v = J v. So:
//
//   u = a variable of y's shape, 0          (its value never matters: g is linear in it)
//   g = grad(y, x, recorded, from u)        J^T u, a function of u
//   d<g, v>/du                              J v
//
// It costs about two passes, and the rules of all ops between x and y must themselves be recorded
// ops; a dedicated forward mode costs one. Source: Townsend 2017, "A new trick for calculating
// Jacobian vector products".
//
// The Hessian times v is the gradient of <grad y, v>: one recorded pass and one that is not.
// Source: Pearlmutter 1994, "Fast exact multiplication by the Hessian".
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "core/tape.h"

namespace talweg {

// --- on a tape that is there already ---

/// J v = sum_k (dy/dx_k) v_k, of y's shape, for directions v_k of x_k's shape. With `create_graph`
/// it can be differentiated again. Values stay. Throws where a shape differs or an x is a constant.
template <class T>
Var<T> jvp(Var<T> y, std::span<const Var<T>> xs, std::span<const Var<T>> vs,
           bool create_graph = false);

/// H v: for each x_k, sum_l (d^2 y / dx_k dx_l) v_l. y must hold one element; all else as above.
template <class T>
std::vector<Var<T>> hvp(Var<T> y, std::span<const Var<T>> xs, std::span<const Var<T>> vs,
                        bool create_graph = false);

// --- of a function, in double ---

/// A function of one tensor, as a user writes it: [](auto x) { return sum(x * x); }
using Function1 = std::function<Var<double>(Var<double>)>;

/// f's Jacobian at x times v (x's shape): the change of f(x) along v; f(x)'s shape.
Tensor<double> jvp(const Function1& f, const Tensor<double>& x, const Tensor<double>& v);
/// u (f(x)'s shape) times f's Jacobian at x, of x's shape: one pass back, from u.
Tensor<double> vjp(const Function1& f, const Tensor<double>& x, const Tensor<double>& u);
/// f's Hessian at x times v; f must give one element. x's shape.
Tensor<double> hvp(const Function1& f, const Tensor<double>& x, const Tensor<double>& v);

/// J[i,j] = df_i/dx_j, with f(x) and x numbered in row-major order: [size of f(x), size of x]. One
/// pass back a row. Throws above 2^24 entries: use jvp() or vjp().
Tensor<double> jacobian(const Function1& f, const Tensor<double>& x);
/// H[i,j] = d^2 f/dx_i dx_j, [size of x, size of x]: the Jacobian of the recorded gradient, one pass
/// back a row. f must give one element. Throws above 2^24 entries: use hvp().
Tensor<double> hessian(const Function1& f, const Tensor<double>& x);

}  // namespace talweg
