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

struct Request {
  std::string net, mode = "train";
  int64_t batch = 32;
  double seconds = 3;
  bool memory = false;  // only a line about memory, for the rows of nets
};

void run(const Request& r) {
  talweg::bench::Net net(r.net, r.batch);
  talweg::expect(r.mode == "train" || r.mode == "infer", "there is no mode '", r.mode,
                 "'; use train or infer");
  const auto step = [&] { r.mode == "train" ? void(net.train()) : void(net.infer()); };
  for (int warm_up = 0; warm_up < 3; ++warm_up) step();
  std::vector<double> times;
  times.reserve(1 << 20);
  const long faults_before = usage().ru_minflt;
  for (const double start = now(); times.size() < 7 || now() < start + r.seconds;) {
    const double begin = now();
    step();
    times.push_back(now() - begin);
  }
  const rusage u = usage();
  const double rss = double(u.ru_maxrss) / 1024, pool = double(net.pool_bytes()) / (1 << 20);
  const double faults = double(u.ru_minflt - faults_before) / double(times.size());
  if (r.memory) {
    std::printf("peak RSS %.0f MB, %.1f page faults a step\n", rss, faults);
    return;
  }
  std::sort(times.begin(), times.end());
  const double median = times[times.size() / 2];
  std::printf(
      "net,mode,threads,batch,ms_per_step,words_per_s,best_ms,peak_rss_mb,pool_mb,faults_per_step\n"
      "%s,%s,%d,%lld,%.3f,%.0f,%.3f,%.0f,%.1f,%.2f\n",
      r.net.c_str(), r.mode.c_str(), omp_get_max_threads(), static_cast<long long>(r.batch),
      1e3 * median, double(r.batch) / median, 1e3 * times.front(), rss, pool, faults);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s tiny|crnn [train|infer [batch [seconds [--memory]]]]\n",
                 argv[0]);
    return 2;
  }
  try {
    Request r{.net = argv[1]};
    if (argc > 2) r.mode = argv[2];
    if (argc > 3) r.batch = std::stoll(argv[3]);
    if (argc > 4) r.seconds = std::stod(argv[4]);
    r.memory = argc > 5;
    run(r);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
