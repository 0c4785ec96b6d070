// The pictures of the demonstration's report: image, energies and paths of a word.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/io/image.h"
#include "ocr/align_figure.h"
#include "ocr/alphabet.h"
#include "ocr/demo.h"
#include "ocr/recognizer.h"

namespace talweg::ocr {

/// One column a word, one row a variant: what the task looks like.
io::Gray8 sample_sheet(const ClassicTask& task, const std::vector<std::string>& words,
                       uint64_t seed);

/// The image, and under it, window under window, the energies of every symbol; the symbols with the
/// lowest energy are marked. An SVG.
std::string energy_strip(const io::Gray8& image, const EnergyMap& map, const Alphabet& alphabet,
                         const std::string& title);

/// Rows: label positions; columns: windows; colour: the energy of that symbol there. The best path and
/// a bad one run across it. An SVG.
std::string path_matrix(const AlignedWord& word);
/// The dynamic programme's matrix D with the best path: the band of reachable cells is coloured.
std::string dp_figure(const AlignedWord& word);

/// Loss by step (a running mean) and error by step. SVGs.
std::string loss_chart(const DemoRun& run);
std::string error_chart(const DemoRun& run);
/// Exact words by length, with intervals. An SVG.
std::string length_chart(const DemoRun& run);

}  // namespace talweg::ocr
