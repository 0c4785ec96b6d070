// E2: the NLL of a continuous y drives a cliff into the energy, and what cures it.
#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/io/svg.h"
#include "core/ops/reduce.h"
#include "core/ops/shape_ops.h"
#include "ebm/gibbs.h"
#include "ebm/lab/experiments.h"
#include "ebm/lab/table_training.h"
#include "ebm/losses/label_losses.h"
#include "ebm/losses/pair_losses.h"
#include "ebm/minima.h"

namespace talweg::ebm::lab {
namespace {

using V = Var<double>;

constexpr double kRate = 0.1;

/// y in [0, 1] on a grid of step h; the datum is the middle.
struct Grid {
  int64_t places;
  double h() const { return 1.0 / static_cast<double>(places - 1); }
  int32_t datum() const { return static_cast<int32_t>(places / 2); }
  double y(int64_t i) const { return static_cast<double>(i) * h(); }
};

io::Series profile(std::string name, const Grid& grid, const Tensor<double>& f) {
  io::Series s{.name = std::move(name)};
  const double least = *std::min_element(f.data(), f.data() + f.size());
  for (int64_t i = 0; i < grid.places; ++i) {
    s.x.push_back(grid.y(i));
    s.y.push_back(f[i] - least);
  }
  return s;
}

/// (lambda/2) times the integral of |F'|^2, by the differences of neighbours.
V smoothness(V f, const Grid& grid, double lambda) {
  const V step = slice(f, 1, 1, grid.places - 1) - slice(f, 1, 0, grid.places - 1);
  return scale(sum(square(step), -1), lambda / (2 * grid.h()));
}

void plain_nll(Findings& found) {
  io::LineChart chart{.title = "Plain NLL: the slope beside the datum",
                      .x_label = "log10 of the steps",
                      .y_label = "slope"};
  constexpr int64_t steps = 20000;
  for (const int64_t places : {26, 51, 101}) {
    const Grid grid{places};
    const std::vector<int32_t> datum{grid.datum()};
    Tensor<double> f({1, places});
    io::Series line{.name = message("grid step ", number(grid.h()))};
    const auto slope = [&](const Tensor<double>& now) {
      return (now[grid.datum() + 1] - now[grid.datum()]) / grid.h();
    };
    train_table(
        f, [&](V leaf) { return nll_loss(leaf, datum, 1, NllUnit::energy); }, steps, kRate,
        [&](int64_t step, const Tensor<double>& now) {
          if ((step & (step - 1)) != 0) return;
          line.x.push_back(std::log10(static_cast<double>(step)));
          line.y.push_back(slope(now));
        });
    chart.series.push_back(line);
    found.measurements.push_back(
        within_bound(message("plain NLL, slope after ", steps, " steps, h = ", number(grid.h())),
                     nll_gap(1, places, kRate * steps) / grid.h(), slope(f), kRate / grid.h(),
                     "one step of descent ahead of the flow, 0.1 / h"));
  }
  found.figures.push_back({draw(chart),
                           "The gap to a neighbour grows like log t however near the "
                           "neighbour, so the slope goes like (log t)/h."});
}

void with_penalty(Findings& found, bool fault) {
  const Grid grid{51};
  const std::vector<int32_t> datum{grid.datum()};
  io::LineChart chart{.title = "NLL with (λ/2) of the integral of F'²",
                      .x_label = "y",
                      .y_label = "F(y) minus its minimum"};
  for (const double lambda : {1.0, 0.3, 0.1, 0.03}) {
    // The level is free under both terms; the mean's square pins it and moves nothing else.
    const Energy<double> loss = [=](const Arguments<double>& at) {
      const V pin = square(mean(at.y, 1));
      const double weight = fault ? 2 * lambda : lambda;  // the fault: the 1/2 is forgotten
      return nll_loss(at.y, datum) + smoothness(at.y, grid, weight) + pin;
    };
    const Minima lowest =
        all_minima(loss, Tensor<double>({1, grid.places}),
                   {.descent = {.first_step = 1e-3, .max_steps = 3000}, .flat = 1e-12});
    expect(lowest.minima.size() == 1, "[cliffs] the penalised loss found ", lowest.minima.size(),
           " minima");
    const std::vector<double>& f = lowest.minima[0].y;
    const auto d = static_cast<std::size_t>(grid.datum());
    const double kink = (f[d + 1] - 2 * f[d] + f[d - 1]) / grid.h();
    const double p = gibbs(f, 1).probability[d];
    found.measurements.push_back(within_bound(
        message("with a penalty, jump of the slope at the datum, (1 - p)/λ, λ = ", lambda),
        (1 - p) / lambda, kink, 1e-6 / lambda, "gradient left at the minimum, 1e-6"));
    chart.series.push_back(
        profile(message("λ = ", lambda), grid, Tensor<double>({grid.places}, f)));
  }
  found.figures.push_back({draw(chart),
                           "A gradient penalty leaves a kink of bounded slope, (1 - "
                           "p)/λ, in place of the cliff."});
}

void with_margins(Findings& found) {
  constexpr double margin = 1;
  io::Table table{{"grid step", "fixed margin: gap", "slope", "distance margin: slope"}, {}, ""};
  for (const int64_t places : {26, 51, 101}) {
    const Grid grid{places};
    const int64_t d = grid.datum();
    std::vector<int32_t> wrong;
    std::vector<double> distance;
    for (int64_t i = 0; i < places; ++i) {
      if (i == d) continue;
      wrong.push_back(static_cast<int32_t>(i));
      distance.push_back(std::abs(grid.y(i) - grid.y(d)));
    }
    const auto train = [&](bool by_distance) {
      Tensor<double> f({1, places});
      const double rate = 0.2 * grid.h();
      train_table(
          f,
          [&](V leaf) {
            const V bad = gather(leaf, wrong, {places - 1});
            const V good =
                gather(leaf, std::vector<int32_t>(wrong.size(), int32_t(d)), {places - 1});
            return by_distance ? hinge_loss(good, bad, distance) : hinge_loss(good, bad, margin);
          },
          static_cast<int64_t>(2 * margin / rate), rate);
      return f[d + 1] - f[d];
    };
    // The datum is pulled down by all neighbours at once and each is pushed up by its own term: one
    // step changes a gap by (places - 1 + 1) rate, which is how far it may run past the margin.
    const double overshoot = 0.2 * grid.h() * static_cast<double>(places);
    const double gap = train(false), near = train(true);
    table.rows.push_back(
        {number(grid.h()), number(gap), number(gap / grid.h()), number(near / grid.h())});
    found.measurements.push_back(
        at_least(message("fixed margin 1, gap to the neighbour, h = ", number(grid.h())), margin,
                 gap, 1e-9, "rounding: the loss is 0"));
    found.measurements.push_back(
        at_most(message("fixed margin 1, gap to the neighbour stays, h = ", number(grid.h())),
                margin, gap, overshoot, "one step of descent past the margin"));
    found.measurements.push_back(
        at_least(message("fixed margin 1, slope with zero loss, 1/h, h = ", number(grid.h())),
                 margin / grid.h(), gap / grid.h(), 1e-6, "rounding"));
    // A cliff of slope 100 costs nothing under the distance margin either.
    Tape<double> tape;
    std::vector<double> steep;
    for (double s : distance) steep.push_back(100 * s);
    const Tensor<double> high({places - 1}, steep);
    const V cost = sum(hinge_loss(tape.full({places - 1}, 0.0), tape.constant(high), distance));
    found.measurements.push_back(within_bound(
        message("distance margin, loss of an energy of slope 100, h = ", number(grid.h())), 0,
        cost.item(), 1e-12, "rounding"));
  }
  table.caption = "Hinge losses against every other place of the grid, trained to zero loss.";
  found.tables.push_back(table);
}

Findings run(const RunOptions& options) {
  Findings found;
  plain_nll(found);
  with_penalty(found, options.fault);
  with_margins(found);
  found.remarks = {
      "Nothing in the NLL knows that two answers are near: each wrong one is pushed up on its own.",
      "A gradient penalty bounds the slope. A fixed margin bounds the gap and not the slope: over "
      "a "
      "fine grid it is a cliff with zero loss.",
      "A margin that is the distance of the answers admits an energy of slope 1, but does not ask "
      "for "
      "one: steeper costs nothing."};
  return found;
}

}  // namespace

Experiment cliffs() {
  return {
      "E2",
      "cliffs",
      "Cliffs under the NLL of a continuous y",
      "Why does the NLL drive the gap between the right answer and its nearest neighbour up "
      "without end, and what cures it: a gradient penalty, a margin, a margin that is a distance?",
      "y in [0, 1] on grids of step h = 0.04, 0.02, 0.01, one datum in the middle, one number an "
      "energy. Plain descent on the NLL has a closed form (that of E3 with 1/h + 1 labels). With "
      "the penalty the minimum is found to a gradient of 1e-8; there λ F'' = delta - p, so "
      "that the slope jumps by (1 - p)/λ at the datum, p the mass of its cell.",
      "the penalty without its factor 1/2, which doubles λ",
      run};
}

}  // namespace talweg::ebm::lab
