// What the tests of the aligner's ops share.
#pragma once

#include <random>
#include <span>
#include <vector>

#include "core/tape.h"
#include "tests/ebm/align/brute_force.h"

namespace talweg::ebm {

/// Normal energies of this shape.
template <class T> Tensor<T> draw(const Shape& shape, int seed) {
  std::mt19937 random(seed);
  const auto e = brute_force::draw_energies<T>(shape.size(), brute_force::Kind::normal, random);
  return Tensor<T>(shape, std::span<const T>(e));
}

/// d<cotangent, f>/de, unrecorded.
template <class T> Tensor<T> gradient(Tape<T>& tape, Var<T> f, Var<T> e, std::vector<T> cotangent) {
  const Tensor<T> u(f.shape(), std::span<const T>(cotangent));
  return tape.grad(f, std::span<const Var<T>>(&e, 1), false, tape.constant(u))[0].to_tensor();
}

}  // namespace talweg::ebm
