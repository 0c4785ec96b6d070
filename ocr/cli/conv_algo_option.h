// The --conv-algo option of the subcommands that run the network.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "core/ops/conv_algo.h"

namespace talweg::ocr::cli {

/// Fills `algo`, a name that parse_conv_algo knows.
inline void add_conv_algo_option(CLI::App& command, std::string& algo) {
  command
      .add_option("--conv-algo", algo,
                  "How convolutions are computed; a layer that Winograd (wino2, wino4) can't do is "
                  "computed directly")
      ->check(CLI::IsMember({"direct", "wino2", "wino4", "auto"}))
      ->capture_default_str();
}

}  // namespace talweg::ocr::cli
