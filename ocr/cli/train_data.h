// What a training run learns from, described so that a checkpoint can remember it: the classic
// task's words in a font, words in many typefaces as pages and cameras show them, or labelled images.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ocr/batch.h"
#include "ocr/dataset.h"
#include "ocr/held_out.h"
#include "ocr/rendered_source.h"
#include "ocr/word_model.h"

namespace talweg::ocr::cli {

/// Fonts of the classic task, typefaces, labelled images, or these and typefaces in turns.
struct DataSpec {
  uint64_t seed = 1;
  // the classic task
  std::vector<std::string> fonts;  ///< files or names
  std::string random = "a-z:1-8";  ///< letters and lengths
  // from typefaces
  std::vector<std::string>
      typefaces;                      ///< folders, files, lists of paths; empty: not from typefaces
  std::string never, weights, words;  ///< files: patterns, weights, word list
  std::string augment = "scan";       ///< as degradation_level_name writes them
  // from images
  std::string train, validation;  ///< folders or lists; `train` empty: from fonts
  double part = 0.9;              ///< kept for training where there is no `validation`
  double mix = 0.5;               ///< share of steps on the images, where there are typefaces too
  std::string charset = "auto";   ///< "auto", or a spec such as a-z
  std::string base;               ///< letters of the model to begin from; none: afresh
  std::string charset_mode = "keep";  ///< what they mean, as parse_charset_mode reads it
  std::string topology;               ///< that labels must fit their images in
  std::string architecture;           ///< whose windows they must fit in
  bool skip_bad = false;              ///< leave faulty samples out instead of failing
  bool outside = false;               ///< let lists name images outside their folders

  std::string to_json() const;
  /// Throws IoError where `text` is damaged.
  static DataSpec from_json(const std::string& text);
};

/// The data themselves.
struct TrainingData {
  std::unique_ptr<BatchSource> source;
  const RenderedSource* rendered = nullptr;  ///< from typefaces: source, or a part of it
  HeldOut own;                               ///< labelled images that are not trained on
  HeldOut drawn;                             ///< drawn words that are not trained on
  int64_t samples = 0;                       ///< images to train on; 0 where they are drawn
  /// A fingerprint of everything above: a resumed run must find the same.
  std::string fingerprint;

  /// What decides how good a model is: the user's own images, where there are any.
  const HeldOut& validation() const { return own.empty() ? drawn : own; }
};

/// Opens, checks and prepares the data. Faults are printed to stderr, file, line and character named;
/// throws IoError where there are some and spec.skip_bad is not set.
TrainingData open_data(const DataSpec& spec, bool quiet);

}  // namespace talweg::ocr::cli
