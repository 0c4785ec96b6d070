#include "core/study/trace.h"

#include <algorithm>
#include <string_view>
#include <type_traits>

namespace talweg {

std::vector<int> Trace::readers(int id) const {
  std::vector<int> found;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const bool reads = std::ranges::any_of(
        nodes[i].inputs, [&](const TraceInput& in) { return in.node == id && !in.is_adjoint; });
    if (reads && nodes[i].kept) found.push_back(int(i));
  }
  return found;
}

std::string Trace::title(int id) const {
  const TraceNode& n = nodes[std::size_t(id)];
  return n.name.empty() ? message("#", id, " ", n.op) : n.name;
}

template <class T> TraceRecorder<T>::TraceRecorder(Tape<T>& tape) : tape_(&tape) {
  trace_.scalar = std::is_same_v<T, float> ? "float" : "double";
  TapeObserver<T>* const before = tape.observe(this);
  if (before) tape.observe(before);
  expect(!before, "[trace] somebody watches this tape already; a tape has one observer at a time");
  last_ = Clock::now();
}

template <class T> TraceRecorder<T>::~TraceRecorder() {
  if (tape_) tape_->observe(nullptr);
}

template <class T> void TraceRecorder<T>::name(Var<T> v, const std::string& name) {
  const Known k = known(v);
  expect(k.node >= 0 && !k.is_adjoint, "[trace] '", name,
         "' names a node that was made before the recorder watched");
  trace_.nodes[std::size_t(k.node)].name = name;
}

template <class T> Trace TraceRecorder<T>::finish() {
  expect(tape_ != nullptr, "[trace] finish() hands the trace over once");
  charge(lap());
  look_at_pending();
  tape_->observe(nullptr);
  tape_ = nullptr;
  resolve_places();
  return std::move(trace_);
}

// --- who is who ---

template <class T> typename TraceRecorder<T>::Known TraceRecorder<T>::known(Var<T> v) const {
  const std::size_t i = std::size_t(v.index());
  return i < by_index_.size() ? by_index_[i] : Known{};
}

template <class T> void TraceRecorder<T>::know(int32_t index, Known k) {
  by_index_.resize(std::max(by_index_.size(), std::size_t(index) + 1));
  by_index_[std::size_t(index)] = k;
}

// --- time ---

template <class T> double TraceRecorder<T>::lap() {
  return std::chrono::duration<double, std::micro>(Clock::now() - last_).count();
}

/// Time that passed belongs to the node made last, and to the rule that runs.
template <class T> void TraceRecorder<T>::charge(double micros) {
  if (current_ >= 0) trace_.nodes[std::size_t(current_)].micros += micros;
  if (!running_.empty()) running_.back().micros += micros;
}

// --- values ---

template <class T> void TraceRecorder<T>::look(Var<T> v, int id) {
  TraceNode& node = trace_.nodes[std::size_t(id)];
  node.op = v.op();  // a leaf is named after it is made
  node.needs_grad = v.needs_grad();
  if (!v.readable()) return;
  node.value = summarise(v.shape(), v.data());
  memory_[std::size_t(id)] = v.data();
  const bool shared = std::ranges::any_of(node.inputs, [&](const TraceInput& in) {
    return in.node >= 0 && !in.is_adjoint && memory_[std::size_t(in.node)] == v.data();
  });
  node.bytes = shared || node.op == "borrow" ? 0 : v.size() * int64_t(sizeof(T));
}

/// Looks at what was made since the last time and still stands there.
template <class T> void TraceRecorder<T>::look_at_pending() {
  for (const auto& [v, id] : pending_) {
    if (int64_t(v.index()) < tape_->node_count()) look(v, id);
  }
  pending_.clear();
}

// --- events ---

template <class T> void TraceRecorder<T>::made(Var<T> y) {
  const double micros = lap();
  std::erase_if(pending_, [&](auto& p) { return p.first.index() >= y.index(); });
  const std::string_view op = y.op();
  if (op == "adjoint") {  // a pass's handle to the gradient it carries: passing() comes next
    charge(micros);
    current_ = -1;
    last_ = Clock::now();
    return;
  }
  TraceNode node;
  node.op = op;
  node.index = y.index();
  node.shape = y.shape();
  if (!running_.empty()) {
    node.pass = running_.back().pass;
    node.by = running_.back().node;
    node.kept = running_.back().recorded;
  }
  const int id = int(trace_.nodes.size());
  trace_.nodes.push_back(std::move(node));
  know(y.index(), {id, false});
  pending_.push_back({y, id});
  stacks_.push_back(place_.empty() || !running_.empty() ? capture_call_stack() : CallStack{});
  memory_.push_back(nullptr);
  places_.push_back(running_.empty() ? place_ : "");
  if (trace_.nodes.back().kept) {
    trace_.steps.push_back({TraceStep::Kind::kMade, trace_.nodes.back().pass, id, -1, {}, {}, 0});
  }
  if (current_ < 0)
    current_ = id;  // the first node of a rule: the rule's time before it is its own
  charge(micros);
  current_ = id;
  last_ = Clock::now();
}

template <class T> void TraceRecorder<T>::reads(Var<T> y, Var<T> x, bool recorded) {
  charge(lap());
  // What is read was written, and may be overwritten from here on.
  const auto found =
      std::ranges::find_if(pending_, [&](const auto& p) { return p.first.index() == x.index(); });
  if (found != pending_.end()) {
    look(found->first, found->second);
    pending_.erase(found);
  }
  const Known to = known(y), from = known(x);
  if (to.node >= 0) {
    std::vector<TraceInput>& inputs = trace_.nodes[std::size_t(to.node)].inputs;
    // A view tells of its input twice: as what it shows, then as what its rule leads back to.
    const bool again = inputs.size() == 1 && inputs[0].node == from.node && !inputs[0].recorded;
    if (again && recorded) {
      inputs[0].recorded = true;
    } else {
      inputs.push_back({from.node, recorded, from.is_adjoint});
    }
  }
  last_ = Clock::now();
}

