#include "ebm/inference.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/ops/reduce.h"

namespace talweg::ebm {
namespace {

constexpr int kMostTrials = 60;  // halvings of a step: 2^-60 of anything is nothing

/// The variables that move, as the leading columns of one matrix: y's row, then z's.
template <class T> class Problem {
 public:
  Problem(const Energy<T>& energy, const Start<T>& start, Over over)
      : energy_(energy), start_(start), moves_y_(over != Over::z), moves_z_(over != Over::y) {
    expect(start.y.shape().rank() >= 1, "[descend] y must be [N, ...]");
    expect(!moves_z_ || start.z.size() > 0,
           "[descend] z is to move but has no elements; give it a ", "place to begin");
    rows_ = start.y.shape()[0];
    width_y_ = moves_y_ && rows_ > 0 ? start.y.size() / rows_ : 0;
    width_z_ = moves_z_ && rows_ > 0 ? start.z.size() / rows_ : 0;
  }

  int64_t rows() const { return rows_; }
  int64_t width() const { return width_y_ + width_z_; }

  std::vector<double> begin() const {
    std::vector<double> u(static_cast<std::size_t>(rows_ * width()));
    for (int64_t r = 0; r < rows_; ++r) {
      std::copy_n(start_.y.data() + r * width_y_, width_y_, u.data() + r * width());
      std::copy_n(start_.z.data() + r * width_z_, width_z_, u.data() + r * width() + width_y_);
    }
    return u;
  }

  Tensor<T> y_at(const std::vector<double>& u) const { return moved(start_.y, u, 0, width_y_); }
  Tensor<T> z_at(const std::vector<double>& u) const {
    return moved(start_.z, u, width_y_, width_z_);
  }

  /// E and its gradient at u, row by row.
  void evaluate(const std::vector<double>& u, std::vector<double>& e, std::vector<double>& g) {
    TapeScope<T> scope(tape_);
    const Tensor<T> y = y_at(u), z = z_at(u);
    Arguments<T> at{tape_.borrow(y, moves_y_)};
    if (start_.x.size() > 0) at.x = tape_.borrow(start_.x, false);
    if (z.size() > 0) at.z = tape_.borrow(z, moves_z_);
    const Var<T> value = energy_(at);
    std::vector<Var<T>> moving;
    if (moves_y_) moving.push_back(at.y);
    if (moves_z_) moving.push_back(at.z);
    const std::vector<Var<T>> slopes = tape_.grad(sum(value), moving);
    e.assign(value.values().begin(), value.values().end());
    g.resize(u.size());
    for (int64_t r = 0; r < rows_; ++r) {
      double* row = g.data() + r * width();
      if (moves_y_) std::copy_n(slopes[0].data() + r * width_y_, width_y_, row);
      if (moves_z_) std::copy_n(slopes.back().data() + r * width_z_, width_z_, row + width_y_);
    }
  }

 private:
  /// `start` with the columns [first, first + width) of u in its rows, if it moves at all.
  Tensor<T> moved(const Tensor<T>& start, const std::vector<double>& u, int64_t first,
                  int64_t columns) const {
    Tensor<T> to = start;
    for (int64_t r = 0; r < rows_; ++r) {
      const double* row = u.data() + r * width() + first;
      for (int64_t i = 0; i < columns; ++i) to[r * columns + i] = static_cast<T>(row[i]);
    }
    return to;
  }

  const Energy<T>& energy_;
  const Start<T>& start_;
  bool moves_y_, moves_z_;
  int64_t rows_ = 0, width_y_ = 0, width_z_ = 0;
  Tape<T> tape_;
};

double dot(const double* a, const double* b, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

/// One row's search for a step along -gradient.
struct RowSearch {
  bool resting = false, searching = false;
  double step = 0, low = 0, high = std::numeric_limits<double>::infinity();
  int trials = 0, steps = 0;
};

/// What is known of a trial: energies and slopes before and after, along the direction -g.
struct Trial {
  double before, after;         // E
  double square, square_after;  // |g|^2
  double slope_after;           // -g . g_after, the slope at the trial's end
};

/// Is the trial's step good? If not, changes search.step to the next one to try.
bool accept(const DescentOptions& o, const Trial& t, double epsilon, RowSearch& search) {
  if (o.line_search == LineSearch::fixed) return true;
  const bool falls = t.after <= t.before - o.sufficient * search.step * t.square;
  const bool hidden = t.after <= t.before + 4 * epsilon * std::abs(t.before) &&
                      t.square_after <= t.square;  // the fall is below rounding
  if (!falls && !hidden) {                         // also where E or the gradient is not finite
    search.high = search.step;
    search.step = (search.low + search.high) / 2;
    return false;
  }
  const bool risen = t.slope_after >= -o.curvature * t.square;
  if (o.line_search == LineSearch::armijo || risen || !falls) return true;
  search.low = search.step;
  search.step = std::isinf(search.high) ? 2 * search.step : (search.low + search.high) / 2;
  return false;
}

void check_options(const DescentOptions& o) {
  expect(o.first_step > 0 && std::isfinite(o.first_step), "[descend] the first step is ",
         o.first_step, "; it must be above 0");
  expect(0 < o.sufficient && o.sufficient < o.curvature && o.curvature < 1, "[descend] needs 0 < ",
         "sufficient < curvature < 1, found ", o.sufficient, " and ", o.curvature);
  expect(o.max_steps >= 0 && o.tolerance >= 0, "[descend] max_steps ", o.max_steps,
         " and tolerance ", o.tolerance, " must not be negative");
}

}  // namespace

template <class T> std::vector<int32_t> lowest_labels(Var<T> f) {
  expect(f.shape().rank() == 2, "[lowest_labels] energies must be [N,K], found ", f.shape());
  return argmax(-f, 1);
}

template <class T> bool Descent<T>::all_converged() const {
  return std::all_of(converged.begin(), converged.end(), [](bool c) { return c; });
}

template <class T>
Descent<T> descend(const Energy<T>& energy, const Start<T>& start, Over over,
                   const DescentOptions& options) {
  check_options(options);
  constexpr double epsilon = std::numeric_limits<T>::epsilon();
  Problem<T> problem(energy, start, over);
  const int64_t rows = problem.rows(), width = problem.width();
  std::vector<double> u = problem.begin(), e, g, next_u = u, next_e, next_g;
  problem.evaluate(u, e, g);
  for (int64_t r = 0; r < rows; ++r) {
    expect(std::isfinite(e[std::size_t(r)]), "[descend] the energy at the start of row ", r, " is ",
           e[std::size_t(r)], "; begin where it is finite");
  }
  std::vector<RowSearch> search(static_cast<std::size_t>(rows));
  for (RowSearch& s : search) s.step = options.first_step;

  for (bool moving = true; moving;) {
    moving = false;
    for (int64_t r = 0; r < rows; ++r) {  // lay out the next trial of each row
      RowSearch& s = search[std::size_t(r)];
      const double norm = std::sqrt(dot(&g[r * width], &g[r * width], width));
      if (!s.searching) {
        s.resting = s.resting || !(norm > options.tolerance) || s.steps >= options.max_steps;
        s.low = 0;
        s.high = std::numeric_limits<double>::infinity();
        s.trials = 0;
      }
      for (int64_t i = r * width; i < (r + 1) * width; ++i) {
        next_u[i] = s.resting ? u[i] : u[i] - s.step * g[i];
      }
      s.searching = !s.resting;
      moving = moving || s.searching;
    }
    if (!moving) break;
    problem.evaluate(next_u, next_e, next_g);
    for (int64_t r = 0; r < rows; ++r) {
      RowSearch& s = search[std::size_t(r)];
      if (!s.searching) continue;
      double *gr = &g[r * width], *ngr = &next_g[r * width];
      const Trial trial{e[r], next_e[r], dot(gr, gr, width), dot(ngr, ngr, width),
                        -dot(gr, ngr, width)};
      const double step = s.step;
      if (!accept(options, trial, epsilon, s)) {
        s.resting = ++s.trials >= kMostTrials;  // no step helps: as low as this arithmetic gets
        s.searching = !s.resting;
        continue;
      }
      // Barzilai and Borwein: the step that a quadratic with the curvature just seen would want.
      const double change = trial.square + trial.slope_after;  // g . (g - g_after)
      if (options.line_search != LineSearch::fixed) {
        s.step = change > 0 ? step * trial.square / change : 2 * step;
      }
      std::copy_n(&next_u[r * width], width, &u[r * width]);
      std::copy_n(ngr, width, gr);
      e[r] = next_e[r];
      ++s.steps;
      s.searching = false;
    }
  }

  Descent<T> found{problem.y_at(u), problem.z_at(u), e, {}, {}, {}};
  for (int64_t r = 0; r < rows; ++r) {
    const double norm = std::sqrt(dot(&g[r * width], &g[r * width], width));
    found.gradient_norm.push_back(norm);
    found.steps.push_back(search[std::size_t(r)].steps);
    found.converged.push_back(norm <= options.tolerance);
  }
  return found;
}

#define TALWEG_INSTANTIATE(T)                          \
  template std::vector<int32_t> lowest_labels(Var<T>); \
  template struct Descent<T>;                          \
  template Descent<T> descend(const Energy<T>&, const Start<T>&, Over, const DescentOptions&);
TALWEG_INSTANTIATE(float)
TALWEG_INSTANTIATE(double)
#undef TALWEG_INSTANTIATE

}  // namespace talweg::ebm
