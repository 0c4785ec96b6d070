#include "ocr/cli/ranks.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include "ocr/cli/command.h"
#include "ocr/cli/mpi_ranks.h"

namespace talweg::ocr::cli {

namespace {

class OneProcess final : public Ranks {
 public:
  nn::Communicator& communicator() override { return alone_; }
  void finish() override {}
  void abandon(const std::string&) override {}

 private:
  nn::Alone alone_;
};

}  // namespace

Launch launch() {
  struct Names {
    const char *size, *rank;
  };
  // Open MPI; MPICH, Intel MPI and srun --mpi=pmi2; MVAPICH; srun --mpi=pmix. The last pair alone would
  // prove nothing: a batch script has it too.
  constexpr std::array<Names, 3> launchers{{{"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"},
                                            {"PMI_SIZE", "PMI_RANK"},
                                            {"MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK"}}};
  const auto read = [](const Names& names) -> Launch {
    const char *size = std::getenv(names.size), *rank = std::getenv(names.rank);
    if (size == nullptr || rank == nullptr) return {};
    return {std::atoi(rank), std::atoi(size), names.size};
  };
  for (const Names& names : launchers) {
    if (Launch found = read(names); !found.said_by.empty()) return found;
  }
  return std::getenv("PMIX_RANK") != nullptr ? read({"SLURM_STEP_NUM_TASKS", "PMIX_RANK"})
                                             : Launch();
}

std::unique_ptr<Ranks> join_ranks() {
  const Launch launched = launch();
#ifdef TALWEG_MPI
  if (!launched.said_by.empty()) return join_mpi();
#else
  if (launched.size > 1) {
    throw UsageError(message(launched.size, " processes were started together (", launched.said_by,
                             "), but this talweg was built without MPI; build it with ",
                             "-DTALWEG_MPI=ON, or start one"));
  }
#endif
  return std::make_unique<OneProcess>();
}

#ifndef TALWEG_MPI
std::string mpi_name() { return "none"; }
#endif

Muted::Muted() : out_(dup(STDOUT_FILENO)), err_(dup(STDERR_FILENO)) {
  std::fflush(stdout);
  const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  dup2(nowhere, STDOUT_FILENO);
  dup2(nowhere, STDERR_FILENO);
  close(nowhere);
}

Muted::~Muted() {
  std::fflush(stdout);
  dup2(out_, STDOUT_FILENO);
  dup2(err_, STDERR_FILENO);
  close(out_);
  close(err_);
}

}  // namespace talweg::ocr::cli
