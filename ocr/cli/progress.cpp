#include "ocr/cli/progress.h"

#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <utility>

namespace talweg::ocr::cli {

namespace {
constexpr double kTerminalInterval = 0.2, kPlainInterval = 10;  // seconds between two drawings
}

Progress::Progress(std::string what, int64_t total, bool quiet)
    : what_(std::move(what)),
      total_(total),
      quiet_(quiet),
      terminal_(isatty(STDERR_FILENO) != 0),
      start_(Clock::now()),
      last_(start_) {}

Progress::~Progress() {
  if (!quiet_ && terminal_ && !line_.empty()) std::fputc('\n', stderr);
}

double Progress::seconds() const {
  return std::chrono::duration<double>(Clock::now() - start_).count();
}

void Progress::update(int64_t done, const std::string& detail) {
  if (quiet_) return;
  if (before_ < 0) before_ = done > 0 ? done - 1 : 0;
  const auto now = Clock::now();
  const double since = std::chrono::duration<double>(now - last_).count();
  if (done < total_ && since < (terminal_ ? kTerminalInterval : kPlainInterval)) return;
  last_ = now;
  draw(done, detail);
}

void Progress::draw(int64_t done, const std::string& detail) {
  const double spent = seconds();
  line_ = what_ + " " + std::to_string(done) + "/" + std::to_string(total_);
  if (done >= total_) {
    line_ += "  took " + clock_time(spent);
  } else if (done > before_) {
    line_ += "  left " + clock_time(spent / double(done - before_) * double(total_ - done));
  }
  if (!detail.empty()) line_ += "  " + detail;
  // Back to the line's begin, and clear what a longer one left.
  std::fprintf(stderr, terminal_ ? "\r%s\x1b[K" : "%s\n", line_.c_str());
}

void Progress::note(const std::string& text) {
  if (quiet_) return;
  std::fprintf(stderr, terminal_ ? "\r\x1b[K%s\n" : "%s\n", text.c_str());
  if (terminal_ && !line_.empty()) std::fputs(line_.c_str(), stderr);
}

std::string clock_time(double seconds) {
  const int64_t s = std::llround(seconds);
  char text[32];
  if (s < 3600) {
    std::snprintf(text, sizeof text, "%d:%02d", int(s / 60), int(s % 60));
  } else {
    std::snprintf(text, sizeof text, "%d:%02d:%02d", int(s / 3600), int(s / 60 % 60), int(s % 60));
  }
  return text;
}

}  // namespace talweg::ocr::cli
