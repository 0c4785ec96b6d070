// An op's card: what it computes, how it differentiates, and the cases that prove it. A card stands
// in the op's own file, right behind the op:
//
//   TALWEG_OP_CARD(mul) {
//     card.formula("y = a * b").rule("da = dy * b, db = dy * a").shapes("a, b broadcast");
//     card.check("row", {{2, 3}, {3}}, [](auto x) { return mul(x[0], x[1]); });
//     card.rejects({{2, 3}, {4}}, [](auto x) { return mul(x[0], x[1]); }, "do not broadcast");
//     card.bench({{32, 64}, {64}}, [](auto x) { return mul(x[0], x[1]); });
//   }
//
// From the cases alone come the checks of core/op_check.h and the op's rows in the benchmarks. The one unit of each folder that lists its
// ops includes core/op_collect.h before its families, and then has their cards in collected_cards().
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/tape.h"

namespace talweg {

/// How the elements of a case's input are drawn.
enum class Domain {
  normal,    ///< standard normal
  positive,  ///< uniform in [0.5, 2]
  distinct,  ///< a shuffled grid: no two elements closer than 0.1, none closer to 0 than 0.05
  unit,      ///< uniform in [-0.9, 0.9]
};

/// Shape and domain of one input.
struct OpInput {
  OpInput(std::initializer_list<int64_t> dims) : shape(dims) {}
  OpInput(Shape s, Domain d) : shape(s), domain(d) {}
  Shape shape;
  Domain domain = Domain::normal;
};

/// A function of Vars, once for each scalar type.
struct OpFunction {
  std::function<Var<float>(std::span<const Var<float>>)> f32;
  std::function<Var<double>(std::span<const Var<double>>)> f64;
};

/// Random inputs on which value, first and second derivative are checked.
struct OpCase {
  std::string name;
  std::vector<OpInput> inputs;
  OpFunction f;
};

/// A place where differences fail (a kink, an infinity): the value and the gradient to be found
/// there. The inputs are vectors; the gradient is that of the sum of the outputs.
struct OpPoint {
  std::string name;
  std::vector<std::vector<double>> inputs;
  OpFunction f;
  std::vector<double> value;
  std::vector<std::vector<double>> gradient;
};

/// Shapes that must be refused, with a part of the message.
struct OpRejection {
  std::vector<OpInput> inputs;
  OpFunction f;
  std::string message;
};

/// Everything known of one op. Setters return the card, so that they chain.
struct OpCard {
  std::string name, file;
  int line = 0;
  std::string formula_text, rule_text, shapes_text, source_text;
  std::string no_second_text;  ///< why there is no second derivative; empty where there is one
  std::vector<OpCase> cases;
  std::vector<OpPoint> points;
  std::vector<OpRejection> rejections;
  std::vector<OpCase> benches;  ///< named by their shapes

  OpCard& formula(std::string s) { return formula_text = std::move(s), *this; }
  OpCard& rule(std::string s) { return rule_text = std::move(s), *this; }
  OpCard& shapes(std::string s) { return shapes_text = std::move(s), *this; }
  OpCard& source(std::string s) { return source_text = std::move(s), *this; }

  template <class F> OpCard& check(std::string case_name, std::vector<OpInput> inputs, F f) {
    cases.push_back({std::move(case_name), std::move(inputs), {f, f}});
    return *this;
  }
  template <class F>
  OpCard& point(std::string point_name, std::vector<std::vector<double>> inputs, F f,
                std::vector<double> value, std::vector<std::vector<double>> gradient) {
    points.push_back(
        {std::move(point_name), std::move(inputs), {f, f}, std::move(value), std::move(gradient)});
    return *this;
  }
  template <class F> OpCard& rejects(std::vector<OpInput> inputs, F f, std::string message_part) {
    rejections.push_back({std::move(inputs), {f, f}, std::move(message_part)});
    return *this;
  }
  /// Inputs of a size that networks have, to be timed: forward, and from the output's gradient back.
  template <class F> OpCard& bench(std::vector<OpInput> inputs, F f) {
    std::string shapes;
    for (const OpInput& in : inputs) {
      if (!shapes.empty()) shapes += ',';
      for (int i = 0; i < in.shape.rank(); ++i) {
        shapes += (i > 0 ? "x" : "") + std::to_string(in.shape[i]);
      }
    }
    benches.push_back({std::move(shapes), std::move(inputs), {f, f}});
    return *this;
  }
};

}  // namespace talweg

/// In ordinary translation units a card is a template that nobody uses.
#define TALWEG_OP_CARD(op) template <class Card> void describe_##op(Card& card)
