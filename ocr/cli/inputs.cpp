#include "ocr/cli/inputs.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "core/error.h"
#include "core/io/file.h"
#include "ocr/dataset.h"
#include "ocr/text.h"

namespace talweg::ocr::cli {

namespace fs = std::filesystem;

namespace {

std::string lower_extension(const fs::path& path) {
  std::string e = path.extension().string();
  std::transform(e.begin(), e.end(), e.begin(), [](unsigned char c) { return char(tolower(c)); });
  return e;
}

/// Everything in a folder but the files that are known to be no pictures: what looks odd is tried, and
/// named if it can't be read.
bool may_be_image(const fs::path& path) {
  constexpr std::array skipped{".txt", ".tsv", ".json", ".html", ".safetensors"};
  const std::string name = path.filename().string();
  return !name.starts_with('.') &&
         std::find(skipped.begin(), skipped.end(), lower_extension(path)) == skipped.end();
}

std::string first_column(std::string_view line) {
  return std::string(trim(line.substr(0, line.find('\t'))));
}

void take_folder(const std::string& folder, const std::function<void(const std::string&)>& take) {
  std::vector<std::string> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    // A link to nowhere is taken too: it will be named as missing.
    std::error_code nowhere;
    const bool is_file = entry.is_regular_file(nowhere) || !entry.exists(nowhere);
    if (is_file && may_be_image(entry.path())) files.push_back(entry.path());
  }
  if (error) throw IoError(message(folder, ": the folder can't be read: ", error.message()));
  if (files.empty()) throw IoError(message(folder, ": there is no image in this folder"));
  std::sort(files.begin(), files.end());
  std::for_each(files.begin(), files.end(), take);
}

void take_list(const std::string& list, bool outside,
               const std::function<void(const std::string&)>& take) {
  const fs::path folder = fs::path(list).parent_path();
  const std::string bytes = io::read_file(list);
  int taken = 0;
  for (const TextLine& line : lines_of(bytes)) {
    const std::string name = first_column(line.text);
    if (name.empty() || (taken == 0 && (name == "file" || name == "image"))) continue;
    if (!outside && !stays_inside(name)) {
      throw IoError(message(list, ":", line.number, ": the image path ", name,
                            " leaves the list's ",
                            "folder; move the image there, or allow it with --outside"));
    }
    take(fs::path(name).is_absolute() ? name : (folder / name).string());
    ++taken;
  }
  if (taken == 0) throw IoError(message(list, ": the list names no image"));
}

/// More than any path has: what is longer is no list.
constexpr std::size_t kLongestLine = std::size_t(1) << 20;

/// A list on stdin. Read without the library's buffer, which would hide whether more is at hand.
void take_stdin(const std::function<void(const std::string&)>& take,
                const std::function<void()>& idle) {
  std::string text;
  std::array<char, 1 << 14> buffer;
  const auto take_line = [&](std::string_view line) {
    const std::string name = first_column(line.substr(0, line.find('\r')));
    if (!name.empty()) take(name);
  };
  while (true) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (poll(&input, 1, 0) == 0) idle();
    const ssize_t count = read(STDIN_FILENO, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw IoError(message("stdin can't be read: ", std::strerror(errno)));
    if (count == 0) break;
    text.append(buffer.data(), std::size_t(count));
    std::size_t begin = 0;
    for (std::size_t end; (end = text.find('\n', begin)) != text.npos; begin = end + 1) {
      take_line(std::string_view(text).substr(begin, end - begin));
    }
    text.erase(0, begin);
    if (text.size() > kLongestLine) {
      throw IoError(message("stdin: a line of more than ", kLongestLine,
                            " bytes is no path; give a ", "list of image files, one a line"));
    }
  }
  take_line(text);
}

}  // namespace

bool is_list(const std::string& argument) {
  const std::string extension = lower_extension(argument);
  return extension == ".txt" || extension == ".tsv";
}

void for_each_image(const std::vector<std::string>& arguments, bool outside,
                    const std::function<void(const std::string& path)>& take,
                    const std::function<void()>& idle) {
  for (const std::string& argument : arguments) {
    if (argument == "-") {
      take_stdin(take, idle);
    } else if (fs::is_directory(argument)) {
      take_folder(argument, take);
    } else if (is_list(argument)) {
      take_list(argument, outside, take);
    } else {
      take(argument);
    }
  }
}

}  // namespace talweg::ocr::cli