template <class T> void TraceRecorder<T>::began(Var<T> root) {
  charge(lap());
  look_at_pending();
  current_ = -1;
  const int pass = int(trace_.passes.size());
  trace_.passes.push_back({known(root).node, tape_->recording()});
  trace_.steps.push_back({TraceStep::Kind::kBegan, pass, known(root).node, -1, {}, {}, 0});
  running_.push_back({pass, tape_->recording()});
  last_ = Clock::now();
}

template <class T> void TraceRecorder<T>::passing(Var<T> y, Var<T> dy) {
  charge(lap());
  look_at_pending();
  current_ = -1;
  Running& now = running_.back();
  now.node = known(y).node;
  now.slot = now.node < 0 ? 0 : int(trace_.nodes[std::size_t(now.node)].inputs.size());
  now.first_made = trace_.nodes.size();
  now.micros = 0;
  if (!now.recorded) know(dy.index(), {now.node, true});
  if (now.node >= 0) {
    TraceStep step{TraceStep::Kind::kPassing, now.pass, now.node, -1, {}, {}, 0};
    step.value = summarise(dy.shape(), dy.data());
    trace_.steps.push_back(std::move(step));
    const Known adjoint = known(dy);
    TraceNode* a = now.recorded && adjoint.node >= 0 ? &trace_.nodes[std::size_t(adjoint.node)] : 0;
    const std::string& name = trace_.nodes[std::size_t(now.node)].name;
    if (a && a->name.empty() && !name.empty() && a->pass == now.pass) a->name = "d" + name;
  }
  last_ = Clock::now();
}

template <class T> void TraceRecorder<T>::ran(Var<T> y, Var<T> x, Var<T> dx) {
  charge(lap());
  look_at_pending();
  current_ = -1;
  Running& now = running_.back();
  const int id = known(y).node, input = known(x).node;
  if (id >= 0) {
    // Rules run from the last recorded input to the first.
    const std::vector<TraceInput>& inputs = trace_.nodes[std::size_t(id)].inputs;
    do {
      --now.slot;
    } while (now.slot >= 0 && !(inputs[std::size_t(now.slot)].recorded &&
                                inputs[std::size_t(now.slot)].node == input));
    TraceStep step{TraceStep::Kind::kRan, now.pass, id, now.slot, {}, {}, now.micros};
    step.value = summarise(dx.shape(), dx.data());
    for (std::size_t i = now.first_made; i < trace_.nodes.size(); ++i) {
      if (trace_.nodes[i].pass == now.pass) step.made.push_back(int(i));
    }
    trace_.steps.push_back(std::move(step));
  }
  now.first_made = trace_.nodes.size();
  now.micros = 0;
  last_ = Clock::now();
}

template <class T> void TraceRecorder<T>::passed(Var<T>) {
  look_at_pending();
  current_ = -1;
  last_ = Clock::now();
}

template <class T> void TraceRecorder<T>::ended() {
  look_at_pending();
  const Running now = running_.back();
  running_.pop_back();
  const int root = trace_.passes[std::size_t(now.pass)].root;
  trace_.steps.push_back({TraceStep::Kind::kEnded, now.pass, root, -1, {}, {}, 0});
  current_ = -1;
  last_ = Clock::now();
}

// --- lines of source ---

namespace {

bool names(const SourceLine& line, std::string_view part) {
  return line.file.find(part) != line.file.npos;
}

/// For a node that a rule made: the rule's own line, the last one before the tape that ran the rule.
SourceLine rule_line(const CallStack& stack) {
  SourceLine last;
  bool in_op = false;
  for (const SourceLine& line : resolve(stack)) {
    const bool of_tape = names(line, "core/tape");
    if (of_tape && in_op) break;
    if (of_tape || names(line, "core/study/") || names(line, "/include/c++/")) continue;
    in_op = true;
    last = line;
  }
  return last;
}

/// "float energies<float>(nn::Network<float> const&)" -> "energies": a name alone is enough.
std::string short_name(std::string function) {
  function.resize(std::min(function.size(), function.find('(')));
  for (std::size_t open; (open = function.find('<')) != function.npos;) {
    std::size_t at = open, depth = 0;
    do {
      depth += function[at] == '<', depth -= function[at] == '>';
    } while (++at < function.size() && depth > 0);
    function.erase(open, at - open);
  }
  if (const std::size_t space = function.rfind(' '); space != function.npos)
    function.erase(0, space + 1);
  const std::size_t colons = function.rfind("::");
  return colons == function.npos ? function : function.substr(colons + 2);
}

}  // namespace

template <class T> void TraceRecorder<T>::resolve_places() {
  for (std::size_t i = 0; i < trace_.nodes.size(); ++i) {
    TraceNode& node = trace_.nodes[i];
    node.place = places_[i];
    if (!node.place.empty()) continue;
    const SourceLine line = node.by >= 0 ? rule_line(stacks_[i]) : call_site(stacks_[i]);
    if (line.file.empty()) continue;
    node.place = message(line.file, ":", line.line);
    const std::string function = short_name(line.function);
    if (!function.empty()) node.place += " (" + function + ")";
  }
}

template class TraceRecorder<float>;
template class TraceRecorder<double>;

}  // namespace talweg
