// E5: the losses of a pair on the plane of its energies, where training leads, and wrong labels.
#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/io/svg.h"
#include "core/ops/reduce.h"
#include "core/rng.h"
#include "ebm/lab/experiments.h"
#include "ebm/losses/loss_plane.h"
#include "ebm/losses/pair_losses.h"

namespace talweg::ebm::lab {
namespace {

using V = Var<double>;

struct Pair {
  double good, bad;
};

/// The library's losses; as the fault, square-square as it is sometimes printed.
PairLossFunction loss_of(const PairLoss& l, bool fault) {
  if (!fault || l.name != "square-square") return l.loss;
  return [](V e, V w) { return square(relu(e)) - square(relu(-w + 1.0)); };
}

/// `steps` of descent from `at`; every 10th place goes to `path`.
Pair descend_pair(PairLossFunction loss, Pair at, double rate, int64_t steps,
                  std::vector<Pair>* path = nullptr, double swapped = 0) {
  Tape<double> tape;
  for (int64_t step = 0; step < steps; ++step) {
    if (path && step % 10 == 0) path->push_back(at);
    TapeScope<double> scope(tape);
    const V e = tape.variable(Tensor<double>({1}, at.good));
    const V w = tape.variable(Tensor<double>({1}, at.bad));
    // A sample whose label is wrong takes the one answer for the other.
    V cost = scale(loss(e, w), 1 - swapped);
    if (swapped > 0) cost = cost + scale(loss(w, e), swapped);
    tape.backward(sum(cost));
    at.good -= rate * e.grad()[0];
    at.bad -= rate * w.grad()[0];
  }
  if (path) path->push_back(at);
  return at;
}

void margins(Findings& found, bool fault) {
  io::Table table{{"loss", "formula", "margin it keeps", "measured on the plane"}, {}, ""};
  for (const PairLoss& l : pair_losses()) {
    const double kept = kept_margin(loss_plane(loss_of(l, fault), -4, 4, 65));
    const std::string what = message(l.name, ": margin kept on the plane, m = 1");
    const std::string step = "one step of the grid, 0.125";
    if (l.margin == "m") found.measurements.push_back(within_bound(what, 1, kept, 0.125, step));
    if (l.margin == "0") found.measurements.push_back(within_bound(what, 0, kept, 0.125, step));
    if (l.margin == "> 0") {
      found.measurements.push_back(at_least(what + " (some)", 0.125, kept, 0, step));
    }
    if (l.margin == "none") {
      found.measurements.push_back(at_most(what + " (none)", -0.125, kept, 0, step));
    }
    table.rows.push_back({l.name, l.formula, l.margin, number(kept)});
  }
  table.caption =
      "The grid's E ends at 2 and its Ē at 4: a loss that falls for ever shows about 6.";
  found.tables.push_back(table);
}

/// The root of an increasing function between low and high.
template <class F> double root(F f, double low, double high) {
  for (int i = 0; i < 200; ++i) ((f((low + high) / 2) < 0) ? low : high) = (low + high) / 2;
  return (low + high) / 2;
}

void trajectories(Findings& found, bool fault) {
  constexpr double rate = 0.01, time = 8;
  constexpr int64_t steps = 800;
  const auto reach = [&](const char* name, Pair from) {
    for (const PairLoss& l : pair_losses()) {
      if (l.name == name) return descend_pair(loss_of(l, fault), from, rate, steps);
    }
    throw Error(message("[loss planes] there is no loss ", name));
  };
  const auto expect_at = [&](const char* name, Pair from, Pair there, double bound,
                             const char* why) {
    const Pair at = reach(name, from);
    const std::string start = message(name, " from (", from.good, ", ", from.bad, "), t = 8: ");
    found.measurements.push_back(within_bound(start + "E", there.good, at.good, bound, why));
    found.measurements.push_back(within_bound(start + "Ē", there.bad, at.bad, bound, why));
  };
  const Pair from{2, 0};
  const double decay = std::pow(1 - 2 * rate, static_cast<double>(steps));
  expect_at("energy", from, {2 - time, 0}, 1e-9, "rounding");
  expect_at("hinge", from, {0.5, 1.5}, rate, "one step, 0.01");
  expect_at("lvq2", from, from, 0, "no pull at all beyond the cap");
  expect_at("lvq2", {0.5, 0}, {0.25, 0.25}, rate, "one step, 0.01");
  expect_at("square-square", from, {2 * decay, 1 - decay}, 1e-9, "rounding: linear recursions");
  // Ebar' = e^-Ebar: descent is ahead of the flow by the first step at most.
  expect_at("square-exp", from, {2 * decay, std::log1p(time)}, rate, "one step, 0.01");
  expect_at("simple", from, {0, 1}, rate, "one step, 0.01");
  // D = Ebar - E: log D' = 2 / (1 + e^D), so e^D + D grows by 2 t; MCE D' = 1 / (1 + cosh D), so
  // that sinh D + D grows by t. The middle (E + Ebar) / 2 stays.
  const double log_gap =
      root([&](double d) { return std::exp(d) + d - (std::exp(-2.0) - 2.0) - 2 * time; }, -2, 20);
  expect_at("log", from, {1 - log_gap / 2, 1 + log_gap / 2}, rate,
            "one step of descent ahead of the flow, 0.02, on both");
  const double mce_gap =
      root([&](double d) { return std::sinh(d) + d - (std::sinh(-2.0) - 2.0) - time; }, -2, 20);
  // Its speed rises and falls again; the first-order error is told by halving the step.
  const PairLossFunction mce = [](V e, V w) { return mce_loss(e, w); };
  const Pair full = descend_pair(mce, from, rate, steps);
  const Pair half = descend_pair(mce, from, rate / 2, 2 * steps);
  expect_at("mce", from, {1 - mce_gap / 2, 1 + mce_gap / 2}, 3 * std::abs(full.good - half.good),
            "three times the change under half the step");
}

void wrong_labels(Findings& found, uint64_t seed, bool fault) {
  constexpr int64_t samples = 2000;
  constexpr double rate = 0.01, swapped = 0.2;
  Rng rng(seed);
  double observed = 0;
  for (int64_t i = 0; i < samples; ++i) observed += (rng.uniform() < swapped ? 1.0 : 0.0) / samples;
  const double error = std::sqrt(swapped * (1 - swapped) / samples);
  io::Table table{
      {"loss", "gap with clean labels", "predicted with 20 % wrong", "measured"}, {}, ""};
  const auto add = [&](const char* name, double clean, double predicted, double slope) {
    for (const PairLoss& l : pair_losses()) {
      if (l.name != name) continue;
      const Pair at = descend_pair(loss_of(l, fault), {0.1, 0.2}, rate, 2500, nullptr, observed);
      const double gap = at.bad - at.good;
      // |d gap / d epsilon| times the error of the observed share, and the step of descent.
      found.measurements.push_back(within_bound(
          message(name, ": gap with 20 % of the labels wrong"), predicted, gap,
          4 * slope * error + 2 * rate, "4 standard errors of the share, and one step"));
      table.rows.push_back(
          {name, std::isinf(clean) ? "grows" : number(clean), number(predicted), number(gap)});
    }
  };
  add("hinge", 1, 1, 0);
  add("simple", 1, 1, 0);
  add("square-square", 1, 1 - 2 * swapped, 2);
  add("square-square, exact", 1, 1 - 2 * swapped, 2);
  add("log", INFINITY, std::log((1 - swapped) / swapped), 1 / (swapped * (1 - swapped)));
  table.caption =
      "One pair of energies seen by 2,000 samples, a fifth of which take the one for the other.";
  found.tables.push_back(table);
}

/// One panel: minus the gradient as arrows, the border Ebar = E + 1, and paths of descent.
void draw_panel(io::Svg& svg, double left, double top, const PairLoss& l, bool fault) {
  constexpr double size = 200, low = -2, high = 3;
  const auto px = [&](double good) { return left + (good - low) / (high - low) * size; };
  const auto py = [&](double bad) { return top + size - (bad - low) / (high - low) * size; };
  svg.text(left, top - 8, l.name, {.size = 12, .bold = true});
  svg.rect(left, top, size, size, "currentColor", 0.04);
  svg.open_clip(left, top, size, size);
  svg.line(px(low), py(low + 1), px(high - 1), py(high),
           {.width = 1, .opacity = 0.5, .dashed = true});
  const LossPlane plane = loss_plane(loss_of(l, fault), low + 0.25, high - 0.25, 10);
  for (std::size_t i = 0; i < 10; ++i) {
    for (std::size_t j = 0; j < 10; ++j) {
      const double u = -plane.d_good[i * 10 + j], v = -plane.d_bad[i * 10 + j];
      const double length = std::hypot(u, v);
      if (length < 1e-9) continue;
      const double reach = 0.36 * std::min(1.0, 0.35 + 0.2 * length) / length;  // in energies
      const double x = plane.at[i], y = plane.at[j];
      svg.line(px(x), py(y), px(x + reach * u), py(y + reach * v), {.opacity = 0.6});
      svg.circle(px(x + reach * u), py(y + reach * v), 1.6, "currentColor");
    }
  }
  std::size_t color = 0;
  for (const Pair from : {Pair{2, 0}, Pair{2.5, 2}, Pair{-1, -1.5}, Pair{0.5, 0}}) {
    std::vector<Pair> path;
    descend_pair(loss_of(l, fault), from, 0.02, 400, &path);
    io::Svg::Points points;
    for (const Pair& p : path) points.emplace_back(px(p.good), py(p.bad));
    svg.polyline(points, {.color = io::series_color(color), .width = 2});
    svg.circle(points.front().first, points.front().second, 3, io::series_color(color++));
  }
  svg.close_clip();
  svg.text(left + size / 2, top + size + 14, "E", {.size = 11, .anchor = io::Svg::Anchor::kMiddle});
  svg.text(left - 6, top + size / 2, "Ē", {.size = 11, .anchor = io::Svg::Anchor::kEnd});
}

Findings run(const RunOptions& options) {
  Findings found;
  io::Svg svg(720, 780, "Gradient maps of nine losses on the plane of right and wrong energies");
  for (std::size_t i = 0; i < pair_losses().size(); ++i) {
    const std::size_t row = i / 3, col = i % 3;
    draw_panel(svg, 24.0 + 238.0 * static_cast<double>(col),
               24.0 + 256.0 * static_cast<double>(row), pair_losses()[i], options.fault);
  }
  found.figures.push_back({svg.str(),
                           "Where each loss pulls (arrows), and four descents. E, the "
                           "right answer's energy, to the right; Ē upwards; dashed: "
                           "Ē = E + 1. Relative losses move across the dashed line, "
                           "absolute ones towards E = 0 and Ē = 1."});
  margins(found, options.fault);
  trajectories(found, options.fault);
  wrong_labels(found, options.seed, options.fault);
  found.remarks = {
      "Hinge and log see the difference of the two energies alone; simple and square-square ask "
      "for "
      "levels, each energy on its own.",
      "Simple's pull has a constant size, square-square's grows with the violation and fades at "
      "the "
      "border: with a fifth of the labels wrong the one still ends at the full margin, the other "
      "at "
      "m (1 - 2 ε).",
      "Log never rests; with clean labels its gap grows for ever, with wrong ones it is the log "
      "odds."};
  return found;
}

}  // namespace

Experiment loss_planes() {
  return {
      "E5",
      "loss-planes",
      "What each loss teaches a pair of energies",
      "Which losses keep a margin, where do they lead from a wrong order, when do they rest, and "
      "what do wrong labels do to them?",
      "Nine losses with m, β, M and γ 1. The margin kept is measured on a grid of (E, "
      "Ē) by LeCun et al. 2006's condition 3. Descent from E = 2, Ē = 0 has a closed form "
      "for each. With a share ε of the labels wrong the optimal gap is m for hinge and "
      "simple, m (1 - 2 ε) for square-square, log((1 - ε)/ε) for log.",
      "square-square with the minus it sometimes is printed with",
      run};
}

}  // namespace talweg::ebm::lab
