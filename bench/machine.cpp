#include "bench/machine.h"

#include <omp.h>
#include <sched.h>
#include <sys/resource.h>
#include <talweg_commit.h>  // written by CMake at each build
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <thread>

#include "bench/bandwidth.h"
#include "core/error.h"
#include "core/kernels/kernels.h"

#ifndef TALWEG_FLAGS
#define TALWEG_FLAGS "unknown"
#endif

namespace talweg::bench {
namespace {

std::string text_of(const char* path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string first_line_of(const char* path) {
  std::string text = text_of(path);
  return text.substr(0, text.find('\n'));
}

std::string size_text(size_t bytes) {
  return bytes >= (1u << 20) ? message(bytes >> 20, " MB") : message(bytes >> 10, " KB");
}

double own_seconds() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) { return double(t.tv_sec) + 1e-6 * double(t.tv_usec); };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

CpuTimes read_cpu_times() {
  return parse_cpu_times(text_of("/proc/stat"), double(sysconf(_SC_CLK_TCK)));
}

std::string compiler_name() {
#if defined(__clang__)
  return message("clang ", __clang_version__);
#elif defined(__GNUC__)
  return message("g++ ", __VERSION__);
#else
  return "unknown";
#endif
}

}  // namespace

std::string cpu_name_of(std::string_view cpuinfo) {
  constexpr std::string_view key = "model name";
  const size_t line = cpuinfo.find(key);
  if (line == std::string_view::npos) return "unknown";
  const std::string_view rest = cpuinfo.substr(line, cpuinfo.find('\n', line) - line);
  const size_t colon = rest.find(": ");
  return colon == std::string_view::npos ? "unknown" : std::string(rest.substr(colon + 2));
}

std::string ranges(const std::vector<int>& numbers) {
  std::string text;
  for (size_t i = 0; i < numbers.size();) {
    size_t last = i;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) ++last;
    if (!text.empty()) text += ',';
    text += std::to_string(numbers[i]);
    if (last > i) text += "-" + std::to_string(numbers[last]);
    i = last + 1;
  }
  return text;
}

std::vector<int> allowed_processors() {
  std::vector<int> processors;
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    for (int i = 0; i < CPU_SETSIZE; ++i) {
      if (CPU_ISSET(i, &set)) processors.push_back(i);
    }
  }
#endif
  if (processors.empty()) {
    for (int i = 0; i < int(std::thread::hardware_concurrency()); ++i) processors.push_back(i);
  }
  return processors;
}

bool pin_threads(int threads) {
#if defined(__linux__)
  // Read once: afterwards this thread's own set is a single processor.
  static const std::vector<int> processors = allowed_processors();
  int refused = 0;
#pragma omp parallel num_threads(threads)
  {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(processors[size_t(omp_get_thread_num()) % processors.size()], &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0) {
#pragma omp atomic
      ++refused;
    }
  }
  return refused == 0;
#else
  (void)threads;
  return false;
#endif
}

Machine read_machine() {
  Machine m;
  m.cpu = cpu_name_of(text_of("/proc/cpuinfo"));
  m.isa = kernels::table<float>().name;
  for (const std::string& isa : kernels::available_isas()) {
    m.isas += (m.isas.empty() ? "" : ", ") + isa;
  }
  m.compiler = compiler_name();
  m.flags = TALWEG_FLAGS;
  m.commit = TALWEG_COMMIT;
  const std::vector<int> processors = allowed_processors();
  m.processors = int(processors.size());
  m.affinity = ranges(processors);
  m.governor = first_line_of("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
  if (m.governor.empty()) m.governor = "not readable";
  const std::string load = first_line_of("/proc/loadavg");
  m.load = load.empty() ? "unknown" : load.substr(0, load.find(' '));
  const Caches caches = read_caches();
  m.caches = "L1 " + size_text(caches.l1) + ", L2 " + size_text(caches.l2);
  if (caches.l3 > 0) m.caches += ", L3 " + size_text(caches.l3) + " as stated";
  return m;
}

CpuTimes parse_cpu_times(std::string_view proc_stat, double ticks) {
  // cpu  user nice system idle iowait irq softirq steal ...
  double v[8] = {};
  const std::string line(proc_stat.substr(0, proc_stat.find('\n')));
  if (std::sscanf(line.c_str(), "cpu %lf %lf %lf %lf %lf %lf %lf %lf", &v[0], &v[1], &v[2], &v[3],
                  &v[4], &v[5], &v[6], &v[7]) < 8) {
    return {};
  }
  return {(v[0] + v[1] + v[2] + v[5] + v[6]) / ticks, v[7] / ticks};
}

Watch::Watch() : wall_(omp_get_wtime()), own_(own_seconds()), all_(read_cpu_times()) {}

Disturbance Watch::read() const {
  const CpuTimes now = read_cpu_times();
  const double wall = std::max(1e-9, omp_get_wtime() - wall_);
  const double foreign = (now.busy - all_.busy) - (own_seconds() - own_);
  return {std::max(0.0, foreign / wall), std::max(0.0, (now.steal - all_.steal) / wall)};
}

void evict(const void* data, size_t bytes) {
#if defined(__x86_64__)
  constexpr size_t kLine = 64;
  const char* begin = static_cast<const char*>(data);
  for (size_t i = 0; i < bytes; i += kLine) __builtin_ia32_clflush(begin + i);
  __builtin_ia32_mfence();
#else
  // No such instruction for programs everywhere: push them out with something larger.
  static std::vector<char> large(size_t(256) << 20);
  (void)data, (void)bytes;
  for (size_t i = 0; i < large.size(); i += 64) large[i] = char(large[i] + 1);
#endif
}

}  // namespace talweg::bench
