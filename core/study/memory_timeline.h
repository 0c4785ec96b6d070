// Where does a step's memory go? The bytes that a tape holds, event by event, and which values hold
// them at the peak.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/study/tape_log.h"

namespace talweg {

/// Watches a tape from its construction on: one forward and one backward pass, say. Bytes are what
/// the tape's pool has handed out, sampled when a node is made or passed; the working space that a
/// kernel takes and gives back between two events is not seen.
template <class T> class MemoryTimeline : public TapeLog<T> {
 public:
  struct Event {
    const char* op;  ///< of the node made or passed
    bool backward;
    std::size_t bytes;   ///< held by the tape now: values, gradients, kept scratch
    std::size_t values;  ///< of these, values of nodes
  };
  struct Holder {
    const char* op;
    int32_t node;
    Shape shape;
    SourceLine line;
    std::size_t bytes;
  };

  explicit MemoryTimeline(Tape<T>& tape);

  void made(Var<T> y) override;
  void began(Var<T> root) override;
  void passing(Var<T> y, Var<T> dy) override;
  void passed(Var<T> y) override;
  void ended() override;

  const std::vector<Event>& events() const { return events_; }
  std::size_t peak() const { return peak_; }               ///< bytes
  std::size_t after_forward() const { return at_began_; }  ///< held when the first pass began
  /// The values that stood at the peak, largest first.
  const std::vector<Holder>& holders() const { return holders_; }
  std::size_t values_at_peak() const { return values_at_peak_; }

 private:
  struct Live {
    int32_t node;
    const void* data;
    std::size_t bytes;
  };

  void note(const char* op);
  void drop_from(int32_t node);
  void drop_given_back();

  std::vector<Event> events_;
  std::vector<Live> live_;  // owned values, in the order of the tape
  std::vector<Holder> holders_;
  std::size_t values_ = 0, peak_ = 0, values_at_peak_ = 0, at_began_ = 0;
  int passes_ = 0;
};

extern template class MemoryTimeline<float>;
extern template class MemoryTimeline<double>;

/// A timeline by name, with what it cost in time, for a comparison.
template <class T> struct MemoryRun {
  std::string name;
  const MemoryTimeline<T>* timeline;
  double milliseconds;  ///< of the step; 0 where nobody measured
};

/// A table: for each run the bytes held after the forward pass, the peak, the time, and both relative
/// to the first run; then the largest values at the peak of each.
template <class T> std::string memory_text(std::span<const MemoryRun<T>> runs, int holders = 6);

/// Bytes over the events of the step, a line a run, an SVG.
template <class T> std::string memory_svg(std::span<const MemoryRun<T>> runs);

/// "12.5 MB": decimal units, three digits.
std::string format_bytes(std::size_t bytes);

}  // namespace talweg
