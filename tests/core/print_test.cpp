#include "core/print.h"

#include <doctest/doctest.h>

#include <cmath>
#include <sstream>

#include "core/ops/elementwise.h"

using namespace talweg;

namespace {

Tensor<double> matrix(const Shape& shape, std::vector<double> values) {
  return Tensor<double>(shape, std::span<const double>(values));
}

}  // namespace

TEST_CASE("numbers are aligned, with the decimals that the neediest needs") {
  CHECK(to_text(matrix({2, 3}, {1, -2.5, 0, 0.125, 3, 100})) ==
        "[[  1.000  -2.500   0.000]\n"
        " [  0.125   3.000 100.000]]  double [2,3]");
  CHECK(to_text(matrix({3}, {1, 2, -30})) == "[  1   2 -30]  double [3]");
  CHECK(to_text(matrix({}, {1.0 / 3})) == "0.3333  double []");
  CHECK(to_text(Tensor<float>({2}, 0.1f)) == "[0.1 0.1]  float [2]");
  CHECK(to_text(Tensor<int32_t>({2}, 7)) == "[7 7]  int32 [2]");
}

TEST_CASE("numbers far apart are in scientific form; NaN and infinities stand in their columns") {
  CHECK(to_text(matrix({2}, {1e-9, 1})) == "[1e-09 1e+00]  double [2]");
  CHECK(to_text(matrix({2}, {1.5e12, -2})) == "[ 1.5e+12 -2.0e+00]  double [2]");
  CHECK(to_text(matrix({2, 2}, {NAN, INFINITY, -INFINITY, 0.5})) ==
        "[[ nan  inf]\n"
        " [-inf  0.5]]  double [2,2]");
  CHECK(to_text(matrix({2}, {-0.0, 1})) == "[0 1]  double [2]");
}

TEST_CASE("empty tensors and higher ranks") {
  CHECK(to_text(Tensor<float>({0})) == "[]  float [0]");
  CHECK(to_text(Tensor<float>({2, 0})) == "[[]\n []]  float [2,0]");
  CHECK(to_text(matrix({2, 1, 2}, {1, 2, 3, 4})) ==
        "[[[1 2]]\n"
        "\n"
        " [[3 4]]]  double [2,1,2]");
}

TEST_CASE("large tensors show their ends, long rows are broken") {
  Tensor<double> x({40, 50});
  for (int64_t i = 0; i < x.size(); ++i) x[i] = double(i);
  CHECK(to_text(x, {.edge = 2}) ==
        "[[   0    1 ...   48   49]\n"
        " [  50   51 ...   98   99]\n"
        " ...\n"
        " [1900 1901 ... 1948 1949]\n"
        " [1950 1951 ... 1998 1999]]  double [40,50]");
  const std::string one_row = to_text(Tensor<double>({1, 30}, 1.0), {.width = 20});
  CHECK(one_row ==
        "[[1 1 1 1 1 1 1 1 1\n"
        "  1 1 1 1 1 1 1 1 1\n"
        "  1 1 1 1 1 1 1 1 1\n"
        "  1 1 1]]  double [1,30]");
}

TEST_CASE("a Var says what it is; one that can't be read says so") {
  Tape<double> tape;
  const auto x = tape.variable(matrix({2}, {1, 2}));
  const auto y = exp(x * x);
  std::ostringstream out;
  out << (x * x) << '\n' << tape.constant(2.0) << '\n' << Var<double>();
  CHECK(out.str() ==
        "[1 4]  double [2], node 3, mul\n"
        "2  double [], node 4, constant, needs no gradient\n"
        "Var without a value");
  tape.backward(sum_to(y, {}));
  CHECK(to_text(y) == "(a value that can't be read any more)  double [2], node 2, exp");
  CHECK(message(Tensor<double>({1}, 5.0)) == "[5]  double [1]");
}
