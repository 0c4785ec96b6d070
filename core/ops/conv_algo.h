// How the user says which algorithm computes a convolution.
#pragma once

#include <array>
#include <string_view>
#include <utility>

#include "core/error.h"

namespace talweg {

/// How a convolution is computed. `automatic` takes, per face, what is fastest for the shape
/// (kernels::best_algo), Winograd's form along the row (row4) among them; wino2 and wino4 exist for 3x3
/// kernels with stride and dilation 1. In
/// double, and so in gradcheck, every algorithm is the plain loops.
enum class ConvAlgo { automatic, direct, wino2, wino4 };

inline constexpr std::array<std::pair<std::string_view, ConvAlgo>, 4> kConvAlgos{
    {{"auto", ConvAlgo::automatic},
     {"direct", ConvAlgo::direct},
     {"wino2", ConvAlgo::wino2},
     {"wino4", ConvAlgo::wino4}}};

inline std::string_view conv_algo_name(ConvAlgo algo) {
  return kConvAlgos[std::size_t(algo)].first;
}

/// The inverse. Throws where there is no algorithm of this name.
inline ConvAlgo parse_conv_algo(std::string_view name) {
  for (const auto& [known, algo] : kConvAlgos) {
    if (known == name) return algo;
  }
  throw Error(
      message("'", name, "' is no algorithm of convolution; use auto, direct, wino2 or ", "wino4"));
}

}  // namespace talweg
