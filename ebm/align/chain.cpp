#include "ebm/align/chain.h"

#include <algorithm>

#include "core/error.h"
#include "ebm/align/semiring.h"

namespace talweg::ebm {
namespace {

Chain sized_chain(int64_t length, int64_t frames, int64_t alphabet, const PathRuleView& rule) {
  const int64_t durations = std::max<int64_t>(1, std::ssize(rule.duration));
  const int64_t max_step = (std::ssize(rule.step) - 1) * durations;
  // Where no step moves on, durations still count within a position.
  const int64_t widest = durations > 1 ? std::max<int64_t>(max_step, 1) : max_step;
  Chain chain{};
  chain.frames = frames;
  chain.alphabet = alphabet;
  chain.states = length * durations;
  chain.max_step = widest;
  chain.stride = chain_stride(chain.states, widest);
  return chain;
}

}  // namespace

void refuse_work_space(int64_t items, size_t size) {
  throw Error(message("[align] there is no memory for ", items, " cells of work space (",
                      static_cast<double>(items) * static_cast<double>(size) / 1e9,
                      " GB), which grow with the frames times the states of the label; align "
                      "shorter labels or fewer frames, or fewer durations"));
}

Chain ChainBuilder::reserve(int64_t length, int64_t frames, int64_t alphabet,
                            const PathRuleView& rule) {
  const Chain n = sized_chain(length, frames, alphabet, rule);
  room(symbols_, n.stride);
  room(rest_, n.states);
  room(rest_count_, n.states + 1);
  room(shows_main_, n.stride);
  if (!rule.duration.empty()) {
    room(start_, n.stride);
    room(end_, n.stride);
  }
  if (!rule.is_free()) room(costs_, (n.max_step + 1) * n.stride);
  return n;
}

const Chain& ChainBuilder::build(std::span<const int32_t> label, int64_t frames, int64_t alphabet,
                                 const PathRuleView& rule, bool by_symbol) {
  chain_ = sized_chain(std::ssize(label), frames, alphabet, rule);
  durations_ = std::max<int64_t>(1, std::ssize(rule.duration));
  int32_t* symbols = room(symbols_, chain_.stride);
  if (durations_ == 1) {
    std::copy(label.begin(), label.end(), symbols);
  } else {
    for (int64_t s = 0; s < chain_.states; ++s) symbols[s] = label[s / durations_];
  }
  std::fill(symbols + chain_.states, symbols + chain_.stride, label.back());
  chain_.symbols = symbols;
  set_ends(rule);
  if (!rule.is_free()) set_costs(label, rule);
  if (by_symbol) set_symbol_sums();
  return chain_;
}

void ChainBuilder::set_ends(const PathRuleView& rule) {
  const int64_t states = chain_.states, length = states / durations_;
  const int64_t first = std::min(rule.first, length), last = std::min(rule.last, length);
  chain_.first = (first - 1) * durations_ + 1;
  chain_.last = last * durations_;
  if (rule.duration.empty()) return;
  double* start = room(start_, chain_.stride);
  double* end = room(end_, chain_.stride);
  std::fill(start, start + chain_.stride, kNoPath);
  std::fill(end, end + chain_.stride, kNoPath);
  for (int64_t j = 0; j < first; ++j) start[j * durations_] = 0;
  for (int64_t s = states - chain_.last; s < states; ++s) end[s] = rule.duration[s % durations_];
  chain_.start = start;
  chain_.end = end;
}

bool ChainBuilder::begins(int64_t s) const {
  return chain_.start != nullptr ? chain_.start[s] < kNoPath : s < chain_.first;
}
bool ChainBuilder::ends(int64_t s) const {
  return chain_.end != nullptr ? chain_.end[s] < kNoPath : s >= chain_.states - chain_.last;
}

void ChainBuilder::set_costs(std::span<const int32_t> label, const PathRuleView& rule) {
  const int64_t stride = chain_.stride, length = std::ssize(label);
  double* costs = room(costs_, (chain_.max_step + 1) * stride);
  std::fill(costs, costs + (chain_.max_step + 1) * stride, kNoPath);
  const auto allowed = [&](int64_t j, int64_t d) {
    return d < 2 || !rule.skip_to_other || (label[j] != label[j - d] && label[j] != label[j - 1]);
  };
  for (int64_t j = 0; j < length; ++j) {
    if (rule.duration.empty()) {
      costs[j] = rule.step[0];
    } else {  // from n to n+1 frames in the same position
      for (int64_t n = 1; n < durations_; ++n) costs[stride + j * durations_ + n] = rule.step[0];
    }
    const int64_t widest = std::min<int64_t>(std::ssize(rule.step) - 1, j);
    for (int64_t d = 1; d <= widest; ++d) {
      if (!allowed(j, d)) continue;
      for (int64_t n = 1; n <= durations_; ++n) {
        const double stayed = rule.duration.empty() ? 0 : rule.duration[n - 1];
        costs[(d * durations_ - n + 1) * stride + j * durations_] = rule.step[d] + stayed;
      }
    }
  }
  chain_.step_costs = costs;
}

void ChainBuilder::set_symbol_sums() {
  const int64_t states = chain_.states;
  chain_.main_symbol = symbols_[states - 1];
  double* shows = room(shows_main_, chain_.stride);
  int32_t* rest = room(rest_, states);
  int32_t* count = room(rest_count_, states + 1);
  int32_t found = 0;
  for (int64_t s = 0; s < states; ++s) {
    const bool main = symbols_[s] == chain_.main_symbol;
    shows[s] = main ? 1 : 0;
    count[s] = found;
    if (!main) rest[found++] = static_cast<int32_t>(s);
  }
  count[states] = found;
  std::fill(shows + states, shows + chain_.stride, 0.0);
  chain_.shows_main = shows;
  chain_.rest = rest;
  chain_.rest_count = count;
}

int64_t ChainBuilder::fewest_frames() {
  const int64_t states = chain_.states;
  if (chain_.step_costs == nullptr) {
    return std::max<int64_t>(1, states - (chain_.first - 1) - (chain_.last - 1));
  }
  int64_t* fewest = room(fewest_, states);  // 0: cannot be reached
  std::fill(fewest, fewest + states, 0);
  int64_t best = 0;
  for (int64_t s = 0; s < states; ++s) {
    if (begins(s)) fewest[s] = 1;
    for (int64_t d = 1; d <= std::min(chain_.max_step, s); ++d) {
      const int64_t before = fewest[s - d];
      if (before == 0 || costs_[d * chain_.stride + s] == kNoPath) continue;
      if (fewest[s] == 0 || before + 1 < fewest[s]) fewest[s] = before + 1;
    }
    if (ends(s) && fewest[s] > 0 && (best == 0 || fewest[s] < best)) best = fewest[s];
  }
  return best;
}

std::vector<char> ChainBuilder::usable_states() const {
  const int64_t frames = chain_.frames, states = chain_.states;
  const auto allowed = [&](int64_t s, int64_t d) {  // from s - d to s
    return chain_.step_costs == nullptr || costs_[d * chain_.stride + s] < kNoPath;
  };
  std::vector<char> reached(frames * states, 0), ending(frames * states, 0);
  for (int64_t i = 0; i < frames; ++i) {
    for (int64_t s = 0; s < states; ++s) {
      char& here = reached[i * states + s];
      if (i == 0) here = begins(s);
      for (int64_t d = 0; i > 0 && d <= std::min(chain_.max_step, s); ++d) {
        if (allowed(s, d)) here |= reached[(i - 1) * states + s - d];
      }
    }
  }
  for (int64_t i = frames - 1; i >= 0; --i) {
    for (int64_t s = 0; s < states; ++s) {
      char& here = ending[i * states + s];
      if (i == frames - 1) here = ends(s);
      for (int64_t d = 0; i < frames - 1 && d <= std::min(chain_.max_step, states - 1 - s); ++d) {
        if (allowed(s + d, d)) here |= ending[(i + 1) * states + s + d];
      }
    }
  }
  for (int64_t k = 0; k < frames * states; ++k) reached[k] &= ending[k];
  return reached;
}

}  // namespace talweg::ebm
