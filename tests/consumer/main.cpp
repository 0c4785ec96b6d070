// What a user's first program does: one gradient, through the public headers and the library.
#include <cstdio>

#include "core/ops/elementwise.h"
#include "core/tape.h"

int main() {
  talweg::Tape<float> tape;
  talweg::Var<float> w = tape.variable(talweg::Tensor<float>({1}, 3.0f));
  tape.backward(w * w);
  std::printf("d(w^2)/dw at 3 is %g\n", double(w.grad()[0]));
  return w.grad()[0] == 6.0f ? 0 : 1;
}
