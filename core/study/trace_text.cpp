#include "core/study/trace_text.h"

#include <cstdio>

#include "core/io/text.h"

namespace talweg {
namespace {

/// Pads to `width` characters (not bytes).
std::string padded(std::string s, std::size_t width) {
  std::size_t shown = 0;
  for (const char c : s) shown += (c & 0xC0) != 0x80;
  s.append(shown < width ? width - shown : 1, ' ');
  return s;
}

std::string micros(double us) { return io::format_number(us, us < 10 ? 2 : 0) + " us"; }

std::string inputs_of(const Trace& trace, const TraceNode& node) {
  std::string s;
  for (const TraceInput& in : node.inputs) {
    if (!s.empty()) s += ", ";
    if (in.node < 0) {
      s += "?";
    } else {
      s += (in.is_adjoint ? "d " : "") + trace.title(in.node);
    }
    if (!in.recorded) s += " (no gradient)";
  }
  return s;
}

std::string made_line(const Trace& trace, int id, const CardLookup& cards) {
  const TraceNode& n = trace.nodes[std::size_t(id)];
  std::string line = padded(message("#", id, " ", n.op, n.name.empty() ? "" : "  " + n.name), 30);
  line += padded(n.shape.to_string(), 16) + padded(to_line(n.value), 30);
  line += padded(message(n.bytes, " B"), 12) + padded(micros(n.micros), 10) + "  " + n.place + "\n";
  const std::string inputs = inputs_of(trace, n);
  const std::string formula = formula_with_numbers(trace, id, cards);
  if (!inputs.empty())
    line += message("      reads ", inputs, formula.empty() ? "" : ";  ", formula, "\n");
  return line;
}

std::string quoted(const std::string& s) {
  std::string out = "\"";
  for (const char c : s) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

}  // namespace

std::string describe(const Trace& trace, const TraceStep& step) {
  const auto pass = [&] {
    return trace.passes.size() > 1 ? message("Backward ", step.pass + 1, ": ")
                                   : std::string("Backward: ");
  };
  const std::string title = step.node < 0 ? "a node made before" : trace.title(step.node);
  switch (step.kind) {
    case TraceStep::Kind::kMade: {
      const TraceNode& n = trace.nodes[std::size_t(step.node)];
      const std::string what =
          n.name.empty() ? title : message(n.name, " (#", step.node, " ", n.op, ")");
      if (n.by >= 0) return message(pass(), "the rule of ", trace.title(n.by), " makes ", what);
      if (n.pass >= 0) return message(pass(), "the pass makes ", what);
      return n.inputs.empty() ? message("Forward: ", what, " is given")
                              : message("Forward: ", what, " is computed");
    }
    case TraceStep::Kind::kBegan:
      return message(pass(), "begins at ", title, ", whose gradient is 1");
    case TraceStep::Kind::kPassing: {
      const bool leaf = trace.nodes[std::size_t(step.node)].inputs.empty();
      return message(pass(), title, " has all of its gradient",
                     leaf ? ": a leaf, it stays here" : " and hands it on");
    }
    case TraceStep::Kind::kRan: {
      const TraceNode& n = trace.nodes[std::size_t(step.node)];
      const int to = step.slot >= 0 ? n.inputs[std::size_t(step.slot)].node : -1;
      return message(pass(), "the rule of ", title, " sends a gradient to ",
                     to >= 0 ? trace.title(to) : "an input");
    }
    case TraceStep::Kind::kEnded:
      return message(pass(), "every leaf has its gradient");
  }
  return {};
}

std::string to_text(const Trace& trace, const CardLookup& cards) {
  std::string out = "forward\n";
  ValueSummary dy;
  for (const TraceStep& step : trace.steps) {
    switch (step.kind) {
      case TraceStep::Kind::kMade:
        out += (step.pass >= 0 ? "    made " : "  ") + made_line(trace, step.node, cards);
        break;
      case TraceStep::Kind::kBegan:
        out += message("\nbackward ", step.pass + 1, ", from ",
                       step.node >= 0 ? trace.title(step.node) : "a node made before",
                       trace.passes[std::size_t(step.pass)].recorded
                           ? ", recorded to be differentiated again\n"
                           : "\n");
        break;
      case TraceStep::Kind::kPassing:
        dy = step.value;
        out += "  " +
               padded(message("#", step.node, " ", trace.nodes[std::size_t(step.node)].op, "  ",
                              trace.nodes[std::size_t(step.node)].name),
                      28) +
               "gradient " + to_line(step.value) + "\n";
        break;
      case TraceStep::Kind::kRan: {
        const TraceNode& n = trace.nodes[std::size_t(step.node)];
        const int to = step.slot >= 0 ? n.inputs[std::size_t(step.slot)].node : -1;
        const std::string rule = rule_with_numbers(trace, step, dy, cards);
        out += "      " + padded(message("to ", to >= 0 ? trace.title(to) : "?"), 24) +
               padded(micros(step.micros), 10) + (rule.empty() ? "" : rule + "   ");
        if (rule.empty() || step.value.shape.size() != 1) out += to_line(step.value);
        out += "\n";
        break;
      }
      case TraceStep::Kind::kEnded:
        out += trace.passes.size() > std::size_t(step.pass) + 1 ? "\nforward again\n" : "";
        break;
    }
  }
  return out;
}

std::string to_dot(const Trace& trace) {
  std::string out = "digraph tape {\n  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n";
  const auto node_line = [&](std::size_t i) {
    const TraceNode& n = trace.nodes[i];
    std::string label = message("#", i, " ", n.op, n.name.empty() ? "" : " " + n.name);
    const std::string value = n.shape.size() == 1 ? to_line(n.value) : n.shape.to_string();
    return message("n", i, " [label=", quoted(label + "\n" + value), "];\n");
  };
  for (std::size_t i = 0; i < trace.nodes.size(); ++i) {
    if (trace.nodes[i].kept && trace.nodes[i].pass < 0) out += "  " + node_line(i);
  }
  for (std::size_t p = 0; p < trace.passes.size(); ++p) {
    if (!trace.passes[p].recorded) continue;
    out += message("  subgraph cluster_", p, " {\n    label=\"backward ", p + 1, "\";\n");
    for (std::size_t i = 0; i < trace.nodes.size(); ++i) {
      if (trace.nodes[i].kept && trace.nodes[i].pass == int(p)) out += "    " + node_line(i);
    }
    out += "  }\n";
  }
  for (std::size_t i = 0; i < trace.nodes.size(); ++i) {
    if (!trace.nodes[i].kept) continue;
    for (const TraceInput& in : trace.nodes[i].inputs) {
      if (in.node < 0) continue;
      out += message("  n", in.node, " -> n", i, in.recorded ? "" : " [style=dashed]", ";\n");
    }
  }
  return out + "}\n";
}

}  // namespace talweg
