// JSON as the subcommands print it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace talweg::ocr::cli {

/// The document as text; `indent` -1 for one line. File names need not be UTF-8, JSON must be: bytes
/// that are not are shown as U+FFFD.
inline std::string json_text(const nlohmann::ordered_json& document, int indent = -1) {
  return document.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace talweg::ocr::cli
