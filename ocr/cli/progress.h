// One line that tells how far a long job is, on stderr.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace talweg::ocr::cli {

/// On a terminal the line is drawn over itself a few times a second; elsewhere a plain line is
/// printed now and then. Silent where `quiet`.
class Progress {
 public:
  Progress(std::string what, int64_t total, bool quiet);
  /// Leaves the last line standing.
  ~Progress();
  Progress(const Progress&) = delete;

  /// `done` of the total are finished; `detail` is shown behind the time that is left, which follows
  /// from what was done since the first call: a job that is resumed does not begin at 0.
  void update(int64_t done, const std::string& detail = "");
  /// Prints a line of its own above the progress line.
  void note(const std::string& text);
  /// Seconds since the start.
  double seconds() const;

 private:
  using Clock = std::chrono::steady_clock;
  void draw(int64_t done, const std::string& detail);

  std::string what_;
  int64_t total_, before_ = -1;  // finished when it began
  bool quiet_, terminal_;
  Clock::time_point start_, last_;
  std::string line_;
};

/// The time that work took, without its pauses.
class Stopwatch {
 public:
  /// Stands still, with `seconds` counted already.
  explicit Stopwatch(double seconds = 0) : counted_(seconds) {}
  void go() { since_ = Clock::now(); }
  void pause() { counted_ = seconds(), since_.reset(); }
  double seconds() const {
    return counted_ + (since_ ? std::chrono::duration<double>(Clock::now() - *since_).count() : 0);
  }

 private:
  using Clock = std::chrono::steady_clock;
  double counted_;
  std::optional<Clock::time_point> since_;
};

/// "0:42", "12:05", "1:02:03".
std::string clock_time(double seconds);

}  // namespace talweg::ocr::cli
