// Losses of a pair: E the energy of the right answer, which training should make low, and Ebar that
// of a wrong one, the most offending wrong answer or a sampled one (ebm/losses/negatives.h).
//
// Each function maps E[N] and Ebar[N] to a loss a sample, [N]; take mean() of it. Each says its
// gradient and for which pairs it is content. "Keeps a margin m" means that some pair with E + m <
// Ebar costs less than every pair with E + m >= Ebar, the condition under which minimising the loss
// makes arg min_y F(y) right (LeCun et al. 2006, condition 2); the tests check each claim on a grid
// of the (E, Ebar) plane, whence a margin of 0 or "none" is a measured fact, too.
//
//   relative losses see Ebar - E alone: hinge, log, LVQ2, MCE; over all labels NLL, perceptron
//   absolute losses see E and Ebar apart: square-square, square-exp, simple
//
// [u]_+ = max(u, 0) has the derivative 1 where u > 0 and 0 where u <= 0; at u = 0 that is a choice.
// Sources: LeCun et al. 2006, "A Tutorial on Energy-Based Learning", table 1 and section 2.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/tape.h"

namespace talweg::ebm {

/// loss = E. Pushes down the right answer and nothing up. dE: 1. Keeps no margin: whether it
/// collapses depends on the architecture alone (|y - g(x)|^2 cannot, |f(x) - g(y)|^2 does).
template <class T> Var<T> energy_loss(Var<T> good);

/// loss = [m + E - Ebar]_+. Content where Ebar >= E + m; keeps the margin m. dE: 1 and dEbar: -1
/// while it is not, else 0. Throws Error unless m > 0: with m <= 0 equal energies everywhere cost
/// nothing, and that is what training would find.
template <class T> Var<T> hinge_loss(Var<T> good, Var<T> bad, double margin);
/// The same with a margin for each sample, m(y, ybar): the distance of two answers, for example.
/// Every one must be above 0; a wrong answer at distance 0 is no wrong answer.
template <class T> Var<T> hinge_loss(Var<T> good, Var<T> bad, std::span<const double> margins);

/// loss = (1/beta) log(1 + e^{beta (E - Ebar)}): a hinge made soft, which never is content. It is
/// the NLL of two labels, over beta, and within log 2 / beta of [E - Ebar]_+. Keeps a margin above
/// 0, for it always falls. dE: sigmoid(beta (E - Ebar)), dEbar: minus that. Throws unless 0 < beta
/// < oo.
template <class T> Var<T> log_loss(Var<T> good, Var<T> bad, double beta = 1);

/// loss = min(M, [E - Ebar]_+). Content where Ebar >= E, so it keeps a margin of 0 only. Bounded: a
/// mislabelled sample costs M and moves nothing (dE: 1 and dEbar: -1 where 0 < E - Ebar < M, else
/// 0). Throws unless M > 0. Source: LeCun et al. 2006, table 1, after Kohonen's LVQ2.
template <class T> Var<T> lvq2_loss(Var<T> good, Var<T> bad, double cap = 1);

/// loss = sigmoid(beta (E - Ebar)): a smooth count of errors. Keeps a margin above 0. Bounded, so
/// its gradient beta s (1 - s), s the loss, vanishes where the sample is badly wrong as where it is
/// well right. Throws unless 0 < beta < oo. Source: Juang, Hou and Lee 1997, with the smooth step.
template <class T> Var<T> mce_loss(Var<T> good, Var<T> bad, double beta = 1);

/// loss = [E]_+^2 + [m - Ebar]_+^2: wants E <= 0 and Ebar >= m, each on its own; keeps the margin
/// m. dE: 2 [E]_+, dEbar: -2 [m - Ebar]_+. The pull grows with the violation, so that outliers and
/// wrong labels rule, and fades at the border. Throws unless m > 0.
///
/// A warning: in print the sign before the second term of table 1 in LeCun et al. 2006 is a minus.
/// That loss is lowest where Ebar is far below m: it teaches wrong answers a low energy.
template <class T> Var<T> square_square_loss(Var<T> good, Var<T> bad, double margin);
/// The same with E^2 for [E]_+^2: wants E = 0 exactly. For energies that cannot be negative the two
/// agree. dE: 2 E. This is the form of table 1, with the plus.
template <class T> Var<T> square_square_exact_loss(Var<T> good, Var<T> bad, double margin);

/// loss = E^2 + gamma e^{-Ebar}: wants E = 0 and pushes every Ebar up, the less the higher it is.
/// dE: 2 E, dEbar: -gamma e^{-Ebar}. Keeps a margin above 0. Throws unless gamma > 0. Source:
/// Osadchy et al. 2005, through LeCun et al. 2006, table 1.
template <class T> Var<T> square_exp_loss(Var<T> good, Var<T> bad, double gamma = 1);

/// loss = [E]_+ + [m - Ebar]_+: wants E <= 0 and Ebar >= m, each on its own, with a pull of
/// constant size: the robust one of the absolute losses. dE: 1 where E > 0, dEbar: -1 where Ebar <
/// m. Keeps the margin m. Throws unless m > 0.
template <class T> Var<T> simple_loss(Var<T> good, Var<T> bad, double margin);

/// One line of the table of losses: a pair's loss by name, for tests, benches and the laboratory.
struct PairLoss {
  std::string name, formula;
  /// What it keeps: m means the given margin, 0 and "none" are less, "> 0" some margin of its own.
  std::string margin;
  bool bounded;  ///< whatever the violation, does a pull stay below some number?
  Var<double> (*loss)(Var<double> good, Var<double> bad);  ///< with m, beta, M and gamma 1
};

/// The losses above, in their order.
const std::vector<PairLoss>& pair_losses();

}  // namespace talweg::ebm
