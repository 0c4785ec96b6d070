#include "ocr/sample_groups.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <string_view>

#include "core/error.h"
#include "core/io/file.h"
#include "ocr/text.h"

namespace talweg::ocr {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNoGroup = "(none)";

using Lines = std::map<int, std::vector<std::string>>;  // by their number

Lines lines_of_list(const std::string& path) {
  const std::string bytes = io::read_file(path);
  Lines lines;
  for (const TextLine& line : lines_of(bytes)) {
    const auto cells = cells_of(line.text);
    lines[line.number].assign(cells.begin(), cells.end());
  }
  return lines;
}

/// The header's cells; none where the first line is a sample.
std::vector<std::string> header_of(const Lines& lines) {
  const auto first = lines.find(1);
  if (first == lines.end() || first->second.size() < 2) return {};
  const auto& cells = first->second;
  return cells[0] == "file" || cells[0] == "image" ? cells : std::vector<std::string>();
}

/// Which column `by` names, from 0.
std::size_t find_column(const std::string& list, const Lines& lines, const std::string& by) {
  const std::vector<std::string> header = header_of(lines);
  std::size_t widest = 0;
  for (const auto& [number, cells] : lines) widest = std::max(widest, cells.size());
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(by.data(), by.data() + by.size(), number);
  if (error == std::errc() && end == by.data() + by.size()) {
    if (number >= 3 && number <= widest) return number - 1;
    throw IoError(message(list, " has ", widest, " columns, so it can't be grouped by column ", by,
                          widest < 3 ? "; the groups must stand behind image and text"
                                     : "; columns from 3 on are groups"));
  }
  const auto found = std::ranges::find(header, by);
  if (found != header.end()) return std::size_t(found - header.begin());
  throw IoError(message("there is no column '", by, "' in ", list, " and no file of that name; ",
                        header.empty() ? "the list has no header line, so name the column by its "
                                         "number, from 3 on"
                                       : "the header line names its columns"));
}

SampleGroups by_table(std::span<const Sample> samples, const std::string& path) {
  SampleGroups groups{fs::path(path).stem().string(), {}};
  std::map<std::string, std::string> group_of;
  for (const auto& [number, cells] : lines_of_list(path)) {
    if (cells.size() < 2) continue;
    if (number == 1 && (cells[0] == "file" || cells[0] == "image")) {
      groups.name = cells[1];
    } else {
      group_of[fs::path(cells[0]).filename().string()] = cells[1];
    }
  }
  if (group_of.empty()) throw IoError(message(path, " holds no line 'file<TAB>group'"));
  for (const Sample& s : samples) {
    const auto found = group_of.find(fs::path(s.path).filename().string());
    groups.of.push_back(found == group_of.end() ? kNoGroup : found->second);
  }
  return groups;
}

}  // namespace

SampleGroups group_samples(std::span<const Sample> samples, const std::string& by) {
  std::error_code absent;
  if (fs::is_regular_file(by, absent)) return by_table(samples, by);
  SampleGroups groups{by, {}};
  std::string list;
  Lines lines;
  std::size_t column = 0;
  for (const Sample& s : samples) {
    if (s.source != list) {
      const std::string extension = fs::path(s.source).extension().string();
      if (s.source.ends_with(".gt.txt") || (extension != ".tsv" && extension != ".txt")) {
        throw IoError(message("the texts come from ", s.source, ", which has no columns to group ",
                              "by; give a table of file<TAB>group lines"));
      }
      list = s.source;
      lines = lines_of_list(list);
      column = find_column(list, lines, by);
      const auto header = header_of(lines);
      groups.name = column < header.size() ? header[column] : message("column ", column + 1);
    }
    const auto line = lines.find(s.line);
    const bool there = line != lines.end() && column < line->second.size();
    groups.of.push_back(there && !line->second[column].empty() ? line->second[column] : kNoGroup);
  }
  return groups;
}

}  // namespace talweg::ocr
