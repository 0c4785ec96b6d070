#include "core/study/grad_why.h"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace talweg {
namespace {

template <class T> int64_t nonzeros(std::span<const T> values) {
  return std::ranges::count_if(values, [](T v) { return v != 0; });
}
template <class T> int64_t nonzeros(Var<T> v) { return nonzeros(std::span<const T>(v.values())); }

template <class T, class Test> int64_t count(Var<T> v, Test test) {
  return std::ranges::count_if(v.values(), test);
}

std::string of(int64_t some, int64_t all) { return message(some, " of ", all, " elements"); }

bool any_of(std::string_view op, std::initializer_list<std::string_view> names) {
  return std::ranges::find(names, op) != names.end();
}

bool is_relu(std::string_view op) {
  return any_of(op, {"relu", "relu_", "mask_positive", "conv_bias_relu", "conv_bias_relu_pool"});
}

/// What each rule on the way was given and gave: the pass of the second question.
template <class T> class Flow : public TapeObserver<T> {
 public:
  struct Step {
    int32_t from, to;     ///< the op whose rule ran; the input that received
    int64_t given, gave;  ///< elements that are not zero
    int64_t given_size, size;
  };
  explicit Flow(Tape<T>& tape) : tape_(tape), before_(tape.observe(this)) {}
  ~Flow() override { tape_.observe(before_); }

  void passing(Var<T>, Var<T> dy) override {
    if (passes_ == 1) given_ = nonzeros(dy), given_size_ = dy.size();
  }
  void ran(Var<T> y, Var<T> x, Var<T> dx) override {
    if (passes_ == 1)
      steps.push_back({y.index(), x.index(), given_, nonzeros(dx), given_size_, dx.size()});
  }
  void began(Var<T>) override { ++passes_; }
  void ended() override { --passes_; }

  std::vector<Step> steps;  // from y to x

 private:
  Tape<T>& tape_;
  TapeObserver<T>* before_;
  int passes_ = 0;
  int64_t given_ = 0, given_size_ = 0;
};

template <class T> class Explanation {
 public:
  Explanation(const TapeLog<T>& log, Var<T> y, Var<T> x)
      : log_(log), tape_(y.tape()), y_(y), x_(x), way_(log.name(y) + " to " + log.name(x)) {
    expect(&log.tape() == &tape_ && &x.tape() == &tape_, "[grad_why] the log, the output and the ",
           "input must be of one tape");
  }

  GradWhy find() {
    leads_to_y_ = mark_back();
    if (x_.index() > y_.index() || !leads_to_y_[at(x_.index())]) return not_reached();
    if (!x_.needs_grad() && y_.index() != x_.index()) return constant();
    if (!x_.needs_grad()) return constant();
    const std::vector<char> carried = mark_forward();
    if (!carried[at(y_.index())]) return first_cut(carried);
    return numbers();
  }

 private:
  static std::size_t at(int32_t i) { return std::size_t(i); }

  GradWhy answer(GradBlock block, int32_t node, const std::string& text) const {
    const SourceLine line = node < 0 ? SourceLine() : log_.line(tape_.at(at(node)));
    return {block, text, node, line};
  }
  std::string name(int32_t node) const { return log_.name(tape_.at(at(node))); }
  const std::vector<typename TapeLog<T>::Input>& inputs(int32_t node) const {
    static const std::vector<typename TapeLog<T>::Input> kNone;
    const auto* entry = log_.find(node);
    return entry ? entry->inputs : kNone;
  }

  /// Which nodes y was computed from, by recorded edges or not.
  std::vector<char> mark_back() const {
    std::vector<char> marked(at(y_.index()) + 1, 0);
    marked[at(y_.index())] = 1;
    for (int32_t i = y_.index(); i >= 0; --i) {
      if (!marked[at(i)]) continue;
      for (const auto& in : inputs(i)) marked[at(in.node)] = 1;
    }
    return marked;
  }

  /// Which nodes a gradient could reach x from.
  std::vector<char> mark_forward() const {
    std::vector<char> marked(at(y_.index()) + 1, 0);
    marked[at(x_.index())] = 1;
    for (int32_t i = x_.index() + 1; i <= y_.index(); ++i) {
      for (const auto& in : inputs(i)) marked[at(i)] |= char(in.recorded && marked[at(in.node)]);
    }
    return marked;
  }

  GradWhy not_reached() const {
    // An op without any rule does not tell what it read.
    for (int32_t i = x_.index() + 1; i <= y_.index(); ++i) {
      const char* op = tape_.at(at(i)).op();
      if (leads_to_y_[at(i)] && log_.find(i) && any_of(op, {"sign", "greater_equal"})) {
        return answer(
            GradBlock::no_rule, i,
            message("no gradient flows from ", way_, ": ", name(i), " is constant almost ",
                    "everywhere and hands none on; use a function with a slope, such as ", "tanh"));
      }
    }
    std::string readers;
    for (int64_t i = x_.index() + 1; i < tape_.node_count() && readers.empty(); ++i) {
      for (const auto& in : inputs(int32_t(i))) {
        if (in.node == x_.index()) readers = name(int32_t(i));
      }
    }
    return answer(GradBlock::not_reached, -1,
                  message("no gradient flows from ", way_, ": ",
                          readers.empty() ? std::string("nothing reads it")
                                          : "it is read, first by " + readers +
                                                ", but never on the way to the output",
                          "; compute the output from it"));
  }

  GradWhy constant() const {
    const bool leaf = inputs(x_.index()).empty();
    const auto* entry = log_.find(x_.index());
    if (!leaf && entry && !entry->recording) return under_no_grad(x_.index());
    if (std::string_view(x_.op()) == "detach") return detached(x_.index());
    return answer(GradBlock::constant, x_.index(),
                  message("no gradient flows from ", way_, ": the input needs none, ",
                          leaf ? "as a leaf that was made a constant; make it with variable() or "
                                 "borrow(value, true)"
                               : "as it was made from constants only; make their leaves with "
                                 "variable()"));
  }

  GradWhy detached(int32_t node) const {
    return answer(GradBlock::detached, node,
                  message("no gradient flows from ", way_, ": ", name(node), " cuts it off; leave ",
                          "detach() out, or ask for the gradient at what it gave"));
  }
  GradWhy under_no_grad(int32_t node) const {
    return answer(GradBlock::no_grad, node,
                  message("no gradient flows from ", way_, ": ", name(node), " was made while ",
                          "recording was off; end the NoGrad before it"));
  }

  /// The first read on the way to y that no rule leads back over.
  GradWhy first_cut(const std::vector<char>& carried) const {
    for (int32_t i = x_.index() + 1; i <= y_.index(); ++i) {
      if (!leads_to_y_[at(i)] || carried[at(i)]) continue;
      const bool cut = std::ranges::any_of(
          inputs(i), [&](const auto& in) { return !in.recorded && carried[at(in.node)]; });
      if (!cut) continue;
      if (std::string_view(tape_.at(at(i)).op()) == "detach") return detached(i);
      if (!log_.find(i)->recording) return under_no_grad(i);
      return answer(GradBlock::no_rule, i,
                    message("no gradient flows from ", way_, ": ", name(i),
                            " reads it as a constant; use an op with a rule for it"));
    }
    return answer(GradBlock::not_reached, -1, message("no gradient flows from ", way_));
  }

  // --- the second question ---

  GradWhy numbers() {
    const Flow<T> flow = run();
    const std::span<const T> g = gradient_.values();
    if (std::ranges::any_of(g, [](T v) { return !std::isfinite(v); })) {
      return answer(GradBlock::not_finite, x_.index(),
                    message("the gradient from ", way_, " is not finite; attach Anomaly, which ",
                            "names the op that made it so"));
    }
    if (nonzeros(g) > 0 || g.empty()) return fine(g, flow);
    bool arrived = false;
    for (const auto& s : flow.steps) arrived = arrived || (s.to == x_.index() && s.gave > 0);
    if (arrived) {
      return answer(GradBlock::cancelled, x_.index(),
                    message("the gradient from ", way_, " is exactly 0: what arrives over several ",
                            "edges adds up to zero"));
    }
    // The last rule, on the way from y, that was given something: its edge blocks. Of several, the
    // one nearest to y.
    for (const auto& s : flow.steps) {
      if (s.given == 0 || s.gave > 0) continue;
      const auto [block, how] = cause(s);
      return answer(block, s.from,
                    message("the gradient from ", way_, " is exactly 0: ", name(s.from), " ", how));
    }
    return answer(GradBlock::zero, -1, message("the gradient from ", way_, " is exactly 0"));
  }

  /// The gradient of y's sum, with what happened on the way.
  Flow<T> run() {
    Flow<T> flow(tape_);
    const std::array xs{x_};
    Tensor<T> ones(y_.shape(), T(1));
    const TapeScope<T> scope(tape_);
    const Var<T> cotangent = tape_.constant(ones);
    gradient_ = tape_.grad(y_, xs, false, cotangent)[0].to_tensor();
    return flow;
  }

  GradWhy fine(std::span<const T> g, const Flow<T>& flow) const {
    T largest = 0;
    double squares = 0;
    for (T v : g) largest = std::max(largest, std::abs(v)), squares += double(v) * double(v);
    std::string text =
        message("the gradient from ", way_, " is there: norm ", std::sqrt(squares), ", largest ",
                largest, ", not zero at ", of(nonzeros(g), std::ssize(g)));
    // Who lets fewest through?
    const typename Flow<T>::Step* narrowest = nullptr;
    double least = 0.5;
    for (const auto& s : flow.steps) {
      const double share = double(s.gave) / double(std::max<int64_t>(1, s.size));
      const bool closes = double(s.given) / double(std::max<int64_t>(1, s.given_size)) > share;
      if (closes && share <= least) least = share, narrowest = &s;
    }
    int32_t node = -1;
    if (narrowest) {
      node = narrowest->from;
      text += message("; ", name(node), " passes ", of(narrowest->gave, narrowest->size));
    }
    return answer(GradBlock::none, node, text);
  }

  struct Cause {
    GradBlock block;
    std::string how;
  };

  /// Why op `s.from`, given a gradient, hands none on to `s.to`.
  Cause cause(const typename Flow<T>::Step& s) const {
    const Var<T> op = tape_.at(at(s.from)), in = tape_.at(at(s.to));
    const std::string_view name = op.op();
    if (is_relu(name)) {
      const int64_t open = count(op, [](T v) { return v > 0; });
      return {GradBlock::dead_relu,
              message("passes ", of(open, op.size()),
                      ", and no gradient arrives at those; look for "
                      "a bias far below zero, or a learning rate that was too high")};
    }
    if (any_of(name, {"maximum"})) {
      return {GradBlock::masked,
              message("takes its other operand at all ", in.size(), " elements")};
    }
    if (any_of(name, {"max_pool2d", "pool_scatter", "pool_gather", "conv_bias_pool", "gather",
                      "slice", "concat", "scatter_add", "pad"})) {
      return {GradBlock::masked, message("selects; of the ", of(s.given, s.given_size),
                                         " that a gradient arrives at, none came from this input")};
    }
    if (any_of(name, {"mul", "matmul", "conv2d", "channel_affine", "scale", "scale_"})) {
      for (const auto& other : inputs(s.from)) {
        const Var<T> factor = tape_.at(at(other.node));
        if (other.node == s.to || !factor.readable()) continue;
        const int64_t zeros = factor.size() - nonzeros(factor);
        if (zeros > 0) {
          return {GradBlock::zero_factor, message("multiplies it by ", log_.name(factor),
                                                  ", which is 0 at ", of(zeros, factor.size()))};
        }
      }
      if (name == "scale" || name == "scale_")
        return {GradBlock::zero_factor, "multiplies it by 0"};
    }
    const std::string values =
        in.readable() && in.size() > 0
            ? message("; its input runs from ", *std::ranges::min_element(in.values()), " to ",
                      *std::ranges::max_element(in.values()))
            : "";
    if (any_of(name, {"tanh", "sigmoid", "softplus", "exp", "exp_", "softmax", "log_softmax",
                      "logsumexp", "cross_entropy", "log", "div"})) {
      return {GradBlock::saturated, "is saturated: its derivative there is 0 to this precision" +
                                        values + "; scale the input down"};
    }
    if (any_of(name, {"square", "abs", "mul"})) {
      return {GradBlock::saturated, "has derivative 0 where its input is 0" + values};
    }
    return {GradBlock::zero, message("hands on zeros, though a gradient arrives at ",
                                     of(s.given, s.given_size), values)};
  }

  const TapeLog<T>& log_;
  Tape<T>& tape_;
  Var<T> y_, x_;
  std::string way_;
  std::vector<char> leads_to_y_;
  Tensor<T> gradient_;
};

}  // namespace

template <class T> GradWhy grad_why(const TapeLog<T>& log, Var<T> y, Var<T> x) {
  return Explanation<T>(log, y, x).find();
}

template GradWhy grad_why(const TapeLog<float>&, Var<float>, Var<float>);
template GradWhy grad_why(const TapeLog<double>&, Var<double>, Var<double>);

}  // namespace talweg
