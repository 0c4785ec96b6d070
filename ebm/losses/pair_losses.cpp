#include "ebm/losses/pair_losses.h"

#include <cmath>

#include "core/ops/elementwise.h"
#include "ebm/beta.h"
#include "ebm/energies/constants.h"

namespace talweg::ebm {
namespace {

template <class T> void check_pair(const char* loss, Var<T> good, Var<T> bad) {
  expect(good.shape().rank() == 1 && good.shape() == bad.shape(), "[", loss, "] energies of right ",
         "and wrong answers have shapes ", good.shape(), " and ", bad.shape(),
         "; both must be [N], one number a sample");
}

void check_margin(const char* loss, double margin) {
  expect(
      margin > 0 && std::isfinite(margin), "[", loss, "] the margin is ", margin,
      "; it must be above 0, for otherwise equal energies everywhere cost nothing and the energy ",
      "collapses");
}

/// [m - x]_+.
template <class T> Var<T> below(Var<T> x, double m) { return relu(-x + static_cast<T>(m)); }

}  // namespace

template <class T> Var<T> energy_loss(Var<T> good) {
  check_pair("energy loss", good, good);
  return good;
}

template <class T> Var<T> hinge_loss(Var<T> good, Var<T> bad, double margin) {
  check_pair("hinge loss", good, bad);
  check_margin("hinge loss", margin);
  return relu(good - bad + static_cast<T>(margin));
}

template <class T> Var<T> hinge_loss(Var<T> good, Var<T> bad, std::span<const double> margins) {
  check_pair("hinge loss", good, bad);
  expect(std::ssize(margins) == good.size(), "[hinge loss] ", good.size(), " samples need as many ",
         "margins, found ", margins.size());
  for (double m : margins) check_margin("hinge loss", m);
  return relu(good - bad + constant_of(good.tape(), good.shape(), margins));
}

template <class T> Var<T> log_loss(Var<T> good, Var<T> bad, double beta) {
  check_pair("log loss", good, bad);
  check_beta("log loss", beta);
  return scale(softplus(scale(good - bad, static_cast<T>(beta))), static_cast<T>(1 / beta));
}

template <class T> Var<T> lvq2_loss(Var<T> good, Var<T> bad, double cap) {
  check_pair("lvq2 loss", good, bad);
  expect(cap > 0 && std::isfinite(cap), "[lvq2 loss] the cap is ", cap, "; it must be above 0");
  // min(M, u) = M - [M - u]_+, with the derivative 0 at M as at 0.
  return -below(relu(good - bad), cap) + static_cast<T>(cap);
}

template <class T> Var<T> mce_loss(Var<T> good, Var<T> bad, double beta) {
  check_pair("mce loss", good, bad);
  check_beta("mce loss", beta);
  return sigmoid(scale(good - bad, static_cast<T>(beta)));
}

template <class T> Var<T> square_square_loss(Var<T> good, Var<T> bad, double margin) {
  check_pair("square-square loss", good, bad);
  check_margin("square-square loss", margin);
  return square(relu(good)) + square(below(bad, margin));
}

template <class T> Var<T> square_square_exact_loss(Var<T> good, Var<T> bad, double margin) {
  check_pair("square-square loss", good, bad);
  check_margin("square-square loss", margin);
  return square(good) + square(below(bad, margin));
}

template <class T> Var<T> square_exp_loss(Var<T> good, Var<T> bad, double gamma) {
  check_pair("square-exp loss", good, bad);
  expect(gamma > 0 && std::isfinite(gamma), "[square-exp loss] gamma is ", gamma,
         "; it must be above 0, for otherwise nothing is pushed up and the energy collapses");
  return square(good) + scale(exp(-bad), static_cast<T>(gamma));
}

template <class T> Var<T> simple_loss(Var<T> good, Var<T> bad, double margin) {
  check_pair("simple loss", good, bad);
  check_margin("simple loss", margin);
  return relu(good) + below(bad, margin);
}

const std::vector<PairLoss>& pair_losses() {
  using V = Var<double>;
  static const std::vector<PairLoss> all = {
      {"energy", "E", "none", true, [](V e, V) { return energy_loss(e); }},
      {"hinge", "[m + E − Ē]₊", "m", true, [](V e, V w) { return hinge_loss(e, w, 1); }},
      {"log", "log(1 + e^(E − Ē))", "> 0", true, [](V e, V w) { return log_loss(e, w); }},
      {"lvq2", "min(M, [E − Ē]₊)", "0", true, [](V e, V w) { return lvq2_loss(e, w); }},
      {"mce", "1 / (1 + e^−(E − Ē))", "> 0", true, [](V e, V w) { return mce_loss(e, w); }},
      {"square-square", "[E]₊² + [m − Ē]₊²", "m", false,
       [](V e, V w) { return square_square_loss(e, w, 1); }},
      {"square-square, exact", "E² + [m − Ē]₊²", "m", false,
       [](V e, V w) { return square_square_exact_loss(e, w, 1); }},
      {"square-exp", "E² + γ e^-Ē", "> 0", false, [](V e, V w) { return square_exp_loss(e, w); }},
      {"simple", "[E]₊ + [m − Ē]₊", "m", true, [](V e, V w) { return simple_loss(e, w, 1); }},
  };
  return all;
}

#define TALWEG_INSTANTIATE(T)                                          \
  template Var<T> energy_loss(Var<T>);                                 \
  template Var<T> hinge_loss(Var<T>, Var<T>, double);                  \
  template Var<T> hinge_loss(Var<T>, Var<T>, std::span<const double>); \
  template Var<T> log_loss(Var<T>, Var<T>, double);                    \
  template Var<T> lvq2_loss(Var<T>, Var<T>, double);                   \
  template Var<T> mce_loss(Var<T>, Var<T>, double);                    \
  template Var<T> square_square_loss(Var<T>, Var<T>, double);          \
  template Var<T> square_square_exact_loss(Var<T>, Var<T>, double);    \
  template Var<T> square_exp_loss(Var<T>, Var<T>, double);             \
  template Var<T> simple_loss(Var<T>, Var<T>, double);
TALWEG_INSTANTIATE(float)
TALWEG_INSTANTIATE(double)
#undef TALWEG_INSTANTIATE

}  // namespace talweg::ebm
