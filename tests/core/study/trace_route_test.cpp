#include "core/study/trace_route.h"

#include <doctest/doctest.h>

#include <sstream>

#include "core/study/trace_expression.h"

using namespace talweg;

namespace {

struct Point {
  double x, y;
};

/// Points along an SVG path of the commands M, L, Q and C, close to one another.
std::vector<Point> flatten(const std::string& path) {
  std::istringstream in(path);
  std::vector<Point> points;
  for (char command = 0; in >> command;) {
    const int count = command == 'Q' ? 2 : command == 'C' ? 3 : 1;
    std::vector<Point> p(points.end() - (points.empty() ? 0 : 1), points.end());
    for (int k = 0; k < count; ++k) {
      Point next{};
      in >> next.x >> next.y;
      p.push_back(next);
    }
    REQUIRE(!in.fail());
    for (int step = 0; step <= 200; ++step) {  // de Casteljau
      std::vector<Point> q = p;
      const double t = step / 200.0;
      for (; q.size() > 1; q.pop_back()) {
        for (std::size_t i = 0; i + 1 < q.size(); ++i) {
          q[i] = {q[i].x + t * (q[i + 1].x - q[i].x), q[i].y + t * (q[i + 1].y - q[i].y)};
        }
      }
      points.push_back(q[0]);
    }
  }
  return points;
}

bool is_inside(const Point& p, const TracePlace& box) {
  constexpr double kRounding = 0.1;  // paths are written with one decimal
  return box.x + kRounding < p.x && p.x < box.x + TraceLayout::kBoxWidth - kRounding &&
         box.y + kRounding < p.y && p.y < box.y + TraceLayout::kBoxHeight - kRounding;
}

/// Boxes that the arrows of a formula's drawing cross.
int crossings(const std::string& formula, const std::string& values, int order, int& arrows) {
  const Trace trace = trace_expression(formula, parse_settings(values), {.order = order});
  const TraceLayout layout = lay_out(trace);
  std::vector<const TracePlace*> place_of(trace.nodes.size(), nullptr);
  for (const TracePlace& p : layout.places) place_of[std::size_t(p.node)] = &p;
  int crossed = 0;
  for (const TracePlace& to : layout.places) {
    for (const TraceInput& in : trace.nodes[std::size_t(to.node)].inputs) {
      if (in.node < 0 || place_of[std::size_t(in.node)] == nullptr) continue;
      const std::vector<Point> line = flatten(route(layout, *place_of[std::size_t(in.node)], to));
      ++arrows;
      for (const TracePlace& box : layout.places) {
        crossed += std::ranges::any_of(line, [&](const Point& p) { return is_inside(p, box); });
      }
    }
  }
  return crossed;
}

}  // namespace

TEST_CASE("the arrows of a trace cross no box, whatever the order") {
  for (int order = 1; order <= 3; ++order) {
    int arrows = 0;
    CAPTURE(order);
    CHECK(crossings("y = tanh(w*x); l=(y-1)^2", "w=2,x=3", order, arrows) == 0);
    CHECK(crossings("a = exp(x)*x; b = a + x; c = b*a*x; c^2 + a", "x=0.3", order, arrows) == 0);
    CHECK(arrows > 15);
  }
}
