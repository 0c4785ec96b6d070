// The checks of a data set that need its images opened or a model known, and the names of faults.
#include <optional>
#include <utility>

#include "core/error.h"
#include "ocr/dataset.h"
#include "ocr/image_prep.h"
#include "ocr/text.h"

namespace talweg::ocr {
namespace {

using FaultFound = std::optional<std::pair<Fault, std::string>>;

FaultFound fault_of_charset(const Sample& sample, const Alphabet& alphabet) {
  const std::u32string unknown = alphabet.unknown(decode_utf8(sample.text));
  if (unknown.empty()) return {};
  return {{Fault::kOutsideCharset,
           message("the label '", sample.text, "' of ", sample.path, " holds ",
                   describe_all(unknown), ", which the model's charset lacks")}};
}

FaultFound fault_of_image(const Sample& sample, const WindowCount& windows,
                          ebm::Topology topology) {
  int width = 0;
  try {
    const io::Gray8 image = io::load_gray(sample.path);
    width = model_width(image.width, image.height);
  } catch (const std::exception& error) {
    return {{Fault::kUnreadableImage,
             message("the image ", sample.path, " can't be used: ", error.what())}};
  }
  const int64_t needed = least_windows(decode_utf8(sample.text), topology);
  if (!windows || windows(width) >= needed) return {};
  return {{Fault::kLabelTooLong,
           message("the label '", sample.text, "' needs ", needed, " windows, but ", sample.path,
                   " has ", windows(width), "; it is ", width, " px wide at ", kModelHeight,
                   " rows, so widen it or shorten the label")}};
}

/// Moves the samples with a fault to the findings.
template <class FaultOf> void sift(Dataset& dataset, const FaultOf& fault_of) {
  std::vector<Sample> sound;
  for (Sample& sample : dataset.samples) {
    if (const FaultFound found = fault_of(sample)) {
      dataset.findings.push_back(
          {found->first, sample.path, sample.where() + ": " + found->second});
    } else {
      sound.push_back(std::move(sample));
    }
  }
  dataset.samples = std::move(sound);
}

}  // namespace

std::string Sample::where() const { return message(source, ":", line); }

std::string_view fault_name(Fault fault) {
  switch (fault) {
    case Fault::kMissingImage:
      return "missing image";
    case Fault::kMissingText:
      return "missing text";
    case Fault::kBadLine:
      return "bad line";
    case Fault::kOutsideFolder:
      return "path outside the folder";
    case Fault::kDuplicate:
      return "image listed twice";
    case Fault::kEmptyLabel:
      return "empty label";
    case Fault::kUndecodable:
      return "undecodable label";
    case Fault::kCorruptText:
      return "corrupt text";
    case Fault::kOutsideCharset:
      return "characters outside the charset";
    case Fault::kUnreadableImage:
      return "unreadable image";
    case Fault::kLabelTooLong:
      return "label too long for its image";
  }
  return "unknown fault";
}

int64_t least_windows(std::u32string_view word, ebm::Topology topology) {
  const auto letters = std::ssize(word);
  if (letters == 0 || topology == ebm::Topology::classic) return 2 * letters;
  if (topology == ebm::Topology::margins) return 2 * letters - 1;
  int64_t repeats = 0;
  for (std::size_t k = 1; k < word.size(); ++k) repeats += word[k] == word[k - 1];
  return letters + repeats;
}

void check_samples(Dataset& dataset, const Alphabet* alphabet, const WindowCount& windows,
                   ebm::Topology topology) {
  sift(dataset, [&](const Sample& sample) {
    const FaultFound found =
        alphabet != nullptr ? fault_of_charset(sample, *alphabet) : FaultFound();
    return found ? found : fault_of_image(sample, windows, topology);
  });
}

void check_letters(Dataset& dataset, const Alphabet& alphabet) {
  sift(dataset, [&](const Sample& sample) { return fault_of_charset(sample, alphabet); });
}

}  // namespace talweg::ocr
