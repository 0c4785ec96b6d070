#include "core/study/expression.h"

#include <doctest/doctest.h>

#include <cmath>

#include "core/ops/reduce.h"

using namespace talweg;

namespace {

double value_of(const std::string& text, const std::string& settings = "") {
  Tape<double> tape;
  return evaluate(tape, text, parse_settings(settings)).results.back().value.item();
}

std::string error_of(const std::string& text, const std::string& settings = "") {
  Tape<double> tape;
  try {
    evaluate(tape, text, parse_settings(settings));
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

/// The message's parts, and the caret under column `column` of the text.
void check_error(const std::string& text, const std::string& settings, int column,
                 const std::string& part) {
  CAPTURE(text);
  const std::string error = error_of(text, settings);
  CAPTURE(error);
  CHECK(error.find(message("column ", column, ": ")) == 0);
  CHECK(error.find(part) != error.npos);
  const std::string caret = std::string(std::size_t(column + 1), ' ') + "^";
  CHECK(error.ends_with("\n" + caret));
}

}  // namespace

TEST_CASE("expressions: operators bind as in mathematics") {
  CHECK(value_of("2 + 3*4") == 14);
  CHECK(value_of("(2 + 3)*4") == 20);
  CHECK(value_of("2 - 3 - 4") == -5);
  CHECK(value_of("24 / 4 / 3") == 2);
  CHECK(value_of("-x^2", "x=3") == -9);
  CHECK(value_of("2^3^2") == 512);
  CHECK(value_of("x^-2", "x=2") == 0.25);
  CHECK(value_of("--x + +x", "x=2") == 4);
  CHECK(value_of("x^0.5", "x=9") == 3);
  CHECK(value_of("x^0", "x=9") == 1);
  CHECK(value_of("x^5", "x=2") == 32);
  CHECK(value_of("x^2.5", "x=4") == doctest::Approx(32).epsilon(1e-12));
  CHECK(value_of("2^x", "x=3") == doctest::Approx(8).epsilon(1e-12));
  CHECK(value_of("1e3 + .5") == 1000.5);
}

TEST_CASE("expressions: statements give names") {
  CHECK(value_of("y = relu(w*x + b); l = (y-1)^2", "w=2,x=3,b=-1") == 16);
  CHECK(value_of("a = x; a = a + 1; a*a;", "x=2") == 9);
  CHECK(value_of("a = x\nb = a*2\n\nb", "x=2") == 4);
  Tape<double> tape;
  const ExpressionResult e = evaluate(tape, "y = x*2; y + 1", parse_settings("x=5"));
  REQUIRE(e.results.size() == 2);
  CHECK(e.results[0].name == "y");
  CHECK(e.results[0].value.item() == 10);
  CHECK(e.results[1].name == "output");
  REQUIRE(e.variables.size() == 1);
  CHECK(e.variables[0].value.needs_grad());
}

TEST_CASE("expressions: vectors, matrices and functions of them") {
  CHECK(value_of("sum([1,2;3,4] @ x)", "x=[1;-1]") == -2);
  CHECK(value_of("sum(sum(m, 0) * [1,10])", "m=[1,2;3,4]") == 64);
  CHECK(value_of("sum(sum(m, -1) * [1,10])", "m=[1,2;3,4]") == 73);
  CHECK(value_of("mean(m)", "m=[1,2;3,6]") == 3);
  CHECK(value_of("max(m) - min(m)", "m=[1,-2;3,6]") == 8);
  CHECK(value_of("sum(max(m, 1))", "m=[1,-2;3,6]") == 7);
  CHECK(value_of("sum(transpose(m) @ [1,0;0,0])", "m=[1,2;3,4]") == 3);
  CHECK(value_of("logsumexp(x)", "x=[0,0]") == doctest::Approx(std::log(2.0)));
  CHECK(value_of("maximum(x, 4) + abs(-1) + sqrt(9) + square(3)", "x=2") == 17);
  CHECK(value_of("sum(m / [1,2])", "m=[1,2;3,4]") == 7);
  Tape<double> tape;
  const Var<double> m = evaluate(tape, "m", parse_settings("m=[1,2,3;4,5,6]")).results.back().value;
  CHECK(m.shape() == Shape{2, 3});
  CHECK(m.values()[3] == 4);
}

TEST_CASE("expressions: derivatives are those done by hand") {
  Tape<double> tape;
  const ExpressionResult e =
      evaluate(tape, "y = relu(w*x + b); l = (y-1)^2", parse_settings("w=2,x=3,b=-1"));
  tape.backward(e.results.back().value);
  CHECK(e.variables[0].value.grad()[0] == 24);  // 2 (y - 1) x = 2 * 4 * 3
  CHECK(e.variables[1].value.grad()[0] == 16);  // 2 (y - 1) w
  CHECK(e.variables[2].value.grad()[0] == 8);   // 2 (y - 1)
}

TEST_CASE("expressions: each op tells its place before it runs") {
  Tape<double> tape;
  std::vector<std::string> places;
  evaluate(tape, "y = relu(w*x)", parse_settings("w=2,x=3"),
           [&](std::string place) { places.push_back(std::move(place)); });
  CHECK(places ==
        std::vector<std::string>{"--set w", "--set x", "column 10: w*x", "column 5: relu(w*x)"});
}

TEST_CASE("expressions: what cannot be read is pointed at") {
  check_error("y = relu(w*x", "w=1,x=1", 13, "expected ')' to close relu(");
  check_error("(w*2", "w=1", 5, "to close the parenthesis");
  check_error("w *", "w=1", 4, "found the end");
  check_error("w * * 2", "w=1", 5, "a number, a name, '(' or '[', found '*'");
  check_error("w ** 2", "w=1", 3, "a power is written with ^");
  check_error("w 2", "w=1", 3, "expected an operator, ';' or the end, found '2'");
  check_error("w == 2", "w=1", 4, "there are no comparisons");
  check_error("w*2; w", "w=1", 1, "needs a name");
  check_error("[1,2;3]", "", 6, "row 2 has 1 numbers, the first has 2");
  check_error("[1,w]", "w=1", 4, "expected a number, found 'w'");
  check_error("w + \u00e4", "w=1", 5, "found '\u00e4'");
  check_error("a = w\nb = a*)", "w=1", 7, "found ')'");  // the column of the second line
  check_error(std::string(300, '(') + "w", "w=1", 201, "nested too deeply");
  CHECK(error_of("").find("the expression is empty") == 0);
  CHECK(error_of(" ; ").find("the expression is empty") == 0);
}

TEST_CASE("expressions: names that do not exist suggest the nearest") {
  check_error("y = rellu(w)", "w=1", 5, "there is no function 'rellu'; did you mean relu?");
  check_error("weigth + 1", "weight=1", 1, "did you mean 'weight'?");
  check_error("w + zebra", "w=1", 5, "'zebra' has no value; give it one with --set zebra=1");
  check_error("qqqqqq(w)", "w=1", 1, "these exist: abs");
  check_error("relu + w", "w=1", 1, "'relu' is a function: relu(x)");
  check_error("w(2)", "w=1", 1, "'w' is a value, not a function");
  check_error("relu = w", "w=1", 1, "'relu' is a function; give the result another name");
  CHECK(error_of("x", "x=1,unused=2").find("'unused', which the expression never uses") !=
        std::string::npos);
}

TEST_CASE("expressions: what an op refuses is pointed at too") {
  check_error("sum(a * b)", "a=[1,2],b=[1,2,3]", 7, "do not broadcast");
  check_error("a @ b", "a=[1,2;3,4],b=[1,2,3;4,5,6;7,8,9]", 3, "[matmul]");
  check_error("x + sum(m, 5)", "x=1,m=[1,2]", 5, "out of range");
  check_error("sum(m, 0.5)", "m=[1,2]", 8, "an axis is a whole number");
  check_error("maximum(m)", "m=[1,2]", 1, "write maximum(a, b); found 1 arguments");
  check_error("relu()", "", 1, "write relu(x); found 0 arguments");
}

TEST_CASE("expressions: settings are read, or pointed at") {
  const std::vector<Setting> s = parse_settings(" w = -2.5, m=[1,2;3,4] ,v=[1,+2]");
  REQUIRE(s.size() == 3);
  CHECK(s[0].name == "w");
  CHECK(s[0].value.shape() == Shape{});
  CHECK(s[0].value[0] == -2.5);
  CHECK(s[1].value.shape() == Shape{2, 2});
  CHECK(s[2].value[1] == 2);
  CHECK(parse_settings("").empty());
  CHECK(error_of("x", "x").find("column 2: expected '=' behind 'x'") == 0);
  CHECK(error_of("x", "x=a").find("column 3: expected a number, found 'a'") == 0);
  CHECK(error_of("x", "x=1 y=2").find("column 5: expected ',' between settings") == 0);
  CHECK(error_of("x", "x=1,x=2").find("column 5: 'x' is set twice") == 0);
  CHECK(error_of("x", "=1").find("column 1: expected a name, found '='") == 0);
  CHECK(error_of("x", "x=1e999").find("is no number") != std::string::npos);
  CHECK(error_of("x", "relu=1").find("'relu' is a function") == 0);
}
