// Which table<float>() is in use: the best one this processor runs, or the one that is asked for.
#include <atomic>
#include <cstdlib>

#include "core/error.h"
#include "core/kernels/isa_tables.h"

namespace talweg::kernels {
namespace {

struct Isa {
  const KernelTable<float>* table;
  bool runs_here;
};

/// All that are compiled in, best first.
std::vector<Isa> compiled_isas() {
  std::vector<Isa> isas;
#if defined(__x86_64__)
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl");
  isas.push_back({&kAvx512Table, avx512});
  isas.push_back({&kAvx2Table, avx2});
#endif
  isas.push_back({&kPortableTable, true});
  return isas;
}

std::string available_names() {
  std::string names;
  for (const std::string& name : available_isas()) names += (names.empty() ? "" : ", ") + name;
  return names;
}

/// `asked_by` begins the error message: "TALWEG_ISA" or "ScopedIsa".
const KernelTable<float>& find_table(const std::string& name, const char* asked_by) {
  if (name == reference<float>().name) return reference<float>();
  for (const Isa& isa : compiled_isas()) {
    if (name != isa.table->name) continue;
    if (isa.runs_here) return *isa.table;
    throw IoError(message("[", asked_by, "] this processor lacks the instruction set '", name,
                          "'; choose one of: ", available_names()));
  }
  throw IoError(message("[", asked_by, "] unknown instruction set '", name,
                        "'; choose one of: ", available_names()));
}

const KernelTable<float>& table_at_start() {
  const char* asked = std::getenv("TALWEG_ISA");
  if (asked != nullptr && *asked != '\0') return find_table(asked, "TALWEG_ISA");
  return find_table(available_isas().front(), "CPUID");
}

/// The one global of the engine. Null until the first use, so that a bad TALWEG_ISA throws where it
/// can be caught.
std::atomic<const KernelTable<float>*> table_in_use = nullptr;

[[gnu::noinline]] const KernelTable<float>& first_use() {
  const KernelTable<float>& table = table_at_start();
  table_in_use.store(&table, std::memory_order_release);
  return table;
}

}  // namespace

std::vector<std::string> available_isas() {
  std::vector<std::string> names;
  for (const Isa& isa : compiled_isas()) {
    if (isa.runs_here) names.emplace_back(isa.table->name);
  }
  return names;
}

template <> const KernelTable<float>& table<float>() {
  const KernelTable<float>* current = table_in_use.load(std::memory_order_acquire);
  return current != nullptr ? *current : first_use();
}

ScopedIsa::ScopedIsa(const std::string& name) : previous_(&table<float>()) {
  table_in_use = &find_table(name, "ScopedIsa");
}
ScopedIsa::~ScopedIsa() { table_in_use = previous_; }

}  // namespace talweg::kernels
