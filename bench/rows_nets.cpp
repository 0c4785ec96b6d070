// Rows of whole networks: a training step and reading, of the nets in nets.h.
//
// Time is measured here; peak memory and page faults are measured by talweg_nets, in a process that
// does nothing else, and stand in the row's note.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "bench/buffer.h"
#include "bench/nets.h"
#include "bench/rows.h"
#include "core/error.h"

namespace talweg::bench {
namespace {

struct Mode {
  const char* name;
  bool train;
  int64_t batch;
};
constexpr std::array<Mode, 3> kModes{
    {{"train", true, 32}, {"infer", false, 32}, {"infer-batch1", false, 1}}};
constexpr double kAloneSeconds = 0.3;

/// What talweg_nets, beside this program, says of memory; empty where it is not there.
std::string memory_alone(const std::string& net, const Mode& mode, const Row& row) {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  const auto program = self.parent_path() / "talweg_nets";
  if (error || !std::filesystem::exists(program)) return {};
  const std::string command = message(
      "OMP_NUM_THREADS=", row.threads, " TALWEG_ISA=", row.isa, " '", program.string(), "' ", net,
      mode.train ? " train " : " infer ", mode.batch, " ", kAloneSeconds, " --memory");
  FILE* output = popen(command.c_str(), "r");
  if (output == nullptr) return {};
  std::array<char, 200> line{};
  const bool said = std::fgets(line.data(), int(line.size()), output) != nullptr;
  if (pclose(output) != 0 || !said) return {};
  std::string text = line.data();
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

Row net_row(const std::string& net, const Mode& mode, const std::string& isa, int threads) {
  Row row;
  row.problem = "nets/" + net + "/" + mode.name;
  row.way = "talweg/" + isa;
  row.threads = threads;
  row.isa = isa;
  row.units = double(mode.batch);
  row.unit = "word";
  row.groups = {"nets"};
  row.in_sum = false;
  row.in_smoke = net == "tiny";
  row.nominal_flop = net_flop(net, mode.batch, mode.train);
  row.make = [net, mode, row] {
    const auto work = std::make_shared<Net>(net, mode.batch);
    Work w;
    w.note = memory_alone(net, mode, row);
    if (mode.train) {
      w.run = [work] { work->train(); };
    } else {
      const auto read = std::make_shared<std::span<const float>>();
      w.run = [=] { *read = work->infer(); };
      w.hash = [=] { return hash_of(read->data(), int64_t(read->size())); };
    }
    for (int warm_up = 0; warm_up < 3; ++warm_up) w.run();
    return w;
  };
  return row;
}

}  // namespace

void add_net_rows(Suite& suite) {
  for (const char* net : {"crnn", "tiny"}) {
    for (const Mode& mode : kModes) {
      for (const std::string& isa : suite.options().isas) {
        for (const int threads : suite.options().threads) {
          suite.add(net_row(net, mode, isa, threads));
        }
      }
    }
  }
}

}  // namespace talweg::bench
