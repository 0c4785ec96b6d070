// talweg inspect: what a model file holds.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/io/safetensors.h"
#include "core/io/text.h"
#include "nn/checkpoint.h"
#include "nn/conv_report.h"
#include "ocr/cli/command.h"
#include "ocr/cli/json_text.h"
#include "ocr/recognizer.h"

namespace talweg::ocr::cli {

namespace {

constexpr int kTypicalWidth = 128;  // of a word; the algorithm may depend on it

std::string shape_text(const std::vector<int64_t>& shape) {
  std::string s = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) s += (i ? "," : "") + std::to_string(shape[i]);
  return s + "]";
}

void run_inspect(const std::string& path, bool json) {
  const nn::Checkpoint checkpoint = nn::Checkpoint::load(path);
  const ModelInfo info = model_info(checkpoint);
  const io::Safetensors file = io::load_safetensors(path);
  const nn::Network<float> network = network_in(checkpoint, info);
  const int64_t parameters = network.parameters.trained_scalars();
  if (json) {
    nlohmann::ordered_json j{{"file", path},
                             {"bytes", std::filesystem::file_size(path)},
                             {"architecture", info.architecture.to_string()},
                             {"alphabet", info.alphabet.to_string()},
                             {"topology", ebm::to_string(info.topology)},
                             {"parameters", parameters},
                             {"resumable", checkpoint.resumable()},
                             {"metadata", info.metadata}};
    for (const auto& [name, blob] : file.tensors) {
      j["tensors"][name] = {{"dtype", blob.dtype}, {"shape", blob.shape}};
    }
    std::printf("%s\n", json_text(j, 2).c_str());
    return;
  }
  std::printf("%s\n", path.c_str());
  std::printf("architecture  %s\n", info.architecture.to_string().c_str());
  std::printf("alphabet      %d letters and BETWEEN: %s\n", info.alphabet.size() - 1,
              info.alphabet.to_string().c_str());
  std::printf("topology      %s\n", ebm::to_string(info.topology));
  std::printf("file size     %s bytes\n",
              io::format_grouped(std::filesystem::file_size(path)).c_str());
  std::printf("parameters    %s\n", io::format_grouped(uint64_t(parameters)).c_str());
  std::printf("state         %s\n", checkpoint.resumable()
                                        ? "an interrupted training: talweg train --resume goes on"
                                        : "finished");
  for (const auto& [key, value] : info.metadata) {
    if (key != "architecture" && key != "alphabet" && key != "topology") {
      std::printf("%-13s %s\n", key.c_str(), value.c_str());
    }
  }
  const Shape image{1, kModelHeight, kTypicalWidth, 1};
  const auto choices =
      nn::conv_choices(network.layers, network.parameters, image, ConvAlgo::automatic);
  std::printf("\nconvolutions, for a word %d px wide\n%s", kTypicalWidth,
              nn::to_string(choices).c_str());
  std::printf("\ntensor\tdtype\tshape\n");
  for (const auto& [name, blob] : file.tensors) {
    std::printf("%s\t%s\t%s\n", name.c_str(), blob.dtype.c_str(), shape_text(blob.shape).c_str());
  }
}

}  // namespace

void add_inspect(CLI::App& app, const Settings&) {
  struct Arguments {
    std::string model;
    bool json = false;
  };
  auto a = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("inspect", "Shows what a model file holds");
  command->add_option("model", a->model, "Model file")->required();
  command->add_flag("--json", a->json, "JSON instead of text");
  command->footer("Example: talweg inspect demo/model.safetensors");
  command->callback([=] { run_inspect(a->model, a->json); });
}

}  // namespace talweg::ocr::cli
