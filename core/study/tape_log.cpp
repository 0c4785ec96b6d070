#include "core/study/tape_log.h"

#include <algorithm>

namespace talweg {

template <class T> void TapeLog<T>::made(Var<T> y) {
  // A place that is taken again was given back: so was everything behind it.
  while (!entries_.empty() && entries_.back().node.index() >= y.index()) entries_.pop_back();
  entries_.push_back({y, tape_.recording(), {}, capture_call_stack()});
}

template <class T> void TapeLog<T>::reads(Var<T> y, Var<T> x, bool recorded) {
  Entry* entry = const_cast<Entry*>(find(y.index()));
  if (!entry) return;
  // A view tells that it shows x, and then, where it has a rule, that it records: one edge.
  for (Input& input : entry->inputs) {
    if (input.node != x.index() || input.recorded) continue;
    input.recorded = recorded;
    return;
  }
  entry->inputs.push_back({x.index(), recorded});
}

template <class T> const typename TapeLog<T>::Entry* TapeLog<T>::find(int32_t index) const {
  const auto at =
      std::ranges::lower_bound(entries_, index, {}, [](const Entry& e) { return e.node.index(); });
  return at != entries_.end() && at->node.index() == index ? &*at : nullptr;
}

template <class T> SourceLine TapeLog<T>::line(Var<T> v) const {
  const Entry* entry = find(v.index());
  return entry ? call_site(entry->stack) : SourceLine();
}

template <class T> std::string TapeLog<T>::name(Var<T> v) const {
  const SourceLine at = line(v);
  if (at.file.empty()) return message(v.op(), " (node ", v.index(), ")");
  return message(v.op(), " at ", at.file, ":", at.line);
}

template class TapeLog<float>;
template class TapeLog<double>;

}  // namespace talweg
