// talweg data: looks at labelled images before a training does.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/io/file.h"
#include "core/io/text.h"
#include "nn/checkpoint.h"
#include "ocr/cli/aligner_options.h"
#include "ocr/cli/command.h"
#include "ocr/cli/json_text.h"
#include "ocr/cli/outside_option.h"
#include "ocr/data_split.h"
#include "ocr/dataset_stats.h"
#include "ocr/recognizer.h"
#include "ocr/text.h"
#include "ocr/training.h"

namespace talweg::ocr::cli {

namespace fs = std::filesystem;

namespace {

struct DataArguments {
  std::string data, model, charset = "auto", topology, architecture, out;
  double part = 0.9;
  bool json = false, outside = false;
};

/// A model that the labels are to be read by: a file's, or one that `train` would make.
struct Reader {
  Architecture architecture;
  ebm::Topology topology = TrainingPlan().topology;
  std::optional<Alphabet> alphabet;
};

Reader reader_of(const DataArguments& a) {
  Reader reader;
  if (!a.model.empty()) {
    if (!a.topology.empty() || !a.architecture.empty() || a.charset != "auto") {
      throw UsageError(
          "the model of -m has its letters, topology and architecture; leave --charset, --topology "
          "and --architecture out");
    }
    const ModelInfo info = model_info(nn::Checkpoint::load(a.model));
    return {info.architecture, info.topology, info.alphabet};
  }
  if (!a.architecture.empty()) reader.architecture = Architecture::parse(a.architecture);
  if (!a.topology.empty()) reader.topology = ebm::parse_topology(a.topology);
  if (a.charset != "auto") reader.alphabet = Alphabet::from_spec(a.charset);
  return reader;
}

Dataset checked(const DataArguments& a) {
  const Reader reader = reader_of(a);
  Dataset data = open_dataset(a.data, {a.outside});
  check_samples(
      data, reader.alphabet ? &*reader.alphabet : nullptr,
      [&](int width) { return reader.architecture.windows(width); }, reader.topology);
  return data;
}

/// How often each kind of fault was found.
std::map<std::string, int64_t> counts_of(const std::vector<Finding>& findings) {
  std::map<std::string, int64_t> counts;
  for (const Finding& f : findings) ++counts[std::string(fault_name(f.fault))];
  return counts;
}

void run_check(const DataArguments& a) {
  const Dataset data = checked(a);
  const auto counts = counts_of(data.findings);
  if (a.json) {
    nlohmann::ordered_json j{{"format", data.format},
                             {"sound", data.samples.size()},
                             {"faulty", data.findings.size()},
                             {"faults", counts},
                             {"findings", nlohmann::ordered_json::array()}};
    for (const Finding& f : data.findings) {
      j["findings"].push_back(
          {{"fault", fault_name(f.fault)}, {"file", f.path}, {"message", f.message}});
    }
    std::printf("%s\n", json_text(j, 2).c_str());
  } else {
    for (const Finding& f : data.findings) std::printf("%s\n", f.message.c_str());
    std::printf("%s: %zu sound samples (%s), %zu faults", a.data.c_str(), data.samples.size(),
                data.format.c_str(), data.findings.size());
    const char* before = ": ";
    for (const auto& [fault, count] : counts) {
      std::printf("%s%lld %s", before, static_cast<long long>(count), fault.c_str());
      before = ", ";
    }
    std::printf("\n");
  }
  if (!data.findings.empty() || data.samples.empty()) throw Exit{1};
}

nlohmann::ordered_json to_json(const Spread& s) {
  return {{"least", s.least}, {"median", s.median}, {"most", s.most}};
}

void print_stats(const DatasetStats& s, const std::string& format) {
  const auto spread = [](const char* what, const Spread& of, const char* unit) {
    std::printf("%-14s %lld to %lld%s, median %lld\n", what, static_cast<long long>(of.least),
                static_cast<long long>(of.most), unit, static_cast<long long>(of.median));
  };
  std::printf("samples        %lld (%s)\n", static_cast<long long>(s.samples), format.c_str());
  std::printf("texts          %lld different\n", static_cast<long long>(s.different));
  spread("label", s.letters, " characters");
  spread("image width", s.width, " px");
  spread("image height", s.height, " px");
  spread("model width", s.model_width, " px");
  std::printf("spaces at ends %lld labels\n", static_cast<long long>(s.spaces_at_ends));
  std::printf("\nletter\tcode point\ttimes\tlabels\tfirst\n");
  for (const LetterUse& use : s.uses) {
    std::printf("%s\t%s\t%lld\t%lld\t%s\n", encode_utf8(use.letter).c_str(),
                code_point_name(use.letter).c_str(), static_cast<long long>(use.times),
                static_cast<long long>(use.samples), use.first.c_str());
  }
}

void run_stats(const DataArguments& a) {
  Dataset data = open_dataset(a.data, {a.outside});
  check_samples(data, nullptr);
  const DatasetStats s = dataset_stats(data.samples);
  if (a.json) {
    nlohmann::ordered_json j{{"format", data.format},
                             {"samples", s.samples},
                             {"faulty", data.findings.size()},
                             {"different_texts", s.different},
                             {"label_characters", to_json(s.letters)},
                             {"image_width", to_json(s.width)},
                             {"image_height", to_json(s.height)},
                             {"model_width", to_json(s.model_width)},
                             {"labels_with_spaces_at_ends", s.spaces_at_ends},
                             {"letters", nlohmann::ordered_json::array()}};
    for (const LetterUse& use : s.uses) {
      j["letters"].push_back({{"letter", encode_utf8(use.letter)},
                              {"code_point", code_point_name(use.letter)},
                              {"times", use.times},
                              {"labels", use.samples},
                              {"first", use.first}});
    }
    std::printf("%s\n", json_text(j, 2).c_str());
  } else {
    print_stats(s, data.format);
  }
  if (!data.findings.empty()) {
    std::fprintf(stderr, "talweg: %s: %zu faulty samples are not counted; see talweg data check\n",
                 a.data.c_str(), data.findings.size());
  }
}

/// Writes samples as a list in `folder`, with paths relative to it, as lists are read.
void write_relative(const fs::path& folder, const char* name, const std::vector<Sample>& samples) {
  std::vector<Label> labels;
  for (const Sample& s : samples) {
    const fs::path relative = fs::absolute(s.path).lexically_normal().lexically_relative(
        fs::absolute(folder).lexically_normal());
    if (relative.empty() || *relative.begin() == "..") {
      throw IoError(
          message(s.path, " does not lie below ", folder.string(), ", and a list names ",
                  "images below its own folder; give a folder above the images with --out"));
    }
    labels.push_back({relative.string(), s.text});
  }
  write_list((folder / name).string(), labels);
  std::printf("%s: %zu samples\n", (folder / name).string().c_str(), labels.size());
}

void run_split(const DataArguments& a, const Settings& settings) {
  Dataset data = open_dataset(a.data, {a.outside});
  check_samples(data, nullptr);
  if (data.samples.size() < 2) {
    throw IoError(message(a.data, ": a split needs at least 2 sound samples, found ",
                          data.samples.size(), "; see talweg data check"));
  }
  fs::path folder = a.out;
  if (a.out.empty())
    folder = fs::is_directory(a.data) ? fs::path(a.data) : fs::path(a.data).parent_path();
  if (folder.empty()) folder = ".";
  require_writable_folder(folder.string());
  DataSplit parts = split(std::move(data.samples), a.part, settings.seed);
  for (auto* part : {&parts.train, &parts.validation}) {
    std::ranges::sort(*part, {}, &Sample::path);
  }
  write_relative(folder, "train.tsv", parts.train);
  write_relative(folder, "val.tsv", parts.validation);
  if (!data.findings.empty()) {
    std::fprintf(stderr, "talweg: %s: %zu faulty samples are in neither; see talweg data check\n",
                 a.data.c_str(), data.findings.size());
  }
}

CLI::App* add_part(CLI::App& app, const char* name, const char* what, DataArguments& a) {
  CLI::App* command = app.add_subcommand(name, what);
  command->fallthrough();
  command->add_option("data", a.data, "Labelled images: folder or list")->required();
  add_outside_option(*command, a.outside);
  return command;
}

}  // namespace

void add_data(CLI::App& app, const Settings& settings) {
  auto a = std::make_shared<DataArguments>();
  CLI::App* command = app.add_subcommand("data", "Looks at labelled images before training does");
  command->require_subcommand(1);
  command->footer(
      "Examples: talweg data check words/\n"
      "          talweg data stats words/labels.tsv --json\n"
      "          talweg data split words/ --val-share 0.1");
  CLI::App* check =
      add_part(*command, "check", "Finds what training would stumble over; exit 1", *a);
  check->add_option("-m,--model", a->model, "Model that the labels are for; any letters if none");
  check->add_option("--charset", a->charset, "Letters that labels may hold: auto, or as in a-z")
      ->capture_default_str();
  check->add_option("--architecture", a->architecture, "Network whose windows labels must fit");
  add_topology_option(*check, a->topology);
  check->add_flag("--json", a->json, "JSON instead of text");
  check->footer("Example: talweg data check words/ --charset a-zA-Z");
  check->callback([a] { run_check(*a); });
  CLI::App* stats = add_part(*command, "stats", "Counts letters, measures labels and images", *a);
  stats->add_flag("--json", a->json, "JSON instead of text");
  stats->footer("Example: talweg data stats words/");
  stats->callback([a] { run_stats(*a); });
  CLI::App* parts = add_part(*command, "split",
                             "Writes train.tsv and val.tsv, two lists that share no image", *a);
  parts
      ->add_option_function<double>(
          "--val-share", [a](double share) { a->part = 1 - share; },
          "Share of the samples for val.tsv (default 0.1)")
      ->check(CLI::Range(0.001, 0.999));
  parts->add_option("--out", a->out, "Folder of the lists, above the images (default: theirs)");
  parts->footer("Example: talweg data split words/ --val-share 0.1 --seed 7");
  parts->callback([a, &settings] { run_split(*a, settings); });
}

}  // namespace talweg::ocr::cli
