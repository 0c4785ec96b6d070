#include "core/study/memory_timeline.h"

#include <algorithm>
#include <string_view>

#include "core/io/svg.h"
#include "core/io/text.h"

namespace talweg {

template <class T> MemoryTimeline<T>::MemoryTimeline(Tape<T>& tape) : TapeLog<T>(tape) {}

/// Forgets the values of nodes from this place on: they were given back with their scope.
template <class T> void MemoryTimeline<T>::drop_from(int32_t node) {
  while (!live_.empty() && live_.back().node >= node) {
    values_ -= live_.back().bytes;
    live_.pop_back();
  }
}

/// Forgets what the tape no longer holds: given back by backward(), or by a scope.
template <class T> void MemoryTimeline<T>::drop_given_back() {
  Tape<T>& tape = this->tape();
  drop_from(int32_t(tape.node_count()));
  std::erase_if(live_, [&](const Live& l) {
    const Var<T> v = tape.at(std::size_t(l.node));
    const bool gone = !v.readable() || v.data() != l.data;
    if (gone) values_ -= l.bytes;
    return gone;
  });
}

template <class T> void MemoryTimeline<T>::note(const char* op) {
  const std::size_t bytes = this->tape().pool().live_bytes();
  events_.push_back({op, passes_ > 0, bytes, values_});
  if (bytes <= peak_) return;
  peak_ = bytes;
  values_at_peak_ = values_;
  holders_.clear();
  for (const Live& l : live_) {
    const Var<T> v = this->tape().at(std::size_t(l.node));
    holders_.push_back({v.op(), l.node, v.shape(), {}, l.bytes});
  }
  std::ranges::stable_sort(holders_, std::greater(), &Holder::bytes);
  if (holders_.size() > 32) holders_.resize(32);
  for (Holder& h : holders_) h.line = this->line(this->tape().at(std::size_t(h.node)));
}

template <class T> void MemoryTimeline<T>::made(Var<T> y) {
  TapeLog<T>::made(y);
  drop_from(y.index());
  const std::string_view op = y.op();
  if (y.readable() && op != "borrow" && op != "adjoint") {
    const auto same = [&](const Live& l) { return l.data == y.data(); };
    if (std::ranges::none_of(live_, same)) {  // else a view
      const std::size_t bytes = std::size_t(y.size()) * sizeof(T);
      live_.push_back({y.index(), y.data(), bytes});
      values_ += bytes;
    }
  }
  if (op != "adjoint") note(y.op());
}

template <class T> void MemoryTimeline<T>::began(Var<T>) {
  if (passes_++ == 0 && at_began_ == 0) at_began_ = this->tape().pool().live_bytes();
}

template <class T> void MemoryTimeline<T>::passing(Var<T> y, Var<T>) { note(y.op()); }

template <class T> void MemoryTimeline<T>::passed(Var<T> y) {
  drop_given_back();
  note(y.op());
}

template <class T> void MemoryTimeline<T>::ended() {
  drop_given_back();
  --passes_;
}

template class MemoryTimeline<float>;
template class MemoryTimeline<double>;

std::string format_bytes(std::size_t bytes) {
  constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB"};
  double value = double(bytes);
  int unit = 0;
  while (value >= 999.5 && unit < 4) value /= 1000, ++unit;
  const int places = unit == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return io::format_number(value, places) + " " + kUnits[unit];
}

namespace {

std::string padded(std::string text, std::size_t width, bool right = true) {
  const std::size_t fill = text.size() < width ? width - text.size() : 0;
  return right ? std::string(fill, ' ') + text : text + std::string(fill, ' ');
}

std::string times(double a, double b) {
  return b > 0 ? io::format_number(a / b, 2) + "x" : std::string("-");
}

}  // namespace

template <class T> std::string memory_text(std::span<const MemoryRun<T>> runs, int holders) {
  std::size_t width = 4;
  for (const auto& run : runs) width = std::max(width, run.name.size());
  std::string text =
      padded("run", width, false) + "  after forward        peak  of first     step ms  of first\n";
  for (const auto& run : runs) {
    const auto& t = *run.timeline;
    const auto& first = runs[0];
    text += padded(run.name, width, false) + padded(format_bytes(t.after_forward()), 15) +
            padded(format_bytes(t.peak()), 12) +
            padded(times(double(t.peak()), double(first.timeline->peak())), 10) +
            padded(run.milliseconds > 0 ? io::format_number(run.milliseconds, 2) : "-", 12) +
            padded(times(run.milliseconds, first.milliseconds), 10) + "\n";
  }
  for (const auto& run : runs) {
    const auto& t = *run.timeline;
    text += message("\n", run.name, ": ", format_bytes(t.values_at_peak()), " of ",
                    format_bytes(t.peak()), " at the peak are values, the rest gradients and ",
                    "working space; the largest values:\n");
    for (std::size_t i = 0; i < std::min(t.holders().size(), std::size_t(holders)); ++i) {
      const auto& h = t.holders()[i];
      text +=
          message(padded(format_bytes(h.bytes), 12), "  ", padded(h.op, 22, false), " ", h.shape);
      if (!h.line.file.empty()) text += message("  ", h.line.file, ":", h.line.line);
      text += "\n";
    }
  }
  return text;
}

template <class T> std::string memory_svg(std::span<const MemoryRun<T>> runs) {
  io::LineChart chart;
  chart.title = "Bytes a training step holds";
  chart.x_label = "share of the step's events: forward, then backward";
  chart.y_label = "MB";
  chart.y_min = 0;
  chart.width = 860;
  chart.height = 440;
  for (const auto& run : runs) {
    const auto& t = *run.timeline;
    io::Series s;
    s.name = message(run.name, ": peak ", format_bytes(t.peak()));
    if (run.milliseconds > 0) s.name += ", " + io::format_number(run.milliseconds, 1) + " ms";
    // Forward takes the left half, backward the right, so that runs of different length compare.
    const auto begins = std::ranges::find(t.events(), true, &MemoryTimeline<T>::Event::backward);
    const double forward = double(begins - t.events().begin());
    const double backward = double(t.events().end() - begins);
    for (std::size_t i = 0; i < t.events().size(); ++i) {
      const double at = double(i) + 1;
      s.x.push_back(at <= forward ? 50 * at / forward : 50 + 50 * (at - forward) / backward);
      s.y.push_back(double(t.events()[i].bytes) * 1e-6);
    }
    chart.series.push_back(std::move(s));
  }
  return io::draw(chart);
}

template std::string memory_text(std::span<const MemoryRun<float>>, int);
template std::string memory_text(std::span<const MemoryRun<double>>, int);
template std::string memory_svg(std::span<const MemoryRun<float>>);
template std::string memory_svg(std::span<const MemoryRun<double>>);

}  // namespace talweg
