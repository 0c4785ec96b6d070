#include "bench/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "bench/machine.h"
#include "core/error.h"
#include "core/io/file.h"

namespace talweg::bench {
namespace {

/// What CLI11 fills, before it is checked and turned into what the suite takes.
struct Raw {
  std::vector<std::string> isas, algos, faces, shapes, files;
  std::vector<int> threads;
  std::string cold = "none";
};

void add_what(CLI::App& app, Options& o, Raw& raw) {
  app.add_option(
      "filter", o.filter,
      "A group (ocr, tiny, word, latency, deepbench, speech, resnet, depthwise, strided, "
      "kernels, ops, matmul, ladder, nets), a part of a row's name, or a regular expression");
  app.add_flag("--list", o.list, "Print the rows' names and measure nothing");
  app.add_flag("--smoke", o.smoke, "A few seconds, to see that it works");
  app.add_flag(
      "--floors", o.floors,
      "Fail where a key convolution, on one thread, is far below what it must reach of the "
      "measured peak (floors.cpp); for an idle machine, with --smoke or ocr");
  app.add_option("--threads", raw.threads, "Numbers of threads, e.g. 1,2; one and all if not given")
      ->delimiter(',')
      ->check(CLI::Range(1, 1024));
  app.add_option("--isa", raw.isas, "Instruction sets, e.g. avx512,avx2; the best if not given")
      ->delimiter(',');
  app.add_option("--algo", raw.algos,
                 "Of direct, wino2, wino4, row4, auto; direct,auto if not given")
      ->delimiter(',');
  app.add_option("--face", raw.faces,
                 "Of forward, backward_data, backward_weights; all if not given")
      ->delimiter(',');
  app.add_option("--shape", raw.shapes,
                 "Convolutions of your own, NxCxHxW-KxKHxKW with s (stride), p (padding), d "
                 "(dilation), g (groups) behind, e.g. 32x64x8x32-128x3x3s1p1");
  app.add_option("--shapes", raw.files, "Files of such shapes, one a line, # for comments");
  app.add_flag("--packing", o.suite.with_packing,
               "Also time convolutions with the packing of their weights (peers: reorders)");
}

void add_how(CLI::App& app, Options& o, Raw& raw) {
  app.add_option("--seconds", o.run.seconds, "Timed for each row")
      ->capture_default_str()
      ->check(CLI::Range(0.001, 1000.0));
  app.add_option("--turns", o.run.turns, "Samples of each row, taken in turns with its rivals")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  app.add_option(
         "--cold", raw.cold,
         "Caches before each run: none (warm), weights or all cold, thrown out line by line with "
         "the processor's own instruction (clflush), which reaches every cache whatever its "
         "size; a rotation among copies would have to know the last cache's, and virtual "
         "machines state their host's")
      ->capture_default_str()
      ->check(CLI::IsMember({"none", "weights", "all"}));
  app.add_flag("--pin", o.run.pin, "Bind each OpenMP thread to a processor");
  app.add_option("--against", o.run.against, "The way that ratios compare with");
  app.add_option("--json", o.json, "Write everything, samples included, to this file");
  app.add_option("--csv", o.csv, "Write one line a row to this file");
  app.add_option("--svg", o.svg, "Write a roofline plot to this file");
}

void add_compare(CLI::App& app, Options& o) {
  CLI::App* command = app.add_subcommand(
      "compare", "Compare two files of --json; exit code 1 where a row became slower");
  command->add_option("A", o.compare_a, "The run before")->required();
  command->add_option("B", o.compare_b, "The run after")->required();
  command->add_option("--threshold", o.threshold, "Smaller changes are not reported")
      ->capture_default_str();
  command->add_flag("--across-machines", o.across_machines,
                    "Compare although processor or settings differ");
}

void set_isas(const Raw& raw, SuiteOptions& o) {
  o.isas = raw.isas;
  if (o.isas.empty()) o.isas.emplace_back(kernels::table<float>().name);
  for (const std::string& isa : o.isas) {
    const auto known = kernels::available_isas();
    std::string names;
    for (const std::string& name : known) names += (names.empty() ? "" : ", ") + name;
    expect(std::find(known.begin(), known.end(), isa) != known.end(), "[bench] --isa ", isa,
           " is unknown, or this processor lacks it; choose of: ", names);
  }
}

void set_algos(const Raw& raw, SuiteOptions& o) {
  if (raw.algos.empty()) return;
  o.algos = raw.algos;
  for (const std::string& algo : o.algos) {
    expect(
        algo == "direct" || algo == "wino2" || algo == "wino4" || algo == "row4" || algo == "auto",
        "[bench] --algo ", algo, " is unknown; choose of: direct, wino2, wino4, row4, auto");
  }
}

void set_shapes(const Raw& raw, SuiteOptions& o) {
  for (const std::string& text : raw.shapes) o.shapes.push_back(parse_shape(text));
  for (const std::string& file : raw.files) {
    const auto shapes = parse_shapes(file, io::read_file(file));
    o.shapes.insert(o.shapes.end(), shapes.begin(), shapes.end());
  }
}

/// One thread and all of them, or those asked for, each once.
std::vector<int> threads_of(const Raw& raw) {
  std::vector<int> threads = raw.threads;
  if (threads.empty()) threads = {1, int(allowed_processors().size())};
  std::sort(threads.begin(), threads.end());
  threads.erase(std::unique(threads.begin(), threads.end()), threads.end());
  return threads;
}

/// " --name a b" unless there is none.
template <class Values>
std::string repeated(const std::string& name, const Values& values, const char* separator = ",") {
  std::string text;
  for (const auto& value : values) text += (text.empty() ? "" : separator) + message(value);
  return text.empty() ? text : " " + name + " " + text;
}

/// Sets what a command to repeat a row or problem must hold of this command line.
void set_repeated(const Raw& raw, Options& o) {
  std::string how;
#ifdef TALWEG_PEERS
  how += " --peers";
#endif
  if (raw.cold != "none") how += " --cold " + raw.cold;
  if (o.run.pin) how += " --pin";
  std::string what = repeated("--shape", raw.shapes, " ") + repeated("--shapes", raw.files, " ") +
                     repeated("--threads", raw.threads) + repeated("--isa", raw.isas) +
                     repeated("--algo", raw.algos);
  if (o.suite.with_packing) what += " --packing";
  o.run.how_options = how.substr(how.empty() ? 0 : 1);
  o.run.what_options = what.substr(what.empty() ? 0 : 1);
}

void finish(const Raw& raw, Options& o) {
  set_isas(raw, o.suite);
  set_algos(raw, o.suite);
  set_shapes(raw, o.suite);
  o.suite.threads = threads_of(raw);
  if (!raw.faces.empty()) {
    o.suite.faces.clear();
    for (const std::string& face : raw.faces) o.suite.faces.push_back(parse_face(face));
  }
  o.run.cold = raw.cold == "all" ? Cold::all : raw.cold == "weights" ? Cold::weights : Cold::none;
  if (o.smoke) {
    o.run.seconds = std::min(o.run.seconds, 0.02);
    o.run.turns = std::min(o.run.turns, 5);
  }
  set_repeated(raw, o);
}

}  // namespace

bool parse_options(int argc, const char* const* argv, Options& options, int& code) {
  CLI::App app(
      "Measures talweg's kernels, op by op, beside the ceilings of this machine.\n"
      "Example: ./run bench ocr --json before.json",
      "talweg_bench");
  Raw raw;
  add_what(app, options, raw);
  add_how(app, options, raw);
  add_compare(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    code = app.exit(e) == 0 ? 0 : 2;
    return false;
  }
  options.compare = app.got_subcommand("compare");
  if (!options.compare) finish(raw, options);
  return true;
}

}  // namespace talweg::bench
