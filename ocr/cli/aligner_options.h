// The options --topology and --beta of the subcommands that train.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "core/error.h"
#include "ocr/annealing.h"

namespace talweg::ocr::cli {

inline void add_topology_option(CLI::App& command, std::string& topology) {
  command
      .add_option("--topology", topology,
                  "How windows spell a word: classic (a gap after every letter), margins (gaps "
                  "around the word too), ctc (gaps only where letters repeat)")
      ->check(CLI::IsMember({"classic", "margins", "ctc"}))
      ->capture_default_str();
}

inline void add_beta_option(CLI::App& command, std::string& beta) {
  command
      .add_option(
          "--beta", beta,
          "Inverse temperature of the aligner: inf (the best path alone), 1 (all paths), or "
          "rising while training, as in 0.3:10 or 0.3:inf")
      ->check([](const std::string& text) {
        try {
          BetaSchedule::parse(text);
          return std::string();
        } catch (const Error& e) {
          return std::string(e.what());
        }
      })
      ->capture_default_str();
}

}  // namespace talweg::ocr::cli
