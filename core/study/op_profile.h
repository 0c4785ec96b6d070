// Where does a run's time go? By op, forward and backward, with the speed of what computes.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "core/tape_observer.h"

namespace talweg {

/// Adds up, from its construction on, what happens on a tape. Time passes to the op being made, from
/// its node's making (or the last event before, where that was another op's last) until its last
/// input is named; a backward pass's to the op whose rules run, and, in a second account, to the ops
/// that the rules are made of. What passes between a backward pass and the next node (an optimiser's
/// step, a batch's making) counts to none. Costs two looks at the clock an op.
template <class T> class OpProfile : public TapeObserver<T> {
 public:
  struct Row {
    std::string op;
    int64_t calls = 0;       ///< made in forward passes
    double forward = 0;      ///< seconds
    double backward = 0;     ///< seconds of its rules
    double bytes = 0;        ///< of the values made in forward passes
    int64_t runs = 0;        ///< made anywhere, in rules too
    double run_seconds = 0;  ///< of these
    double flops = 0;        ///< of these; 0 for ops bound by memory, see op_flops.h
  };

  explicit OpProfile(Tape<T>& tape);
  ~OpProfile() override;
  OpProfile(const OpProfile&) = delete;

  void made(Var<T> y) override;
  void reads(Var<T> y, Var<T> x, bool recorded) override;
  void began(Var<T> root) override;
  void passing(Var<T> y, Var<T> dy) override;
  void ran(Var<T> y, Var<T> x, Var<T> dx) override;
  void passed(Var<T> y) override;
  void ended() override;

  /// By op, the most time first.
  std::vector<Row> rows() const;
  double seconds() const;  ///< of all rows, forward and backward

  /// Two tables: time and bytes of each op that took at least a thousandth; and what computes, in
  /// GFLOP/s and in percent of `peak_gflops`, the machine's (0: unknown).
  std::string to_string(double peak_gflops) const;

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr int32_t kNobody = -1;

  double lap();  // seconds since the last event
  Row& row(const char* op);
  void charge(Row& row, double seconds);
  void close();  // the op that was being made is whole

  Tape<T>& tape_;
  TapeObserver<T>* before_;
  std::map<std::string, Row, std::less<>> rows_;
  Clock::time_point last_;
  // The op being made: a fused one is a waypoint, whose inputs are the op's, and then the op.
  Row* open_ = nullptr;
  int32_t node_ = kNobody, waypoint_ = kNobody;
  bool named_ = false;  // has it told of an input already?
  Shape output_;
  std::vector<Shape> inputs_;
  std::vector<Row*> passing_;  // whose rules run; one for each pass under way
};

extern template class OpProfile<float>;
extern template class OpProfile<double>;

}  // namespace talweg
