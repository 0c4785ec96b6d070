// Model files: any bytes, a header of any text before any data, and a sound model with a piece of it
// damaged, are refused in a sentence or are a model that reads.
#include <cmath>
#include <string>

#include "core/error.h"
#include "core/io/safetensors.h"
#include "ocr/recognizer.h"
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

/// A sound model of few numbers.
const io::Safetensors& a_model() {
  static const io::Safetensors model = [] {
    const auto architecture = Architecture::parse("net/2p-2v-c3-w2-r2d2/x2");
    const Alphabet alphabet(U"ab\u00e9");
    nn::Checkpoint c(model_metadata(architecture, alphabet, ebm::Topology::margins,
                                    {{kReadingBetaKey, "0.9"}, {"note", "a model"}}));
    c.store(make_network(architecture, alphabet.size(), Rng(1)).parameters);
    c.save(scratch() / "sound.safetensors");
    return io::load_safetensors(scratch() / "sound.safetensors");
  }();
  return model;
}

io::Gray8 a_picture() {
  io::Gray8 image(40, 20, 255);
  for (int y = 4; y < 16; ++y) image.at(8 + y, y) = image.at(20, y) = 0;
  return image;
}

void check_container(const std::string& bytes) {
  try {
    const io::Safetensors content = io::decode(bytes, "FILE");
    require(io::decode(io::encode(content), "COPY") == content, "a copy holds the same");
  } catch (const IoError& e) {
    require(std::string_view(e.what()).starts_with("FILE: "), "a refusal says of what");
  }
}

void check_reading(const Reading& r) {
  require(r.status != ebm::AlignStatus::ok || (r.confidence >= 0 && r.confidence <= 1 + 1e-9),
          "a confidence is a probability");
}

void check_file(const std::string& bytes) {
  check_container(bytes);
  const std::string path = scratch().write("model.safetensors", bytes);
  try {
    const Recognizer recognizer = Recognizer::load(path);
    static const io::Gray8 image = a_picture();
    check_reading(recognizer.read(image));
  } catch (const IoError&) {
  }
}

/// Text of a header before data; a line end parts them.
std::string with_length(std::string_view text) {
  const size_t end = std::min(text.find('\n'), text.size());
  uint64_t length = end;
  std::string bytes(reinterpret_cast<const char*>(&length), sizeof length);
  return bytes.append(text.substr(0, end)).append(text.substr(std::min(end + 1, text.size())));
}

/// A sound model but for one entry of its metadata.
std::string with_metadata(Input& in) {
  io::Safetensors model = a_model();
  auto entry = model.metadata.begin();
  std::advance(entry, in.below(int64_t(model.metadata.size())));
  if (in.flip()) {
    model.metadata.erase(entry);
  } else {
    entry->second = in.rest();
  }
  try {
    return io::encode(model);
  } catch (const Error&) {  // no UTF-8
    return {};
  }
}

/// A sound model but for one tensor: other numbers, another shape or type, or none of it.
std::string with_tensor(Input& in) {
  io::Safetensors model = a_model();
  auto entry = model.tensors.begin();
  std::advance(entry, in.below(int64_t(model.tensors.size())));
  io::TensorBlob& blob = entry->second;
  switch (in.below(4)) {
    case 0:
      model.tensors.erase(entry);
      break;
    case 1:
      blob.shape = {int64_t(blob.bytes.size() / 4)};
      break;
    case 2:
      blob.dtype = "I32";
      break;
    default: {
      std::string bytes(blob.bytes.view());
      for (size_t at = 0; at + 4 <= bytes.size(); at += 4) {
        const auto x = fuzz::energy<float>(in, fuzz::scale_of(in));
        std::memcpy(&bytes[at], &x, sizeof x);
      }
      blob.bytes = std::move(bytes);
    }
  }
  return io::encode(model);
}

}  // namespace
}  // namespace talweg::ocr

talweg::fuzz::Corpus talweg::fuzz::corpus() {
  const std::string model = io::encode(ocr::a_model());
  const size_t header = model.find("{");
  Corpus corpus{{'\0' + model, '\1' + model.substr(header), "\2\xFF\xFF\xFF\xFF\2\3"}, 1500};
  const auto entries = ocr::a_model().metadata.size();
  for (char k = 0; size_t(k) < entries; ++k) {
    for (const char* value :
         {"net/4096-4096-4096-c4096", "cnn/1-2-3-4-5/plain", "ctc", "1e3", "nan", "\u00e9ba", ""}) {
      corpus.seeds.push_back(std::string{3, k, 0} + value);
    }
  }
  for (char k = 0; size_t(k) < ocr::a_model().tensors.size(); ++k) {
    for (char way = 0; way < 4; ++way) {
      corpus.seeds.push_back(std::string{4, k, way} + "\1\x40\2\x30\3\x20");
    }
  }
  return corpus;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace talweg::ocr;
  talweg::fuzz::Input in(data, size);
  switch (in.below(5)) {
    case 0:
      check_file(std::string(in.rest()));
      break;
    case 1:
      check_file(with_length(in.rest()));
      break;
    case 2:
      check_file(talweg::fuzz::damaged(in, talweg::io::encode(a_model())));
      break;
    case 3:
      check_file(with_metadata(in));
      break;
    default:
      check_file(with_tensor(in));
  }
  return 0;
}
