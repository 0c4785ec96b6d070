#include "ocr/recognizer.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <exception>
#include <numeric>
#include <optional>

#include "core/ops/shape_ops.h"
#include "ocr/blank_ends.h"
#include "ocr/char_boxes.h"

namespace talweg::ocr {

namespace {

constexpr const char* kKindKey = "kind";
constexpr const char* kKind = "talweg word model";
constexpr const char* kArchitectureKey = "architecture";
constexpr const char* kAlphabetKey = "alphabet";
constexpr const char* kTopologyKey = "topology";

/// Images are read together where they are equally wide when padded with background to a multiple of
/// this many columns: weights, which are far more than a word's pixels, are then read from memory once.
/// Whatever an image's mates, it is padded the same, so that its result is.
constexpr int kWidthStep = 16;
/// Columns of a batch. Packed weights are larger than a core's own cache and come from memory once a
/// batch: 512 columns read a tenth faster than 256, and 1,024 no faster, with 2 MB more.
constexpr int kBatchColumns = 512;

int padded(int width) { return (width + kWidthStep - 1) / kWidthStep * kWidthStep; }

nn::Network<float> folded(const Architecture& architecture, const Alphabet& alphabet,
                          const nn::Parameters<float>& parameters) {
  return nn::fold(make_blank_network(architecture, alphabet.size()).layers, parameters);
}

/// Indices of images of these widths, in batches of one padded width and at most kBatchColumns.
std::vector<std::vector<std::size_t>> batches_by_width(const std::vector<int>& widths) {
  std::vector<std::size_t> order(widths.size());
  std::iota(order.begin(), order.end(), std::size_t(0));
  std::stable_sort(order.begin(), order.end(),
                   [&](auto a, auto b) { return padded(widths[a]) < padded(widths[b]); });
  std::vector<std::vector<std::size_t>> batches;
  for (std::size_t i : order) {
    const int width = padded(widths[i]);
    const bool fits = !batches.empty() && padded(widths[batches.back()[0]]) == width &&
                      width * int(batches.back().size() + 1) <= kBatchColumns;
    if (!fits) batches.emplace_back();
    batches.back().push_back(i);
  }
  return batches;
}

/// Copies an image's rows, `width` columns each, background behind its own; returns what follows.
float* copy_padded(const InkImage& image, int width, float* to) {
  for (int y = 0; y < image.height; ++y) {
    const float* row = &image.ink[std::size_t(y) * std::size_t(image.width)];
    to = std::fill_n(std::copy_n(row, image.width, to), width - image.width, 0.0f);
  }
  return to;
}

/// body(i) for each i in [0, n), shared among the threads; one item alone leaves the threads to the
/// kernels. Rethrows what the first failing item threw, when all are done.
template <class Body> void for_each_item(std::size_t n, const Body& body) {
  std::vector<std::exception_ptr> failures(n);
  const auto guarded = [&](std::size_t i) {
    try {
      body(i);
    } catch (...) {
      failures[i] = std::current_exception();
    }
  };
  if (n == 1) {
    guarded(0);
  } else {
#pragma omp parallel for schedule(dynamic)
    for (std::size_t i = 0; i < n; ++i) guarded(i);
  }
  for (const auto& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
}

}  // namespace

Recognizer::Recognizer(const Architecture& architecture, const Alphabet& alphabet,
                       const nn::Parameters<float>& parameters, ebm::Topology topology,
                       ConvAlgo algo, double reading_beta)
    : Recognizer(architecture, alphabet, folded(architecture, alphabet, parameters), topology, algo,
                 reading_beta) {}

Recognizer::Recognizer(const Architecture& architecture, Alphabet alphabet,
                       nn::Network<float> folded, ebm::Topology topology, ConvAlgo algo,
                       double reading_beta)
    : architecture_(architecture),
      alphabet_(std::move(alphabet)),
      network_(std::move(folded)),
      topology_(topology),
      algo_(algo),
      reading_beta_(reading_beta) {}

Recognizer Recognizer::load(const std::filesystem::path& path, ConvAlgo algo) {
  // The file's bytes are let go as soon as they are copied: a weight is in memory once.
  std::optional<nn::Checkpoint> checkpoint = nn::Checkpoint::load(path);
  const ModelInfo info = model_info(*checkpoint);
  nn::Network<float> network = network_in(*checkpoint, info);
  checkpoint.reset();
  return Recognizer(info.architecture, info.alphabet,
                    nn::fold(network.layers, std::move(network.parameters)), info.topology, algo,
                    info.reading_beta);
}

EnergyMap Recognizer::energies(const io::Gray8& image) const {
  return energies(std::span(&image, 1)).front();
}

std::vector<EnergyMap> Recognizer::energies(std::span<const io::Gray8> images) const {
  std::vector<EnergyMap> maps(images.size());
  for_each_map(images,
               [&](std::size_t i, EnergyMap map, const InkImage&) { maps[i] = std::move(map); });
  return maps;
}

void Recognizer::for_each_map(std::span<const io::Gray8> images, const Visit& visit) const {
  std::vector<int> widths;
  for (const io::Gray8& image : images) widths.push_back(model_width(image.width, image.height));
  const auto batches = batches_by_width(widths);
  for_each_item(batches.size(), [&](std::size_t b) {
    const int width = padded(widths[batches[b][0]]);
    std::vector<InkImage> prepared;
    std::vector<EnergyMap> maps;
    for (const std::size_t i : batches[b]) {
      prepared.push_back(prepare_image(images[i]));
      const double stride = architecture_.window_stride() * prepared.back().source_scale;
      maps.push_back({architecture_.windows(prepared.back().width), alphabet_.size(), stride, {}});
    }
    // Too narrow for any letter otherwise: decode() will say so.
    if (architecture_.windows(width) > 0) fill_maps(prepared, width, maps);
    for (std::size_t k = 0; k < maps.size(); ++k)
      visit(batches[b][k], std::move(maps[k]), prepared[k]);
  });
}

void Recognizer::fill_maps(std::span<const InkImage> images, int width,
                           std::span<EnergyMap> maps) const {
  // A tape of its own: a pool keeps blocks for every shape it has seen, and here shapes seldom return.
  Tape<float> tape;
  const auto x = tape.make("images", {std::ssize(images), kModelHeight, width, 1});
  float* to = x.data();
  for (const InkImage& image : images) to = copy_padded(image, width, to);
  auto context = nn::Context<float>::for_inference(tape, network_.parameters);
  context.set_conv_algo(algo_);
  const float* from = ocr::energies(architecture_, network_, context, x).data();
  for (std::size_t k = 0; k < maps.size(); ++k) {
    EnergyMap& map = maps[k];
    map.values.assign(from, from + map.windows * map.symbols);  // the padding's left out
    from += architecture_.windows(width) * map.symbols;
    if (topology_ == ebm::Topology::classic) continue;  // its words begin in the first window
    settle_blank_ends(inked_columns(images[k]), architecture_.window_stride(), alphabet_.between(),
                      map);
  }
}

PixelGradient Recognizer::pixel_gradient(const io::Gray8& image,
                                         const std::function<Var<float>(Var<float> e)>& f) const {
  PixelGradient result{prepare_image(image), {}};
  const int width = result.image.width, windows = architecture_.windows(width);
  expect(windows > 0, "[saliency] an image ", width, " px wide at ", kModelHeight,
         " rows holds no window");
  Tape<float> tape;
  const Shape shape{1, kModelHeight, width, 1};
  const Var<float> x =
      tape.variable(Tensor<float>(shape, std::span<const float>(result.image.ink)));
  auto context = nn::Context<float>::for_inference(tape, network_.parameters);
  context.set_conv_algo(algo_);
  const Var<float> wide = pad(x, 2, 0, padded(width) - width);  // as energies() reads it
  const Var<float> e = ocr::energies(architecture_, network_, context, wide);
  tape.backward(f(slice(e, 1, 0, windows)));
  const std::span<const float> g = x.grad_view();
  result.gradient.assign(std::size_t(x.size()), 0.0f);
  std::ranges::copy(g, result.gradient.begin());
  return result;
}

Reading Recognizer::read(const io::Gray8& image, const DecoderOptions& options) const {
  return read(std::span(&image, 1), options).front();
}

std::vector<Reading> Recognizer::read(std::span<const io::Gray8> images,
                                      const DecoderOptions& options) const {
  DecoderOptions calibrated = options;
  if (!options.beta) calibrated.beta = reading_beta_;
  std::vector<Reading> readings(images.size());
  for_each_map(images, [&](std::size_t i, EnergyMap map, const InkImage& prepared) {
    readings[i] = decode(map, alphabet_, topology_, calibrated);
    fit_to_ink(prepared, images[i].height, readings[i].characters);
  });
  return readings;
}

Reading Recognizer::recognize(const io::ImageView& image, const DecoderOptions& options) const {
  return read(io::to_gray(image), options);
}

std::vector<Reading> Recognizer::recognize(std::span<const io::ImageView> images,
                                           const DecoderOptions& options) const {
  std::vector<io::Gray8> gray;
  for (const io::ImageView& image : images) gray.push_back(io::to_gray(image));
  return read(gray, options);
}

nn::Metadata model_metadata(const Architecture& architecture, const Alphabet& alphabet,
                            ebm::Topology topology, nn::Metadata summary) {
  summary[kKindKey] = kKind;
  summary[kArchitectureKey] = architecture.to_string();
  summary[kAlphabetKey] = alphabet.to_string();
  summary[kTopologyKey] = ebm::to_string(topology);
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
  const auto beta_of = [](const std::string& text) {
    double beta = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), beta);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    expect(whole && beta > 0 && std::isfinite(beta), "its ", kReadingBetaKey, " is '", text,
           "', expected a number above 0");
    return beta;
  };
  try {
    return {Architecture::parse(entry(kArchitectureKey)),
            Alphabet::from_string(entry(kAlphabetKey)),
            m.contains(kTopologyKey) ? ebm::parse_topology(entry(kTopologyKey))
                                     : ebm::Topology::classic,
            m.contains(kReadingBetaKey) ? beta_of(m.at(kReadingBetaKey)) : kReadingBeta, m};
  } catch (const Error& e) {
    throw IoError(message("the model's metadata can't be used: ", e.what()));
  }
}

void check_size(const nn::Checkpoint& checkpoint, const ModelInfo& info) {
  constexpr int64_t kFew = 1 << 22;  // up to here restoring says better what is missing
  const int64_t numbers = parameter_count(info.architecture, info.alphabet.size());
  const auto held = int64_t(checkpoint.tensor_bytes() / sizeof(float));
  if (numbers <= std::max(kFew, held)) return;
  throw IoError(message(checkpoint.origin(), ": a network ", info.architecture.to_string(), " for ",
                        info.alphabet.size(), " symbols has ", numbers, " parameters, the file ",
                        "holds ", held, " numbers; it is damaged"));
}

nn::Network<float> network_in(const nn::Checkpoint& checkpoint, const ModelInfo& info) {
  check_size(checkpoint, info);
  nn::Network<float> network = make_blank_network(info.architecture, info.alphabet.size());
  checkpoint.restore(network.parameters);
  return network;
}

}  // namespace talweg::ocr
