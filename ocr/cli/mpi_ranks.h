// The members of a job by MPI: for ranks.cpp, in builds with -DTALWEG_MPI=ON.
#pragma once

#include <memory>

#include "ocr/cli/ranks.h"

namespace talweg::ocr::cli {

/// Joins the others; a process can do so once.
std::unique_ptr<Ranks> join_mpi();

}  // namespace talweg::ocr::cli
