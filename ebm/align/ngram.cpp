#include "ebm/align/ngram.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "core/error.h"

namespace talweg::ebm {

/// Counts n-grams in the order in which they appear, then lays them out breadth first.
class NgramBuilder {
 public:
  NgramBuilder(int64_t symbols, int order) {
    model_.order_ = order;
    model_.symbols_ = symbols;
  }

  void add(std::span<const int32_t> word) {
    text_.assign(1, model_.begin());
    text_.insert(text_.end(), word.begin(), word.end());
    text_.push_back(model_.end());
    for (size_t from = 0; from < text_.size(); ++from) {
      const size_t to = std::min(text_.size(), from + static_cast<size_t>(model_.order_));
      int32_t node = 0;
      for (size_t i = from; i < to; ++i) {
        node = grown(node, text_[i]);
        ++counts_[node];
      }
    }
    ++model_.words_;
  }

  NgramModel build() {
    std::vector<std::vector<std::pair<int32_t, int32_t>>> children(counts_.size());
    for (const auto& [key, node] : grown_) {
      children[key >> 32].push_back({static_cast<int32_t>(key & 0xffffffff), node});
    }
    std::vector<int32_t> order{0};
    model_.nodes_.push_back({-1, 0, 0, 0, 0, 0, 0});
    for (size_t k = 0; k < order.size(); ++k) {
      auto& next = children[order[k]];
      std::sort(next.begin(), next.end());
      model_.nodes_[k].children = static_cast<int32_t>(next.size());
      for (const auto& [symbol, node] : next) {
        order.push_back(node);
        model_.nodes_.push_back({symbol, 0, 0, 0, counts_[node], 0, 0});
      }
    }
    model_.finish();
    return std::move(model_);
  }

 private:
  int32_t grown(int32_t node, int32_t symbol) {
    const uint64_t key = (static_cast<uint64_t>(node) << 32) | static_cast<uint32_t>(symbol);
    const auto [at, is_new] = grown_.try_emplace(key, static_cast<int32_t>(counts_.size()));
    if (is_new) counts_.push_back(0);
    return at->second;
  }

  NgramModel model_;
  std::unordered_map<uint64_t, int32_t> grown_;
  std::vector<int64_t> counts_{0};
  std::vector<int32_t> text_;
};

NgramModel NgramModel::train(const RaggedLabels& words, int64_t symbols, int order) {
  expect(1 <= order && order <= kMaxOrder, "[ngram] the order is ", order,
         "; it must be from 1 to ", kMaxOrder);
  expect(1 <= symbols && symbols < (int64_t{1} << 30), "[ngram] an alphabet of ", symbols,
         " symbols; it needs at least one");
  expect(words.size() > 0, "[ngram] there are no words to learn from; give at least one");
  NgramBuilder builder(symbols, order);
  for (int64_t b = 0; b < words.size(); ++b) {
    for (const int32_t s : words[b]) {
      expect(0 <= s && s < symbols, "[ngram] word ", b, " has symbol ", s,
             ", outside the alphabet [0,", symbols, ")");
    }
    builder.add(words[b]);
  }
  return builder.build();
}

int32_t NgramModel::child(State node, int32_t symbol) const {
  const Node& n = nodes_[node];
  const Node* first = nodes_.data() + n.first_child;
  const Node* last = first + n.children;
  const Node* at =
      std::lower_bound(first, last, symbol, [](const Node& c, int32_t s) { return c.symbol < s; });
  return at != last && at->symbol == symbol ? static_cast<int32_t>(at - nodes_.data()) : -1;
}

/// From symbols, counts and numbers of children, which stand already, to all the rest. Breadth first,
/// the shorter n-grams are ready before the longer ones that need them. False if an n-gram's shorter
/// one is missing.
bool NgramModel::finish() {
  int32_t first_child = 1;
  for (Node& n : nodes_) {
    n.first_child = first_child;
    first_child += n.children;
  }
  level_.assign(1, 1);
  for (int64_t from = 0; static_cast<int>(level_.size()) <= order_;) {
    int64_t grown = 0;
    for (int64_t k = from; k < level_.back(); ++k) grown += nodes_[k].children;
    from = level_.back();
    level_.push_back(from + grown);
  }
  for (int32_t k = 0; k < static_cast<int32_t>(nodes_.size()); ++k) {
    const Node& n = nodes_[k];
    double seen = 0, kinds = 0;
    for (int32_t c = n.first_child; c < n.first_child + n.children; ++c) {
      if (nodes_[c].symbol == begin()) continue;  // stands before, never follows
      seen += static_cast<double>(nodes_[c].count);
      kinds += 1;
    }
    nodes_[k].shorter_cost = kinds > 0 ? std::log((seen + kinds) / kinds) : 0.0;
    for (int32_t c = n.first_child; c < n.first_child + n.children; ++c) {
      Node& longer = nodes_[c];
      longer.shorter = k == 0 ? 0 : child(n.shorter, longer.symbol);
      if (longer.shorter < 0) return false;
      if (longer.symbol == begin()) continue;
      const double below = k == 0 ? 1.0 / static_cast<double>(symbols_ + 1)
                                  : std::exp(-cost_of(n.shorter, longer.symbol));
      const double p = (static_cast<double>(longer.count) + kinds * below) / (seen + kinds);
      longer.cost = std::max(0.0, -std::log(p));
    }
  }
  start_ = next(0, begin());
  return true;
}

double NgramModel::cost_of(State state, int32_t symbol) const {
  double cost = 0;
  while (true) {
    const int32_t c = child(state, symbol);
    if (c >= 0) return cost + nodes_[c].cost;
    cost += nodes_[state].shorter_cost;
    if (state == 0) return cost + std::log(static_cast<double>(symbols_ + 1));
    state = nodes_[state].shorter;
  }
}

double NgramModel::cost(State state, int32_t symbol) const {
  expect(kUnknown <= symbol && symbol < symbols_, "[ngram] symbol ", symbol,
         " is outside the model's alphabet [0,", symbols_, ")");
  return cost_of(state, symbol);
}

NgramModel::State NgramModel::next(State state, int32_t symbol) const {
  int32_t seen = child(state, symbol);
  while (seen < 0 && state != 0) {
    state = nodes_[state].shorter;
    seen = child(state, symbol);
  }
  // An n-gram of full order is no history, and one that nothing followed says nothing.
  while (seen > 0 && nodes_[seen].children == 0) seen = nodes_[seen].shorter;
  return seen > 0 ? seen : 0;
}

double NgramModel::word_cost(std::span<const int32_t> word) const {
  State state = start();
  double sum = 0;
  for (const int32_t s : word) {
    sum += cost(state, s);
    state = next(state, s);
  }
  return sum + end_cost(state);
}

int64_t NgramModel::bytes() const { return static_cast<int64_t>(nodes_.size() * sizeof(Node)); }

void check_model(const NgramModel& model, std::span<const int32_t> to_model, int64_t alphabet) {
  if (to_model.empty()) {
    expect(model.symbols() == alphabet, "[ngram] the letter model has an alphabet of ",
           model.symbols(), " symbols, the energies one of ", alphabet,
           "; say in to_model which is which");
    return;
  }
  expect(static_cast<int64_t>(to_model.size()) == alphabet, "[ngram] to_model has ",
         to_model.size(), " entries for an alphabet of ", alphabet, " symbols");
  for (const int32_t s : to_model) {
    expect(NgramModel::kUnknown <= s && s < model.symbols(), "[ngram] to_model names symbol ", s,
           ", outside the model's alphabet [0,", model.symbols(), ")");
  }
}

}  // namespace talweg::ebm
