#include "bench/floors.h"

#include "core/error.h"
#include "core/io/text.h"

namespace talweg::bench {
namespace {

struct Floor {
  const char* problem;
  const char* algo;  ///< the end of the way: talweg/<isa>/<algo>
  double peak_percent;
};

// Of a layer in the middle of the recognizer's trunk, in whose sums nearly all of its time goes.
constexpr Floor kFloors[] = {
    {"conv2d/forward/32x64x8x32-128x3x3s1p1", "direct", 40},
    {"conv2d/backward_data/32x64x8x32-128x3x3s1p1", "direct", 40},
    {"conv2d/backward_weights/32x64x8x32-128x3x3s1p1", "direct", 35},
    {"conv2d/forward/32x64x8x32-128x3x3s1p1", "auto", 60},  // Winograd: nominal FLOP
};

}  // namespace

double floor_of(const std::string& problem, const std::string& way, const std::string& isa,
                int threads) {
  for (const Floor& floor : kFloors) {
    if (threads == 1 && problem == floor.problem && way == "talweg/" + isa + "/" + floor.algo) {
      return floor.peak_percent;
    }
  }
  return 0;
}

std::vector<std::string> under_floors(const std::vector<RowRecord>& rows) {
  std::vector<std::string> found;
  for (const RowRecord& row : rows) {
    const double floor = floor_of(row.problem, row.way, row.isa, row.threads);
    const double percent = figures(row).peak_percent;
    if (!row.ok() || row.roof.peak_gflops <= 0 || percent >= floor) continue;
    found.push_back(message(row.name(), " does ", io::format_number(percent, 1),
                            " % of the measured peak, less than its floor of ",
                            io::format_number(floor, 0), " %"));
  }
  return found;
}

}  // namespace talweg::bench
