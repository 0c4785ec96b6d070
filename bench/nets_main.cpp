// talweg_nets: one net, one mode, one number of threads in a process of its own, so that peak
// memory and page faults are that configuration's.
//
//   OMP_NUM_THREADS=2 talweg_nets crnn train 32 3       net, train|infer, batch, seconds
//
// Prints a line of CSV.
#include <omp.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "bench/nets.h"

namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

rusage usage() {
  rusage u{};
  getrusage(RUSAGE_SELF, &u);
  return u;
}

void run(const std::string& name, const std::string& mode, int64_t batch, double seconds) {
  talweg::bench::Net net(name, batch);
  talweg::expect(mode == "train" || mode == "infer", "mode '", mode, "' is not train or infer");
  const auto step = [&] { mode == "train" ? void(net.train()) : void(net.infer()); };
  for (int i = 0; i < 3; ++i) step();
  std::vector<double> times;
  times.reserve(1 << 22);
  const long faults = usage().ru_minflt;
  for (const double start = now(); times.size() < 7 || now() < start + seconds;) {
    const double begin = now();
    step();
    times.push_back(now() - begin);
  }
  const double faults_a_step = double(usage().ru_minflt - faults) / double(times.size());
  std::sort(times.begin(), times.end());
  const double median = times[times.size() / 2];
  std::printf(
      "net,mode,threads,batch,ms_per_step,words_per_s,peak_rss_mb,pool_mb,faults_per_step,"
      "best_ms\n");
  std::printf("%s,%s,%d,%lld,%.3f,%.0f,%.0f,%.1f,%.2f,%.3f\n", name.c_str(), mode.c_str(),
              omp_get_max_threads(), static_cast<long long>(batch), 1e3 * median,
              double(batch) / median, double(usage().ru_maxrss) / 1024,
              double(net.pool_bytes()) / (1 << 20), faults_a_step, 1e3 * times.front());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s tiny|crnn [train|infer [batch [seconds]]]\n", argv[0]);
    return 2;
  }
  try {
    run(argv[1], argc > 2 ? argv[2] : "train", argc > 3 ? std::atoll(argv[3]) : 32,
        argc > 4 ? std::atof(argv[4]) : 3);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
