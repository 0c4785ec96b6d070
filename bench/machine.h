// What a figure was measured on, and what else the machine did meanwhile.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace talweg::bench {

struct Machine {
  std::string cpu;       ///< its model, "unknown" where the system does not say
  std::string isa;       ///< in use, of those in `isas`
  std::string isas;      ///< "avx512, avx2, portable"
  std::string compiler;  ///< with version
  std::string flags;     ///< of the build; the kernels' own come on top
  std::string commit;    ///< of the sources at build time, "-dirty" behind it where changed
  std::string affinity;  ///< processors this program may use: "0-1"
  std::string governor;  ///< of frequency, "not readable" in most virtual machines
  std::string load;      ///< average over a minute, at the start
  std::string caches;    ///< "L1 48 KB, L2 1 MB"
  int processors = 1;
};
Machine read_machine();

/// Processor time since the system started, in seconds summed over processors.
struct CpuTimes {
  double busy = 0;   ///< in this system, by anybody
  double steal = 0;  ///< wanted here, given to others by the hypervisor
};
/// The text of /proc/stat; zeros where it has no line "cpu". `ticks` are those of a second.
CpuTimes parse_cpu_times(std::string_view proc_stat, double ticks);

/// How many processors' worth others took between two moments: foreign is other processes', steal
/// other machines'.
struct Disturbance {
  double foreign = 0, steal = 0;
};

/// Stands for a span of time that begins where it is made.
class Watch {
 public:
  Watch();
  Disturbance read() const;

 private:
  double wall_, own_;
  CpuTimes all_;
};

/// The `model name` of /proc/cpuinfo's text.
std::string cpu_name_of(std::string_view cpuinfo);

/// Sorted numbers as ranges: {0, 1, 2, 5} is "0-2,5".
std::string ranges(const std::vector<int>& numbers);

/// Processors that the calling thread may run on; all of them where the system cannot say.
std::vector<int> allowed_processors();

/// Binds each of `threads` OpenMP threads to one allowed processor, in order, round and round.
/// False where the system refuses.
bool pin_threads(int threads);

/// Throws the bytes out of all caches.
void evict(const void* data, size_t bytes);

}  // namespace talweg::bench
