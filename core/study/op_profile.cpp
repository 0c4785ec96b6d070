#include "core/study/op_profile.h"

#include <algorithm>
#include <string_view>

#include "core/io/text.h"
#include "core/study/op_flops.h"

namespace talweg {

template <class T>
OpProfile<T>::OpProfile(Tape<T>& tape)
    : tape_(tape), before_(tape.observe(this)), last_(Clock::now()) {}

template <class T> OpProfile<T>::~OpProfile() { tape_.observe(before_); }

template <class T> double OpProfile<T>::lap() {
  const auto now = Clock::now();
  return std::chrono::duration<double>(now - std::exchange(last_, now)).count();
}

template <class T> typename OpProfile<T>::Row& OpProfile<T>::row(const char* op) {
  const auto it = rows_.find(std::string_view(op));
  if (it != rows_.end()) return it->second;
  Row& fresh = rows_[op];
  fresh.op = op;
  return fresh;
}

/// To whom it is in the making, and to whose rule it is.
template <class T> void OpProfile<T>::charge(Row& row, double seconds) {
  row.run_seconds += seconds;
  if (passing_.empty()) {
    row.forward += seconds;
  } else if (passing_.back()) {
    passing_.back()->backward += seconds;
  }
}

template <class T> void OpProfile<T>::close() {
  if (!open_) return;
  open_->flops += op_flops(open_->op, inputs_, output_);
  open_ = nullptr;
  node_ = waypoint_ = kNobody;
  inputs_.clear();
}

template <class T> void OpProfile<T>::made(Var<T> y) {
  const double seconds = lap();
  const bool unfinished = open_ && !named_;  // it wrote its value and has no inputs to tell
  if (unfinished) charge(*open_, seconds);
  if (std::string_view(y.op()) == "adjoint") return;
  if (!y.readable()) {  // a waypoint
    close();
    waypoint_ = y.index();
    output_ = y.shape();
    return;
  }
  const bool behind_waypoint = waypoint_ != kNobody && !open_;
  if (!behind_waypoint) {
    close();
    output_ = y.shape();
  }
  Row& r = row(y.op());
  // What passed since another op was whole went into this one's preparation; unless nobody watches
  // between a backward pass and the next forward one, which is the user's own time.
  if (!unfinished && (node_ != kNobody || named_ || !passing_.empty())) charge(r, seconds);
  open_ = &r;
  node_ = y.index();
  named_ = false;
  ++r.runs;
  if (!passing_.empty()) return;
  ++r.calls;
  r.bytes += double(y.size()) * sizeof(T);
}

template <class T> void OpProfile<T>::reads(Var<T> y, Var<T> x, bool) {
  const double seconds = lap();
  if (!open_) {  // a waypoint whose op is not made next
    if (y.index() == waypoint_) waypoint_ = kNobody;
    return;
  }
  charge(*open_, seconds);
  if (y.index() != node_ && y.index() != waypoint_) return;
  named_ = true;
  // Of a fused op, what its waypoint reads; a view tells of its input twice.
  if (x.index() != waypoint_) inputs_.push_back(x.shape());
}

template <class T> void OpProfile<T>::began(Var<T>) {
  const double seconds = lap();
  if (open_ && !named_) charge(*open_, seconds);
  close();
  passing_.push_back(nullptr);
}

template <class T> void OpProfile<T>::passing(Var<T> y, Var<T>) {
  lap();
  close();
  passing_.back() = &row(y.op());
}

template <class T> void OpProfile<T>::ran(Var<T>, Var<T>, Var<T>) {
  const double seconds = lap();
  if (open_ && !named_) {
    charge(*open_, seconds);
  } else {
    passing_.back()->backward += seconds;
  }
  close();
}

template <class T> void OpProfile<T>::passed(Var<T>) { passing_.back()->backward += lap(); }

template <class T> void OpProfile<T>::ended() {
  lap();
  close();
  passing_.pop_back();
  named_ = false;
}

template <class T> std::vector<typename OpProfile<T>::Row> OpProfile<T>::rows() const {
  std::vector<Row> all;
  for (const auto& [op, row] : rows_) all.push_back(row);
  std::ranges::stable_sort(all, std::greater(),
                           [](const Row& r) { return r.forward + r.backward; });
  return all;
}

template <class T> double OpProfile<T>::seconds() const {
  double total = 0;
  for (const auto& [op, row] : rows_) total += row.forward + row.backward;
  return total;
}

namespace {

std::string cell(const std::string& text, std::size_t width) {
  return std::string(text.size() < width ? width - text.size() : 0, ' ') + text;
}
std::string cell(double value, int places, std::size_t width) {
  return cell(io::format_number(value, places), width);
}
std::string first_cell(std::string text) {
  text.resize(std::max<std::size_t>(text.size(), 34), ' ');
  return text;
}

}  // namespace

template <class T> std::string OpProfile<T>::to_string(double peak_gflops) const {
  const double total = seconds();
  std::string text = first_cell("op") + "    calls  forward s  backward s      %   made MB\n";
  const std::vector<Row> all = rows();
  for (const Row& r : all) {
    const double both = r.forward + r.backward;
    if (both < 1e-3 * total) continue;
    text += first_cell(r.op) + cell(std::to_string(r.calls), 9) + cell(r.forward, 4, 11) +
            cell(r.backward, 4, 12) + cell(100 * both / total, 1, 7) + cell(r.bytes * 1e-6, 1, 10) +
            "\n";
  }
  text += first_cell("all") + cell("", 9) + cell("", 11) + cell(total, 4, 12) + "\n\n";
  text += first_cell("what computes, in rules too") + "     runs          s       GFLOP  GFLOP/s" +
          (peak_gflops > 0 ? "  % of peak\n" : "\n");
  for (const Row& r : all) {
    if (r.flops <= 0) continue;
    const double speed = r.run_seconds > 0 ? r.flops / r.run_seconds * 1e-9 : 0;
    text += first_cell(r.op) + cell(std::to_string(r.runs), 9) + cell(r.run_seconds, 4, 11) +
            cell(r.flops * 1e-9, 3, 12) + cell(speed, 1, 9) +
            (peak_gflops > 0 ? cell(100 * speed / peak_gflops, 1, 11) : "") + "\n";
  }
  return text;
}

template class OpProfile<float>;
template class OpProfile<double>;

}  // namespace talweg
