// The program `talweg`: only here is anything turned into an exit code.
#include <omp.h>
#include <talweg_commit.h>  // written by CMake at each build

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <new>

#include "core/kernels/kernels.h"
#include "ocr/cli/program.h"
#include "ocr/cli/ranks.h"

namespace talweg::ocr::cli {
namespace {

std::string version() {
  return message("talweg ", TALWEG_VERSION, " (commit ", TALWEG_COMMIT, ", ", TALWEG_COMPILER,
                 ", instruction set ", kernels::table<float>().name, ", MPI: ", mpi_name(), ")");
}

int run(int argc, char** argv) {
  Settings settings;
  CLI::App app("Reads words: energies over windows, and the lowest-energy path through them.",
               "talweg");
  app.set_version_flag("--version", version);
  add_commands(app, settings);
  // Runs after parsing and before the subcommand's own callback.
  app.parse_complete_callback([&] {
    kernels::table<float>();  // an unknown TALWEG_ISA is refused here, whatever is asked for
    if (settings.threads > 0) omp_set_num_threads(settings.threads);
  });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (launch().rank > 0) return 0;  // one of several says it for all
    return app.exit(e) == 0 ? 0 : kMisused;
  }
  return 0;
}

/// Runs the program; anything thrown becomes one line on stderr and an exit code.
int guarded(int argc, char** argv) {
  const auto say = [](const char* text) { std::fprintf(stderr, "talweg: %s\n", text); };
  try {
    return run(argc, argv);
  } catch (const Exit& e) {
    return e.code;
  } catch (const UsageError& e) {
    say(e.what());
    return kMisused;
  } catch (const std::bad_alloc&) {
    say("out of memory; read fewer or smaller images at a time, or free some");
  } catch (const std::exception& e) {
    say(e.what());
  }
  return kFailed;
}

}  // namespace
}  // namespace talweg::ocr::cli

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an error of writing, not a sudden death
  const int code = talweg::ocr::cli::guarded(argc, argv);
  if (std::fflush(stdout) == 0 && !std::ferror(stdout)) return code;
  if (code == 0) {
    std::fputs("talweg: the output can't be written; is the disk full, or the pipe closed?\n",
               stderr);
  }
  return code == 0 ? 1 : code;
}
