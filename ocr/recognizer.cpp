#include "ocr/recognizer.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <numeric>

namespace talweg::ocr {

namespace {

constexpr const char* kKindKey = "kind";
constexpr const char* kKind = "talweg word model";
constexpr const char* kArchitectureKey = "architecture";
constexpr const char* kAlphabetKey = "alphabet";

/// Images of one width are read together; more than this only costs memory.
constexpr std::size_t kLargestBatch = 16;

nn::Network<float> folded(const Architecture& architecture, const Alphabet& alphabet,
                          const nn::Parameters<float>& parameters) {
  const auto fresh = make_network(architecture, alphabet.size(), Rng());
  return nn::fold(fresh.layers, parameters);
}

/// Indices of `images`, cut into runs of one width and at most kLargestBatch.
std::vector<std::vector<std::size_t>> batches_by_width(const std::vector<InkImage>& images) {
  std::vector<std::size_t> order(images.size());
  std::iota(order.begin(), order.end(), std::size_t(0));
  std::stable_sort(order.begin(), order.end(),
                   [&](auto a, auto b) { return images[a].width < images[b].width; });
  std::vector<std::vector<std::size_t>> batches;
  for (std::size_t i : order) {
    const bool fits = !batches.empty() && batches.back().size() < kLargestBatch &&
                      images[batches.back()[0]].width == images[i].width;
    if (!fits) batches.emplace_back();
    batches.back().push_back(i);
  }
  return batches;
}

/// -log of the softmax probability of `symbol`, from energies.
double surprise(std::span<const float> row, int32_t symbol) {
  const double low = *std::min_element(row.begin(), row.end());
  double sum = 0;
  for (float e : row) sum += std::exp(low - double(e));
  return std::max(0.0, double(row[std::size_t(symbol)]) - low + std::log(sum));
}

}  // namespace

Recognizer::Recognizer(const Architecture& architecture, Alphabet alphabet,
                       const nn::Parameters<float>& parameters, ConvAlgo algo)
    : alphabet_(std::move(alphabet)),
      network_(folded(architecture, alphabet_, parameters)),
      algo_(algo) {}

Recognizer Recognizer::load(const std::filesystem::path& path, ConvAlgo algo) {
  const nn::Checkpoint checkpoint = nn::Checkpoint::load(path);
  const ModelInfo info = model_info(checkpoint);
  auto network = make_network(info.architecture, info.alphabet.size(), Rng());
  checkpoint.restore(network.parameters);
  return Recognizer(info.architecture, info.alphabet, network.parameters, algo);
}

EnergyMap Recognizer::energies(const io::Gray8& image) const {
  return energies(std::span(&image, 1)).front();
}

std::vector<EnergyMap> Recognizer::energies(std::span<const io::Gray8> images) const {
  std::vector<InkImage> inks;
  for (const io::Gray8& image : images) inks.push_back(prepare_image(image));
  const auto batches = batches_by_width(inks);
  std::vector<EnergyMap> maps(images.size());
  std::vector<std::exception_ptr> failures(batches.size());
#pragma omp parallel for schedule(dynamic)
  for (std::size_t b = 0; b < batches.size(); ++b) {
    try {
      const int width = inks[batches[b][0]].width;
      const int windows = window_count(width), symbols = alphabet_.size();
      for (std::size_t i : batches[b]) {
        maps[i] = {windows, symbols, kWindowStride * inks[i].source_scale, {}};
      }
      if (windows == 0) continue;  // too narrow for any letter: decode() will say so
      Tensor<float> x({int64_t(batches[b].size()), kModelHeight, width, 1});
      float* to = x.data();
      for (std::size_t i : batches[b]) to = std::copy(inks[i].ink.begin(), inks[i].ink.end(), to);
      Tape<float> tape;
      auto context = nn::Context<float>::for_inference(tape, network_.parameters);
      context.set_conv_algo(algo_);
      const Var<float> e = ocr::energies(network_, context, tape.borrow(x, false));
      const float* from = e.data();
      for (std::size_t i : batches[b]) {
        maps[i].values.assign(from, from + windows * symbols);
        from += windows * symbols;
      }
    } catch (...) {
      failures[b] = std::current_exception();
    }
  }
  for (const auto& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
  return maps;
}

Reading Recognizer::read(const io::Gray8& image, Decoder decoder) const {
  return decode(energies(image), decoder);
}

std::vector<Reading> Recognizer::read(std::span<const io::Gray8> images, Decoder decoder) const {
  std::vector<Reading> readings;
  for (const EnergyMap& map : energies(images)) readings.push_back(decode(map, decoder));
  return readings;
}

Reading Recognizer::decode(const EnergyMap& map, Decoder decoder) const {
  const auto find =
      decoder == Decoder::exact ? ebm::least_energy_word<float> : ebm::greedy_word<float>;
  const ebm::WordReading word =
      find(map.values.data(), map.windows, map.symbols, alphabet_.between());
  Reading reading{word.status, alphabet_.decode(word.word), word.energy, 0, {}};
  for (std::size_t i = 0; i < word.word.size(); ++i) {
    reading.characters.push_back({alphabet_.symbol_name(word.word[i]),
                                  double(word.spans[i].first) * map.window_width,
                                  double(word.spans[i].last + 1) * map.window_width});
  }
  double total = 0;
  for (std::size_t i = 0; i < word.symbols.size(); ++i) {
    total += surprise(map.row(int(i)), word.symbols[i]);
  }
  if (!word.symbols.empty()) reading.confidence = std::exp(-total / double(word.symbols.size()));
  return reading;
}

nn::Metadata model_metadata(const Architecture& architecture, const Alphabet& alphabet,
                            nn::Metadata summary) {
  summary[kKindKey] = kKind;
  summary[kArchitectureKey] = architecture.to_string();
  summary[kAlphabetKey] = alphabet.to_string();
  return summary;
}

ModelInfo model_info(const nn::Checkpoint& checkpoint) {
  const nn::Metadata& m = checkpoint.metadata();
  const auto entry = [&](const char* key) {
    const auto it = m.find(key);
    if (it == m.end()) {
      throw IoError(message("the file is a checkpoint but no word model: its metadata has no '",
                            key, "'; give a model written by talweg train"));
    }
    return it->second;
  };
  if (entry(kKindKey) != kKind) {
    throw IoError(message("the file holds a '", entry(kKindKey), "', expected a '", kKind, "'"));
  }
  try {
    return {Architecture::parse(entry(kArchitectureKey)),
            Alphabet::from_string(entry(kAlphabetKey)), m};
  } catch (const Error& e) {
    throw IoError(message("the model's metadata can't be used: ", e.what()));
  }
}

}  // namespace talweg::ocr
