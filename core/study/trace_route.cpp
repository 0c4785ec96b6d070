#include "core/study/trace_route.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/error.h"
#include "core/io/text.h"

namespace talweg {
namespace {

constexpr double kWidth = TraceLayout::kBoxWidth, kHeight = TraceLayout::kBoxHeight;
constexpr double kTip = 4;     // an arrow ends this far from its box
constexpr double kCorner = 9;  // radius
constexpr double kClear = 8;   // from a lane to a box, at least

struct Point {
  double x, y;
};

std::string number(double x) { return io::format_number(x, 1); }
std::string text_of(const Point& p) { return message(number(p.x), " ", number(p.y)); }

std::string curve(Point a, Point toward, Point before, Point b) {
  return message("M", text_of(a), "C", text_of(toward), " ", text_of(before), " ", text_of(b));
}

/// A line through the points, with round corners.
std::string rounded(const std::vector<Point>& points) {
  std::string path = "M" + text_of(points[0]);
  for (std::size_t i = 1; i + 1 < points.size(); ++i) {
    const Point &a = points[i - 1], &corner = points[i], &b = points[i + 1];
    const auto on_the_way = [&](const Point& end) {
      const double length = std::hypot(end.x - corner.x, end.y - corner.y);
      const double t = length > 0 ? std::min(kCorner, length / 2) / length : 0;
      return Point{corner.x + t * (end.x - corner.x), corner.y + t * (end.y - corner.y)};
    };
    path += message("L", text_of(on_the_way(a)), "Q", text_of(corner), " ", text_of(on_the_way(b)));
  }
  return path + "L" + text_of(points.back());
}

double middle(const TracePlace& p) { return p.x + kWidth / 2; }

/// Does a box stand between two of one row?
bool is_between(const TraceLayout& layout, const TracePlace& a, const TracePlace& b) {
  return std::ranges::any_of(layout.places, [&](const TracePlace& p) {
    return p.y == a.y && std::min(a.x, b.x) < p.x && p.x < std::max(a.x, b.x);
  });
}

/// The x, near both, at which an arrow can pass the rows strictly between `from` and `to`.
double free_lane(const TraceLayout& layout, const TracePlace& from, const TracePlace& to) {
  const double top = std::min(from.y, to.y), bottom = std::max(from.y, to.y);
  std::vector<const TracePlace*> in_the_way;
  for (const TracePlace& p : layout.places) {
    if (top < p.y && p.y < bottom) in_the_way.push_back(&p);
  }
  std::vector<double> lanes{middle(to), middle(from)};
  for (const TracePlace* p : in_the_way) {
    lanes.push_back(p->x - TraceLayout::kGapX / 2);
    lanes.push_back(p->x + kWidth + TraceLayout::kGapX / 2);
  }
  const auto is_free = [&](double x) {
    return std::ranges::none_of(in_the_way, [&](const TracePlace* p) {
      return p->x - kClear < x && x < p->x + kWidth + kClear;
    });
  };
  const auto way = [&](double x) { return std::abs(x - middle(from)) + std::abs(x - middle(to)); };
  double best = middle(to), shortest = HUGE_VAL;  // the outermost lanes are always free
  for (const double x : lanes) {
    if (way(x) < shortest && is_free(x)) best = x, shortest = way(x);
  }
  return best;
}

}  // namespace

std::string route(const TraceLayout& layout, const TracePlace& from, const TracePlace& to) {
  constexpr double kPitch = kHeight + TraceLayout::kGapY;
  const double down = to.y >= from.y ? 1 : -1;
  const Point leaving{middle(from), from.y + (down > 0 ? kHeight : 0)};
  if (to.y == from.y && !is_between(layout, from, to)) {
    const double right = to.x > from.x ? 1 : -1, y = from.y + kHeight / 2;
    const Point a{middle(from) + right * kWidth / 2, y};
    const Point b{middle(to) - right * (kWidth / 2 + kTip), y};
    return curve(a, {a.x + right * TraceLayout::kGapX / 2, y},
                 {b.x - right * TraceLayout::kGapX / 2, y}, b);
  }
  const double strip = TraceLayout::kGapY / 2;
  if (to.y == from.y) {  // around the boxes between, below their row
    const double y = leaving.y + strip;
    return rounded({leaving, {leaving.x, y}, {middle(to), y}, {middle(to), to.y + kHeight + kTip}});
  }
  const Point arriving{middle(to), down > 0 ? to.y - kTip : to.y + kHeight + kTip};
  if (std::abs(std::abs(to.y - from.y) - kPitch) < 1) {
    return curve(leaving, {leaving.x, leaving.y + down * strip},
                 {arriving.x, arriving.y - down * strip}, arriving);
  }
  // Arrows that share a strip don't lie on one another: each node has its own height there.
  const double height = strip + 3 * double(from.node % 5 - 2);
  const double lane = free_lane(layout, from, to);
  const double first = leaving.y + down * height, last = arriving.y - down * height;
  return rounded(
      {leaving, {leaving.x, first}, {lane, first}, {lane, last}, {arriving.x, last}, arriving});
}

}  // namespace talweg
