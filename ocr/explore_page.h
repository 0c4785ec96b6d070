// What a model sees in images, as one self-contained HTML page to walk through: energies, paths, spans,
// the best words with their exact probabilities, characters with their alternatives, and the pixels that
// make a word cheap.
//
// With #selftest behind its address the page walks through all of it by itself and writes what it found
// into the title and, as text, into an element of the id "selftest": for tests that load it in a browser.
#pragma once

#include <span>
#include <string>

#include "core/io/html.h"
#include "ocr/recognizer.h"

namespace talweg::ocr {

struct NamedImage {
  std::string name;
  io::Gray8 image;
};

struct ExploreOptions {
  int alternatives = 8;   ///< how many best words to show
  std::string text = {};  ///< another text to set against each image; none where empty
};

/// Heat maps show the symbols that matter (WordView::telling_symbols), so that the page of a word stays below
/// 300 kB and that of the widest line below 4 MB. Throws as Recognizer::read does.
io::HtmlPage explore_page(const Recognizer& recognizer, std::span<const NamedImage> images,
                          const ExploreOptions& options);

}  // namespace talweg::ocr
