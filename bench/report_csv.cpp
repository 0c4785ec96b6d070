#include <sstream>

#include "bench/report.h"

namespace talweg::bench {
namespace {

/// Quoted where a comma, quote or line break asks for it (RFC 4180).
std::string field(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

std::string number(double value) {
  std::ostringstream out;
  out.precision(9);
  out << value;
  return out.str();
}

std::string bits(SameBits same) {
  return same == SameBits::not_asked ? "" : same == SameBits::yes ? "yes" : "no";
}

void add_figures(const RowRecord& row, std::vector<std::string>& fields) {
  const Summary s = row.summary();
  const Figures f = figures(row);
  for (const double v : {s.min, s.median, s.p90, f.nominal_gflops, f.executed_gflops,
                         f.peak_percent, f.bound_gflops, f.bound_percent, f.gbs, f.units_per_second,
                         row.ratio.value, row.ratio.low, row.ratio.high}) {
    fields.push_back(v > 0 ? number(v) : "");
  }
}

}  // namespace

std::string to_csv(const RunRecord& run) {
  std::string text =
      "problem,way,threads,isa,min_s,median_s,p90_s,nominal_gflops,executed_gflops,percent_of_peak,"
      "roofline_gflops,percent_of_roofline,gbs,units_per_s,times_as_fast,times_as_fast_low,"
      "times_as_fast_high,reference,error,same_bits_as_one_thread,foreign_processors,"
      "stolen_processors,noisy,note,failure,command\n";
  constexpr size_t kFigures = 13;
  for (const RowRecord& row : run.rows) {
    std::vector<std::string> fields = {row.problem, row.way, std::to_string(row.threads), row.isa};
    if (row.ok()) {
      add_figures(row, fields);
    } else {
      fields.resize(fields.size() + kFigures);
    }
    for (const std::string& rest :
         {row.reference, row.error < 0 ? "" : number(row.error), bits(row.same_bits),
          number(row.disturbance.foreign), number(row.disturbance.steal),
          std::string(run.noisy() ? "yes" : "no"), row.note, row.failure, row.command}) {
      fields.push_back(rest);
    }
    for (size_t i = 0; i < fields.size(); ++i) text += (i == 0 ? "" : ",") + field(fields[i]);
    text += "\n";
  }
  return text;
}

}  // namespace talweg::bench
