#include "core/study/trace_layout.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace talweg {
namespace {

constexpr int kSweeps = 24;
constexpr double kChainWeight = 50;  // of a computed node against a leaf, in choosing places

/// A node while it is being placed.
struct Box {
  int node = -1;
  int block = 0;  // forward, first pass, forward again, ...
  int row = 0;
  double x = 0;
  std::vector<int> in, out;  // boxes
};

/// Every box stands below what it reads; leaves move down to just above their first reader.
void choose_rows(const Trace& trace, const std::vector<int>& box_of, std::vector<Box>& boxes) {
  for (Box& b : boxes) {
    const TraceNode& n = trace.nodes[std::size_t(b.node)];
    const int by = n.by >= 0 ? box_of[std::size_t(n.by)] : -1;
    if (by >= 0) {
      b.row = boxes[std::size_t(by)].row;
      continue;
    }
    for (const int i : b.in) b.row = std::max(b.row, boxes[std::size_t(i)].row + 1);
  }
  for (Box& b : boxes) {
    if (!b.in.empty() || b.out.empty() || trace.nodes[std::size_t(b.node)].by >= 0) continue;
    int first = boxes[std::size_t(b.out[0])].row;
    for (const int o : b.out) {
      if (boxes[std::size_t(o)].block == b.block)
        first = std::min(first, boxes[std::size_t(o)].row);
    }
    b.row = std::max(0, first - 1);
  }
}

/// Moves the boxes of one row as near to where they want to stand as the gaps between them allow,
/// keeping their order: neighbours that collide share the way, and leaves make room for others.
void settle(std::vector<Box*>& row, const std::vector<double>& wanted, double pitch) {
  struct Group {
    double sum, weight;  // of wanted positions, each less its offset in the group
    int count;
    double at() const { return sum / weight; }
  };
  std::vector<Group> groups;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const double weight = row[i]->in.empty() ? 1 : kChainWeight;
    groups.push_back({weight * wanted[i], weight, 1});
    while (groups.size() > 1) {
      const Group& a = groups[groups.size() - 2];
      const Group& b = groups.back();
      if (a.at() + a.count * pitch <= b.at()) break;
      const Group merged{a.sum + b.sum - b.weight * a.count * pitch, a.weight + b.weight,
                         a.count + b.count};
      groups.pop_back();
      groups.back() = merged;
    }
  }
  std::size_t i = 0;
  for (const Group& g : groups) {
    for (int k = 0; k < g.count; ++k) row[i++]->x = g.at() + k * pitch;
  }
}

using Rows = std::map<int, std::vector<Box*>>;

/// A few sweeps down and up: each box wants to stand at the mean of its neighbours in its block.
void arrange(std::vector<Box>& boxes, Rows& rows, double pitch, bool keep_order) {
  for (auto& [_, row] : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) row[i]->x = double(i) * pitch;
  }
  const auto wish = [&](const Box& b, bool down) {
    double sum = 0, count = 0;
    for (const auto* side : {&b.in, &b.out}) {
      const bool ahead = (side == &b.in) == down;
      for (const int i : *side) {
        const Box& o = boxes[std::size_t(i)];
        if (o.block != b.block || o.row == b.row) continue;
        const double weight = (ahead ? 3 : 1) * (o.in.empty() ? 1 : kChainWeight);
        sum += o.x * weight, count += weight;
      }
    }
    return count > 0 ? sum / count : b.x;
  };
  const auto place = [&](std::vector<Box*>& row, bool down) {
    std::vector<std::pair<double, Box*>> wishes;
    for (Box* b : row) wishes.push_back({wish(*b, down), b});
    if (!keep_order) {
      std::ranges::stable_sort(wishes, {}, [](const auto& w) { return w.first; });
    }
    std::vector<double> wanted;
    for (std::size_t i = 0; i < row.size(); ++i) {
      wanted.push_back(wishes[i].first);
      row[i] = wishes[i].second;
    }
    settle(row, wanted, pitch);
  };
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    if (sweep % 2 == 0) {
      for (auto& [_, row] : rows) place(row, true);
    } else {
      for (auto it = rows.rbegin(); it != rows.rend(); ++it) place(it->second, false);
    }
  }
}

}  // namespace

TraceLayout lay_out(const Trace& trace) {
  // Blocks in the order of time: forward 0, recorded pass p is 2p + 1, what was made after it 2p + 2.
  std::vector<std::size_t> made_at(trace.nodes.size()), began_at(trace.passes.size());
  for (std::size_t i = 0; i < trace.steps.size(); ++i) {
    const TraceStep& s = trace.steps[i];
    if (s.kind == TraceStep::Kind::kMade) made_at[std::size_t(s.node)] = i;
    if (s.kind == TraceStep::Kind::kBegan) began_at[std::size_t(s.pass)] = i;
  }
  std::vector<Box> boxes;
  std::vector<int> box_of(trace.nodes.size(), -1);
  for (std::size_t i = 0; i < trace.nodes.size(); ++i) {
    const TraceNode& n = trace.nodes[i];
    if (!n.kept) continue;
    Box b;
    b.node = int(i);
    int block = 0;
    for (int p = 0; p < int(trace.passes.size()); ++p) {
      if (!trace.passes[std::size_t(p)].recorded || made_at[i] < began_at[std::size_t(p)]) continue;
      block = n.pass == p ? 2 * p + 1 : 2 * p + 2;
    }
    b.block = block;
    for (const TraceInput& in : n.inputs) {
      if (in.node < 0 || box_of[std::size_t(in.node)] < 0) continue;
      b.in.push_back(box_of[std::size_t(in.node)]);
      boxes[std::size_t(b.in.back())].out.push_back(int(boxes.size()));
    }
    box_of[i] = int(boxes.size());
    boxes.push_back(std::move(b));
  }
  choose_rows(trace, box_of, boxes);

  TraceLayout layout;
  const double pitch_x = TraceLayout::kBoxWidth + TraceLayout::kGapX;
  const double pitch_y = TraceLayout::kBoxHeight + TraceLayout::kGapY;
  std::map<int, Rows> blocks;
  for (Box& b : boxes) blocks[b.block][b.row].push_back(&b);
  double left = TraceLayout::kMargin;
  for (auto& [number, rows] : blocks) {
    arrange(boxes, rows, pitch_x, /*keep_order=*/number % 2 == 1);
    double low = 1e300, high = -1e300;
    for (auto& [_, row] : rows) {
      for (Box* b : row) low = std::min(low, b->x), high = std::max(high, b->x);
    }
    for (auto& [row_number, row] : rows) {
      for (Box* b : row) {
        layout.places.push_back(
            {b->node, left + b->x - low, TraceLayout::kMargin + row_number * pitch_y});
        layout.height = std::max(layout.height, layout.places.back().y + TraceLayout::kBoxHeight);
      }
    }
    left += high - low + TraceLayout::kBoxWidth;
    layout.width = left + TraceLayout::kMargin;
    left += TraceLayout::kBlockGap;
  }
  layout.height += TraceLayout::kMargin;
  std::ranges::sort(layout.places, {}, &TracePlace::node);
  return layout;
}

}  // namespace talweg
