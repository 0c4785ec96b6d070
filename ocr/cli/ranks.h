// The processes that an MPI launcher (mpirun, srun) started together to train one model.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "nn/communicator.h"

namespace talweg::ocr::cli {

/// What the launcher says of this process in its environment: the only one, unless it says otherwise.
struct Launch {
  int rank = 0, size = 1;
  std::string
      said_by;  ///< the variable that tells the size; empty where nobody started us together
};
Launch launch();

/// A member of the job. Where one throws instead of going through to finish(), the job ends.
class Ranks {
 public:
  virtual ~Ranks() = default;
  virtual nn::Communicator& communicator() = 0;
  /// All is done: waits for the others.
  virtual void finish() = 0;
  /// Not in process 0: tells that one, who speaks for all, why this one gives up, and waits to be ended.
  virtual void abandon(const std::string& why) = 0;
};

/// This process by itself, or, where a launcher started several, with them. Throws UsageError where this
/// program was built without MPI and can't join them.
std::unique_ptr<Ranks> join_ranks();

/// "Open MPI 4.1.4", or "none": for --version.
std::string mpi_name();

/// While it lives, nothing reaches stdout and stderr: process 0 says the same.
class Muted {
 public:
  Muted();
  ~Muted();
  Muted(const Muted&) = delete;

 private:
  int out_, err_;  // where they led
};

}  // namespace talweg::ocr::cli
