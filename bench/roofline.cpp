#include "bench/roofline.h"

#include <algorithm>

namespace talweg::bench {

double least_seconds(const Roof& roof, double executed_flop, double bytes) {
  const double computing = roof.peak_gflops > 0 ? executed_flop / roof.peak_gflops : 0;
  const double moving = roof.bandwidth_gbs > 0 ? bytes / roof.bandwidth_gbs : 0;
  return std::max(computing, moving) * 1e-9;
}

double bound_gflops(const Roof& roof, double nominal_flop, double executed_flop, double bytes) {
  const double seconds = least_seconds(roof, executed_flop, bytes);
  return seconds > 0 ? nominal_flop / seconds * 1e-9 : 0;
}

double ridge(const Roof& roof) {
  return roof.bandwidth_gbs > 0 ? roof.peak_gflops / roof.bandwidth_gbs : 0;
}

}  // namespace talweg::bench
