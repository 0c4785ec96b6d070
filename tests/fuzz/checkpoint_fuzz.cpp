// Checkpoints of interrupted trainings: a sound one with a piece of it damaged or forged is refused in
// a sentence, or goes on for a step.
#include <nlohmann/json.hpp>
#include <string>

#include "core/error.h"
#include "core/io/safetensors.h"
#include "ocr/learning_record.h"
#include "ocr/training.h"
#include "tests/fuzz/input.h"
#include "tests/ocr/scratch_folder.h"

namespace talweg::ocr {
namespace {

using fuzz::Input;
using fuzz::require;

const ScratchFolder& scratch() {
  static const ScratchFolder folder;
  return folder;
}

/// Words as strokes: no font is needed.
class Strokes : public BatchSource {
 public:
  void characters(int64_t step, Batch& batch) const override { words(step, batch); }
  void words(int64_t step, Batch& batch) const override {
    constexpr int kWidth = 24;
    begin_batch(batch, 2, kWidth);
    std::vector<float> ink(size_t(kModelHeight) * kWidth, 0.0f);
    for (size_t k = size_t(step) % 5; k < ink.size(); k += 7) ink[k] = 1;
    for (const char* text : {"ab", "b"}) {
      const int letters = add_image(batch, ink, kWidth, text, alphabet_);
      for (int k = 0; k < letters; ++k) {
        batch.spans.columns.push_back({8.0 * k, 8.0 * k + 8});
      }
    }
  }
  const Alphabet& alphabet() const override { return alphabet_; }

 private:
  Alphabet alphabet_{U"ab"};
};

const Strokes& source() {
  static const Strokes strokes;
  return strokes;
}

/// Of a training that was stopped after a step of both stages.
const io::Safetensors& a_checkpoint() {
  static const io::Safetensors checkpoint = [] {
    TrainingPlan plan;
    plan.architecture = Architecture::parse("net/1p-1v-c2");
    plan.character_steps = 1;
    plan.word_steps = 3;
    WordTrainer trainer(plan, source());
    LearningRecord record({1, true, 2});
    trainer.run(
        [&](const TrainingReport& report) {
          record.add_step(report);
          record.add_point({}, 1);
          return report.step < 1;
        },
        0);
    trainer.keep();
    trainer.save(scratch() / "sound.safetensors", {{"learning_record", record.to_json()}});
    return io::load_safetensors(scratch() / "sound.safetensors");
  }();
  return checkpoint;
}

void check_record(const io::Safetensors& file) {
  const auto text = file.metadata.find("learning_record");
  if (text == file.metadata.end()) return;
  try {
    const LearningRecord record = LearningRecord::from_json(text->second);
    require(LearningRecord::from_json(record.to_json()).to_json() == record.to_json(),
            "a record that was read is written as it was");
    require(record.measurements_since_better() >= 0, "measurements are counted");
  } catch (const IoError&) {
  }
}

void check_file(const io::Safetensors& file) {
  check_record(file);
  const std::string path = scratch() / "checkpoint.safetensors";
  io::save_safetensors(path, file);
  try {
    const auto trainer = WordTrainer::resume(path, source());
    const int64_t next = trainer->next_step();
    require(next >= 0 && next < trainer->plan().steps(), "the next step is one of the plan's");
    trainer->run([](const TrainingReport&) { return false; }, 0);
    require(trainer->next_step() == next + 1, "a step was taken");
  } catch (const IoError&) {
  } catch (const Error& e) {
    require(std::string_view(e.what()).starts_with("[train] step "),
            "a step may fail, and says so");
  }
  try {
    TrainingPlan plan;
    plan.architecture = Architecture::parse("net/1p-1v-c2");
    WordTrainer(plan, source()).begin_from(path);
  } catch (const IoError&) {
  }
}

/// Another value for an entry of the JSON in a metadata entry.
void forge_number(Input& in, std::string& text) {
  auto json = nlohmann::json::parse(text);
  auto entry = json.begin();
  std::advance(entry, in.below(int64_t(json.size())));
  switch (in.below(6)) {
    case 0:
      *entry = in.bits<int64_t>();
      break;
    case 1:
      *entry = in.bits<uint64_t>();
      break;
    case 2: {
      const auto x = in.bits<double>();
      *entry = fuzz::is_finite(x) ? x : 1e300;
      break;
    }
    case 3:
      *entry = in.below(256);
      break;
    case 4:
      json.erase(entry);
      break;
    default:
      *entry = nlohmann::json::parse(in.rest(), nullptr, false);
      if (entry->is_discarded()) *entry = nullptr;
  }
  text = json.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

void forge_tensor(Input& in, io::Safetensors& file) {
  auto entry = file.tensors.begin();
  std::advance(entry, in.below(int64_t(file.tensors.size())));
  if (in.below(8) == 0) {
    file.tensors.erase(entry);
    return;
  }
  std::string bytes(entry->second.bytes.view());
  for (size_t at = 0; at < bytes.size() && !in.rest().empty(); ++at) bytes[at] = char(in.byte());
  entry->second.bytes = std::move(bytes);
}

}  // namespace
}  // namespace talweg::ocr

talweg::fuzz::Corpus talweg::fuzz::corpus() {
  Corpus corpus{{std::string("\0\1\1\2\3", 5)}, 1500};
  for (char k = 0; k < 16; ++k) {
    for (char way = 0; way < 5; ++way) {
      corpus.seeds.push_back(std::string{1, 0, k, way} + "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F");
      corpus.seeds.push_back(std::string{1, 1, k, way} + std::string(8, '\xFF'));
    }
    corpus.seeds.push_back(std::string{1, 0, k, 5} + "\"infonce\"");
    corpus.seeds.push_back(std::string{1, 0, k, 5} + "\"0.3:inf\"");
  }
  for (char k = 0; size_t(k) < ocr::a_checkpoint().tensors.size(); ++k) {
    corpus.seeds.push_back(std::string{2, k, 1} + std::string(8, '\xFF'));
    corpus.seeds.push_back(std::string{2, k, 1} + std::string("\0\0\x80\x7F", 4));
  }
  return corpus;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace talweg;
  fuzz::Input in(data, size);
  io::Safetensors file = ocr::a_checkpoint();
  switch (in.below(3)) {
    case 0:
      try {
        file = io::decode(fuzz::damaged(in, io::encode(file)), "FILE");
      } catch (const IoError&) {
        return 0;
      }
      break;
    case 1:
      ocr::forge_number(in, file.metadata[in.flip() ? "learning_record" : "training_plan"]);
      break;
    default:
      ocr::forge_tensor(in, file);
  }
  ocr::check_file(file);
  return 0;
}
