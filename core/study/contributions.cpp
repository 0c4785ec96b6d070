#include "core/study/contributions.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/io/text.h"
#include "core/tape_observer.h"

namespace talweg {
namespace {

/// Notes what the rules of a pass give to one input, or what one node's rules give to all of its.
template <class T> class Edges : public TapeObserver<T> {
 public:
  struct Edge {
    Var<T> consumer, input;
    Tensor<T> gradient;
  };

  explicit Edges(Tape<T>& tape) : tape_(tape), before_(tape.observe(this)) {}
  ~Edges() override { tape_.observe(before_); }

  void began(Var<T>) override { ++passes_; }
  void ended() override { --passes_; }
  void ran(Var<T> y, Var<T> x, Var<T> dx) override {
    const bool wanted = (into < 0 || x.index() == into) && (from < 0 || y.index() == from);
    if (passes_ == 1 && wanted) edges.push_back({y, x, dx.to_tensor()});
  }

  int32_t into = -1, from = -1;  // which edges; -1: any
  std::vector<Edge> edges;

 private:
  Tape<T>& tape_;
  TapeObserver<T>* before_;
  int passes_ = 0;
};

template <class T> double dot(std::span<const T> a, std::span<const T> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += double(a[i]) * double(b[i]);
  return sum;
}
template <class T> double dot(const Tensor<T>& a, const Tensor<T>& b) {
  return dot(a.values(), b.values());
}

/// dy/dx for one x, without leaving anything on the tape.
template <class T> Tensor<T> gradient_of(Var<T> y, Var<T> x) {
  const TapeScope<T> scope(y.tape());
  return y.tape().grad(y, std::span(&x, 1))[0].to_tensor();
}

}  // namespace

template <class T> Contributions<T> contributions(Var<T> y, Var<T> x) {
  Edges<T> noted(y.tape());
  noted.into = x.index();
  Contributions<T> all{gradient_of(y, x), 0, {}};
  all.norm = std::sqrt(dot(all.adjoint, all.adjoint));
  Tensor<double> sum(x.shape()), magnitude(x.shape());
  for (auto& edge : noted.edges) {
    Contribution<T> c{edge.consumer, std::move(edge.gradient)};
    for (int64_t i = 0; i < sum.size(); ++i) {
      sum[i] += double(c.gradient[i]);
      magnitude[i] += std::abs(double(c.gradient[i]));
    }
    c.norm = std::sqrt(dot(c.gradient, c.gradient));
    c.dot = dot(c.gradient, all.adjoint);
    c.share = all.norm > 0 ? c.dot / (all.norm * all.norm) : 0;
    all.edges.push_back(std::move(c));
  }
  const bool is_root = x.index() == y.index();
  for (int64_t i = 0; i < sum.size() && !is_root; ++i) {
    const double rounding = double(all.edges.size()) * std::numeric_limits<T>::epsilon();
    expect(std::abs(sum[i] - double(all.adjoint[i])) <= rounding * magnitude[i],
           "[contributions] what arrives at element ", i, " of node ", x.index(), " (", x.op(),
           ") adds up to ", sum[i], ", but its gradient is ", all.adjoint[i],
           "; is a value on the way not finite?");
  }
  return all;
}

template <class T> std::string Contributions<T>::to_string() const {
  std::string text = message("adjoint: norm ", norm, ", from ", edges.size(), " edges\n");
  for (const auto& e : edges) {
    text += message("  ", e.consumer.op(), " (node ", e.consumer.index(), "): norm ", e.norm,
                    ", share ", io::format_number(100 * e.share, 1), " %\n");
  }
  return text;
}

// --- paths ---

template <class T> GradientPaths top_paths(Var<T> y, Var<T> x, int k) {
  Tape<T>& tape = y.tape();
  expect(k >= 1, "[top_paths] asked for ", k, " paths; ask for 1 or more");
  GradientPaths result;
  result.gradient = double(gradient_of(y, x).values()[0]);

  // The edges between x and y, by the node they start from.
  struct Local {
    int32_t input;
    double derivative;
  };
  std::vector<std::vector<Local>> inputs(std::size_t(y.index()) + 1);
  {
    Edges<T> structure(tape);
    // Every node that x feeds wants a gradient in a pass for x alone.
    gradient_of(y, x);
    std::vector<std::pair<int32_t, int32_t>> pairs;
    for (const auto& e : structure.edges) pairs.emplace_back(e.consumer.index(), e.input.index());
    for (const auto& [consumer, input] : pairs) {
      const Var<T> from = tape.at(std::size_t(consumer)), to = tape.at(std::size_t(input));
      for (Var<T> v : {from, to}) {
        expect(v.size() == 1, "[top_paths] node ", v.index(), " (", v.op(), ", shape ", v.shape(),
               ") has more than one element; paths are numbers where all values are, see ",
               "contributions() for tensors");
      }
    }
    std::ranges::sort(pairs);
    for (std::size_t first = 0; first < pairs.size();) {
      const int32_t consumer = pairs[first].first;
      std::vector<Var<T>> wanted;
      for (; first < pairs.size() && pairs[first].first == consumer; ++first) {
        const bool again = first > 0 && pairs[first] == pairs[first - 1];
        if (!again) wanted.push_back(tape.at(std::size_t(pairs[first].second)));
      }
      // With 1 as its gradient, a node's rules give its local derivatives.
      structure.edges.clear();
      structure.from = consumer;
      const Var<T> node = tape.at(std::size_t(consumer));
      const TapeScope<T> scope(tape);
      tape.grad(node, wanted, false, tape.full(node.shape(), T(1)));
      for (const auto& e : structure.edges) {
        inputs[std::size_t(consumer)].push_back({e.input.index(), double(e.gradient[0])});
      }
    }
  }

  std::vector<std::vector<GradientPath>> best(inputs.size());
  std::vector<double> sums(inputs.size(), 0), counts(inputs.size(), 0), sizes(inputs.size(), 0);
  const std::size_t start = std::size_t(x.index());
  best[start] = {{{x.index()}, 1.0}};
  sums[start] = counts[start] = sizes[start] = 1;
  for (std::size_t i = start + 1; i < inputs.size(); ++i) {
    auto& here = best[i];
    for (const Local& in : inputs[i]) {
      const std::size_t j = std::size_t(in.input);
      sums[i] += in.derivative * sums[j];
      sizes[i] += std::abs(in.derivative) * sizes[j];
      counts[i] += counts[j];
      for (const GradientPath& path : best[j]) {
        here.push_back({path.nodes, path.product * in.derivative});
        here.back().nodes.push_back(int32_t(i));
      }
    }
    std::ranges::stable_sort(here, std::greater(),
                             [](const GradientPath& p) { return std::abs(p.product); });
    if (here.size() > std::size_t(k)) here.resize(std::size_t(k));
  }
  const double rounding = double(inputs.size()) * std::numeric_limits<T>::epsilon() * sizes.back();
  expect(std::abs(sums.back() - result.gradient) <= rounding,
         "[top_paths] all paths together give ", sums.back(), ", but the gradient is ",
         result.gradient, "; is a value on the way not finite?");
  result.count = counts.back();
  result.paths = std::move(best.back());
  return result;
}

template <class T> std::string GradientPaths::to_string(Tape<T>& tape) const {
  std::string text = message("gradient ", gradient, " over ", count, " paths\n");
  for (const GradientPath& p : paths) {
    for (std::size_t i = 0; i < p.nodes.size(); ++i) {
      const Var<T> v = tape.at(std::size_t(p.nodes[i]));
      text += message(i ? " -> " : "  ", v.op(), "[", v.index(), "]");
    }
    text += message(": ", p.product, "\n");
  }
  return text;
}

template struct Contributions<float>;
template struct Contributions<double>;
template Contributions<float> contributions(Var<float>, Var<float>);
template Contributions<double> contributions(Var<double>, Var<double>);
template GradientPaths top_paths(Var<float>, Var<float>, int);
template GradientPaths top_paths(Var<double>, Var<double>, int);
template std::string GradientPaths::to_string(Tape<float>&) const;
template std::string GradientPaths::to_string(Tape<double>&) const;

}  // namespace talweg
