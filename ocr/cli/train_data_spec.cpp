// The description of a run's data as a checkpoint keeps it.
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "ocr/cli/train_data.h"
#include "ocr/json_numbers.h"

namespace talweg::ocr::cli {

std::string DataSpec::to_json() const {
  return nlohmann::json{{"seed", seed},
                        {"fonts", fonts},
                        {"random", random},
                        {"train", train},
                        {"validation", validation},
                        {"part", part},
                        {"mix", mix},
                        {"charset", charset},
                        {"base", base},
                        {"charset_mode", charset_mode},
                        {"skip_bad", skip_bad},
                        {"outside", outside},
                        {"topology", topology},
                        {"architecture", architecture},
                        {"typefaces", typefaces},
                        {"never", never},
                        {"weights", weights},
                        {"words", words},
                        {"augment", augment}}
      .dump();
}

DataSpec DataSpec::from_json(const std::string& text) {
  const auto damaged = [](const std::exception& e) {
    return IoError(message("the checkpoint's description of its data is damaged (", e.what(), ")"));
  };
  try {
    const auto j = nlohmann::json::parse(text);
    DataSpec spec;
    spec.seed = seed_in(j, "seed");
    j.at("fonts").get_to(spec.fonts);
    j.at("random").get_to(spec.random);
    j.at("train").get_to(spec.train);
    j.at("validation").get_to(spec.validation);
    spec.part = number_in(j, "part", 0, 1);
    j.at("charset").get_to(spec.charset);
    j.at("skip_bad").get_to(spec.skip_bad);
    spec.outside = j.value("outside", spec.outside);
    spec.topology = j.value("topology", std::string("classic"));
    spec.architecture = j.value("architecture", Architecture().to_string());
    spec.typefaces = j.value("typefaces", spec.typefaces);
    spec.never = j.value("never", spec.never);
    spec.weights = j.value("weights", spec.weights);
    spec.words = j.value("words", spec.words);
    if (j.contains("mix")) spec.mix = number_in(j, "mix", 0, 1);
    spec.base = j.value("base", spec.base);
    spec.charset_mode = j.value("charset_mode", spec.charset_mode);
    spec.augment = j.value("augment", spec.augment);
    return spec;
  } catch (const nlohmann::json::exception& e) {
    throw damaged(e);
  } catch (const Error& e) {
    throw damaged(e);
  }
}

}  // namespace talweg::ocr::cli
