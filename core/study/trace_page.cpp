#include "core/study/trace_page.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/study/trace_layout.h"
#include "core/study/trace_page_parts.h"
#include "core/study/trace_route.h"
#include "core/study/trace_text.h"

namespace talweg {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kPictureBytes = 2'200'000;  // of all pictures together, before base64
constexpr int64_t kMostCells = 4096, kFewestCells = 64;

/// How many cells a picture may have so that all of them fit.
int64_t cells_per_picture(const Trace& trace) {
  int64_t pictures = 0;
  for (const TraceNode& n : trace.nodes) pictures += n.kept && n.value.picture.rows > 0;
  for (const TraceStep& s : trace.steps) pictures += s.value.picture.rows > 0;
  return std::clamp(kPictureBytes / std::max<int64_t>(pictures, 1), kFewestCells, kMostCells);
}

/// Cells as signed bytes, 127 for the largest magnitude, -128 for what is not finite.
Json picture_json(const Thumbnail& full, int64_t cells) {
  const Thumbnail t = shrunk(full, cells);
  float most = 0;
  for (const float x : t.cells) most = std::isfinite(x) ? std::max(most, std::abs(x)) : most;
  std::string bytes;
  for (const float x : t.cells) {
    const float level = most > 0 ? x / most * 127 : 0;
    bytes += char(int8_t(std::isfinite(x) ? std::lround(level) : -128));
  }
  return {{"r", t.rows},
          {"c", t.cols},
          {"m", io::format_short(double(most), 3)},
          {"w", t.what},
          {"d", io::base64(bytes)}};
}

/// {"t": one line, "m": rows of numbers | "p": picture, "s": statistics}
Json value_json(const ValueSummary& v, int64_t cells) {
  Json j;
  if (!v.known) return j;
  const auto number = [](double x) { return io::format_short(x); };
  j["t"] = to_line(v);
  if (v.shape.size() == 1) return j;
  if (!v.whole.empty()) {
    const std::size_t cols = v.shape.rank() > 0 ? std::size_t(v.shape.back()) : 1;
    Json rows = Json::array();
    for (std::size_t i = 0; i < v.whole.size(); ++i) {
      if (i % cols == 0) rows.push_back(Json::array());
      rows.back().push_back(number(v.whole[i]));
    }
    j["m"] = rows;
  } else if (v.picture.rows > 0) {
    j["p"] = picture_json(v.picture, cells);
  }
  std::string s = message("smallest ", number(v.low), ", largest ", number(v.high), ", mean ",
                          number(v.mean), ", norm ", number(v.norm));
  if (v.not_finite > 0) s += message(", ", v.not_finite, " not finite");
  j["s"] = s;
  return j;
}

std::string micros(double us) {
  if (us >= 1000) return io::format_number(us / 1000, 2) + " ms";
  return io::format_number(us, us < 10 ? 2 : us < 100 ? 1 : 0) + " \u00b5s";
}

std::string bytes_text(int64_t bytes) {
  if (bytes < 10'000) return io::format_grouped(uint64_t(bytes)) + " B";
  if (bytes < 10'000'000) return io::format_number(double(bytes) / 1024, 1) + " KiB";
  return io::format_number(double(bytes) / (1024 * 1024), 1) + " MiB";
}

Json inputs_json(const TraceNode& node) {
  Json list = Json::array();
  for (const TraceInput& in : node.inputs) {
    list.push_back({in.node, in.recorded ? 1 : 0, in.is_adjoint ? 1 : 0});
  }
  return list;
}

Json node_json(const Trace& trace, int id, const CardLookup& cards, int64_t cells) {
  const TraceNode& n = trace.nodes[std::size_t(id)];
  Json j{{"o", n.op},
         {"n", n.name},
         {"i", n.index},
         {"h", n.shape.to_string()},
         {"k", n.kept ? 1 : 0},
         {"in", inputs_json(n)},
         {"g", n.needs_grad ? 1 : 0},
         {"pl", n.place},
         {"b", n.value.known ? bytes_text(n.bytes) : ""},
         {"us", micros(n.micros)},
         {"p", n.pass},
         {"by", n.by}};
  j["f"] = formula_with_numbers(trace, id, cards);
  if (const OpCard* card = cards ? cards(n.op) : nullptr; card && n.kept) {
    j["r"] = card->rule_text;
    j["src"] = card->source_text;
    j["card"] = message(from_root(card->file), ":", card->line);
  }
  // Of what a rule made and gave back, one line is enough.
  j["v"] = n.kept ? value_json(n.value, cells) : Json{{"t", to_line(n.value)}};
  return j;
}

/// One entry a step: {k: kind, p: pass, n: node, to, t: sentence, v: value, r: rule, mk: made}.
Json steps_json(const Trace& trace, const CardLookup& cards, int64_t cells) {
  Json steps = Json::array();
  ValueSummary dy;
  for (const TraceStep& s : trace.steps) {
    Json j{{"k", int(s.kind)}, {"p", s.pass}, {"n", s.node}, {"t", describe(trace, s)}};
    if (s.value.known) j["v"] = value_json(s.value, cells);
    if (s.kind == TraceStep::Kind::kPassing) dy = s.value;
    if (s.kind == TraceStep::Kind::kRan) {
      j["s"] = s.slot;
      j["to"] = s.slot < 0 ? -1 : trace.nodes[std::size_t(s.node)].inputs[std::size_t(s.slot)].node;
      j["r"] = rule_with_numbers(trace, s, dy, cards);
      j["mk"] = s.made;
      j["us"] = micros(s.micros);
    }
    steps.push_back(std::move(j));
  }
  return steps;
}

/// The graph; the script fills in values and moves the light.
std::string graph_svg(const Trace& trace) {
  const TraceLayout layout = lay_out(trace);
  std::vector<const TracePlace*> place_of(trace.nodes.size(), nullptr);
  for (const TracePlace& p : layout.places) place_of[std::size_t(p.node)] = &p;
  const auto n = [](double x) { return io::format_number(x, 1); };
  std::string svg = message(
      "<svg id=\"graph\" role=\"group\" aria-label=\"The graph of the tape\" "
      "width=\"",
      n(layout.width), "\" height=\"", n(layout.height), "\">",
      "<defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"6\" refY=\"4\" "
      "markerUnits=\"userSpaceOnUse\" markerWidth=\"10\" "
      "markerHeight=\"10\" orient=\"auto-start-reverse\"><path "
      "d=\"M0 0.6L7.4 4L0 7.4z\" fill=\"context-stroke\"/></marker></defs>");
  for (const TracePlace& to : layout.places) {
    const TraceNode& node = trace.nodes[std::size_t(to.node)];
    for (std::size_t slot = 0; slot < node.inputs.size(); ++slot) {
      const TraceInput& in = node.inputs[slot];
      if (in.node < 0 || !place_of[std::size_t(in.node)]) continue;
      svg += message("<path class=\"e", in.recorded ? "" : " c", "\" id=\"e", to.node, "-", slot,
                     "\" data-f=\"", in.node, "\" data-t=\"", to.node, "\" d=\"",
                     route(layout, *place_of[std::size_t(in.node)], to), "\"/>");
    }
  }
  for (const TracePlace& p : layout.places) {
    const TraceNode& node = trace.nodes[std::size_t(p.node)];
    const double w = TraceLayout::kBoxWidth, h = TraceLayout::kBoxHeight;
    std::string title = node.name.empty() ? node.op : node.name + " = " + node.op;
    if (node.op == "variable" || node.op == "borrow" || node.op == "constant")
      title = node.name.empty() ? node.op : node.name;
    if (title.size() > 21) title = title.substr(0, 20) + "\u2026";
    svg += message("<g class=\"n", node.inputs.empty() ? " leaf" : "",
                   node.pass >= 0 ? " back" : "", "\" id=\"n", p.node, "\" transform=\"translate(",
                   n(p.x), ",", n(p.y), ")\">", "<rect width=\"", n(w), "\" height=\"", n(h),
                   "\" rx=\"7\"/>", "<text class=\"o\" x=\"9\" y=\"18\">", io::escape(title),
                   "</text>", "<text class=\"v\" x=\"9\" y=\"", n(h - 9), "\"></text>",
                   "<text class=\"a\" x=\"", n(w - 9), "\" y=\"", n(h - 9), "\"></text></g>");
  }
  return svg + "</svg>";
}

std::string for_script(const Json& json) {
  return io::json_for_script(json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace

io::HtmlPage trace_page(const Trace& trace, const CardLookup& cards, std::string_view title,
                        std::string_view lead) {
  const int64_t cells = cells_per_picture(trace);
  Json nodes = Json::array();
  for (std::size_t i = 0; i < trace.nodes.size(); ++i) {
    nodes.push_back(node_json(trace, int(i), cards, cells));
  }
  Json passes = Json::array();
  for (const TracePass& p : trace.passes) passes.push_back({{"root", p.root}, {"rec", p.recorded}});
  const Json data{{"scalar", trace.scalar},
                  {"nodes", nodes},
                  {"passes", passes},
                  {"steps", steps_json(trace, cards, cells)}};
  io::HtmlPage page(title, lead);
  page.raw_html(message("<style>", kTracePageStyle, "</style>\n", kTracePageControls,
                        "<div id=\"main\"><div id=\"view\">", graph_svg(trace),
                        "</div><aside id=\"side\" aria-live=\"polite\"></aside></div>\n",
                        "<script type=\"application/json\" id=\"trace\">", for_script(data),
                        "</script>\n<script>", kTracePageScript, "</script>\n"));
  return page;
}

}  // namespace talweg
