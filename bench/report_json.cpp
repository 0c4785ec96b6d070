#include <nlohmann/json.hpp>

#include "bench/report.h"
#include "core/error.h"

namespace talweg::bench {
namespace {

using nlohmann::json;
constexpr const char* kFormat = "talweg-bench-1";

json of(const Interval& i) { return {i.value, i.low, i.high}; }

void read(const json& j, Interval& i) {
  i = {j.at(0).get<double>(), j.at(1).get<double>(), j.at(2).get<double>()};
}

json of(const Machine& m) {
  return {{"cpu", m.cpu},
          {"isa", m.isa},
          {"isas", m.isas},
          {"compiler", m.compiler},
          {"flags", m.flags},
          {"commit", m.commit},
          {"affinity", m.affinity},
          {"governor", m.governor},
          {"load", m.load},
          {"caches", m.caches},
          {"processors", m.processors}};
}

void read(const json& j, Machine& m) {
  j.at("cpu").get_to(m.cpu), j.at("isa").get_to(m.isa), j.at("isas").get_to(m.isas);
  j.at("compiler").get_to(m.compiler), j.at("flags").get_to(m.flags);
  j.at("commit").get_to(m.commit), j.at("affinity").get_to(m.affinity);
  j.at("governor").get_to(m.governor), j.at("load").get_to(m.load);
  j.at("caches").get_to(m.caches), j.at("processors").get_to(m.processors);
}

json of(const Probes& probes) {
  json peak = json::array(), bandwidth = json::array();
  for (const auto& [isa, by_threads] : probes.peak) {
    for (const auto& [threads, gflops] : by_threads) {
      peak.push_back({{"isa", isa}, {"threads", threads}, {"gflops", gflops}});
    }
  }
  for (const auto& [threads, levels] : probes.bandwidth) {
    for (const Bandwidth& b : levels) {
      bandwidth.push_back({{"threads", threads},
                           {"level", b.level},
                           {"bytes_per_thread", b.bytes_per_thread},
                           {"read_gbs", b.read},
                           {"copy_gbs", b.copy},
                           {"triad_gbs", b.triad}});
    }
  }
  return {{"multiply_add_peak", peak}, {"bandwidth", bandwidth}, {"clock_ghz", probes.ghz}};
}

void read(const json& j, Probes& probes) {
  for (const json& p : j.at("multiply_add_peak")) {
    probes.peak[p.at("isa")][p.at("threads")] = p.at("gflops");
  }
  probes.ghz = j.value("clock_ghz", 0.0);  // younger than the format
  for (const json& b : j.at("bandwidth")) {
    probes.bandwidth[b.at("threads")].push_back({b.at("level"), b.at("bytes_per_thread"),
                                                 b.at("read_gbs"), b.at("copy_gbs"),
                                                 b.at("triad_gbs")});
  }
}

const char* name_of(SameBits same) {
  return same == SameBits::not_asked ? "not asked" : same == SameBits::yes ? "yes" : "no";
}

SameBits same_bits_of(const std::string& name) {
  return name == "yes" ? SameBits::yes : name == "no" ? SameBits::no : SameBits::not_asked;
}

json of(const RowRecord& r) {
  json j = {{"name", r.name()},
            {"problem", r.problem},
            {"way", r.way},
            {"threads", r.threads},
            {"isa", r.isa},
            {"groups", r.groups},
            {"in_sum", r.in_sum},
            {"nominal_flop", r.nominal_flop},
            {"executed_flop", r.executed_flop},
            {"bytes", r.bytes},
            {"units", r.units},
            {"unit", r.unit},
            {"failure", r.failure},
            {"error", r.error},
            {"error_bound", r.error_bound},
            {"same_bits_as_one_thread", name_of(r.same_bits)},
            {"peak_gflops", r.roof.peak_gflops},
            {"bandwidth_gbs", r.roof.bandwidth_gbs},
            {"bandwidth_level", r.roof_level},
            {"reference", r.reference},
            {"times_as_fast", of(r.ratio)},
            {"foreign_processors", r.disturbance.foreign},
            {"stolen_processors", r.disturbance.steal},
            {"note", r.note},
            {"command", r.command},
            {"samples_s", r.samples}};
  if (!r.ok()) return j;
  // Derived, for whoever reads the file; parse_json computes them anew.
  const Summary s = r.summary();
  const Figures f = figures(r);
  j["min_s"] = s.min, j["median_s"] = s.median, j["p90_s"] = s.p90;
  j["nominal_gflops"] = f.nominal_gflops, j["executed_gflops"] = f.executed_gflops;
  j["percent_of_peak"] = f.peak_percent, j["roofline_gflops"] = f.bound_gflops;
  j["percent_of_roofline"] = f.bound_percent, j["gbs"] = f.gbs;
  j["units_per_s"] = f.units_per_second;
  return j;
}

RowRecord row_of(const json& j) {
  RowRecord r;
  j.at("problem").get_to(r.problem), j.at("way").get_to(r.way), j.at("threads").get_to(r.threads);
  j.at("isa").get_to(r.isa), j.at("groups").get_to(r.groups), j.at("in_sum").get_to(r.in_sum);
  j.at("nominal_flop").get_to(r.nominal_flop), j.at("executed_flop").get_to(r.executed_flop);
  j.at("bytes").get_to(r.bytes), j.at("units").get_to(r.units), j.at("unit").get_to(r.unit);
  j.at("failure").get_to(r.failure), j.at("error").get_to(r.error);
  j.at("error_bound").get_to(r.error_bound);
  r.same_bits = same_bits_of(j.at("same_bits_as_one_thread"));
  r.roof = {j.at("peak_gflops").get<double>(), j.at("bandwidth_gbs").get<double>()};
  j.at("bandwidth_level").get_to(r.roof_level), j.at("reference").get_to(r.reference);
  read(j.at("times_as_fast"), r.ratio);
  r.disturbance = {j.at("foreign_processors").get<double>(),
                   j.at("stolen_processors").get<double>()};
  j.at("note").get_to(r.note), j.at("command").get_to(r.command);
  j.at("samples_s").get_to(r.samples);
  return r;
}

json of(const Sum& s) {
  return {{"group", s.group},
          {"way", s.way},
          {"threads", s.threads},
          {"problems", s.problems},
          {"seconds", s.seconds},
          {"reference", s.reference},
          {"times_as_fast", of(s.ratio)},
          {"fastest", s.fastest},
          {"times_as_fast_as_fastest", of(s.over_fastest)},
          {"times_as_fast_as_one_thread", of(s.over_one_thread)}};
}

}  // namespace

std::string to_json(const RunRecord& run) {
  json rows = json::array(), all_sums = json::array();
  for (const RowRecord& row : run.rows) rows.push_back(of(row));
  for (const Sum& sum : sums(run.rows)) all_sums.push_back(of(sum));
  const json document = {{"format", kFormat},
                         {"machine", of(run.machine)},
                         {"started", run.started},
                         {"settings", run.settings},
                         {"ceilings_before", of(run.before)},
                         {"ceilings_after", of(run.after)},
                         {"drift", run.drift().amount},
                         {"drifted_most", run.drift().ceiling},
                         {"noisy", run.noisy()},
                         {"rows", rows},
                         {"sums", all_sums}};
  return document.dump(1) + "\n";
}

RunRecord parse_json(const std::string& file, const std::string& text) {
  try {
    const json document = json::parse(text);
    if (document.at("format") != kFormat) {
      throw IoError(message("[bench] ", file, " has the format ", document.at("format"),
                            ", expected ", kFormat, "; measure anew with --json"));
    }
    RunRecord run;
    read(document.at("machine"), run.machine);
    document.at("started").get_to(run.started);
    document.at("settings").get_to(run.settings);
    read(document.at("ceilings_before"), run.before);
    read(document.at("ceilings_after"), run.after);
    for (const json& row : document.at("rows")) run.rows.push_back(row_of(row));
    return run;
  } catch (const json::exception& e) {
    const std::string what = e.what();  // begins with the exception's name in brackets
    throw IoError(message("[bench] ", file, " is no result of this program, written with --json: ",
                          what.substr(what.find("] ") + 2)));
  }
}

}  // namespace talweg::bench
