#include "core/kernels/conv2d_algo.h"

namespace talweg::kernels {

bool supports(Conv2dAlgo algo, const Conv2dShape& s) {
  if (algo == Conv2dAlgo::direct) return true;
  return s.kh == 3 && s.kw == 3 && s.stride_h == 1 && s.stride_w == 1 && s.dilation_h == 1 &&
         s.dilation_w == 1;
}

Conv2dAlgo best_algo(const Conv2dShape& s, Conv2dFace face) {
  (void)s, (void)face;
  return Conv2dAlgo::direct;
}

std::string_view algo_name(Conv2dAlgo algo) {
  if (algo == Conv2dAlgo::direct) return "direct";
  return algo == Conv2dAlgo::wino2 ? "wino2" : "wino4";
}

}  // namespace talweg::kernels
