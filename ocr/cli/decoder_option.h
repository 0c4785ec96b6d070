// The --decoder option of the subcommands that read.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "ocr/recognizer.h"

namespace talweg::ocr::cli {

inline void add_decoder_option(CLI::App& command, std::string& decoder) {
  command
      .add_option("--decoder", decoder,
                  "exact: the least-energy word; classic: window by window, with a majority vote")
      ->check(CLI::IsMember({"exact", "classic"}))
      ->capture_default_str();
}

inline Decoder parse_decoder(const std::string& name) {
  return name == "classic" ? Decoder::classic : Decoder::exact;
}

}  // namespace talweg::ocr::cli
