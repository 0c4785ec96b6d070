// A word's image and the energies of its letters, with the paths of what it says and what was read.
#pragma once

#include <span>
#include <string>

#include "ocr/word_view.h"

namespace talweg::ocr {

/// A path to be drawn: its text's spelling and a colour.
struct DrawnPath {
  const Spelling* spelling;
  std::string color;
};

/// An <svg>: the image stretched so that its windows stand above their columns, and below it a row a
/// telling symbol (WordView::telling_symbols), dark where its energy is low, with the paths over it. The
/// colours end `kEnergyReach` above the lowest energy of each window, from which on nothing is likely.
std::string word_figure(const WordView& view, std::span<const DrawnPath> paths,
                        const std::string& description);

/// The picture made a whole number of times smaller, by averaging, so that it has at most `most_rows`: for
/// pages that shall stay small whatever they are given.
io::Gray8 shrunk(const io::Gray8& image, int most_rows);

inline constexpr float kEnergyReach = 12;

/// energies[rows, windows] of some symbols, each window's lowest energy (of all symbols) taken off, and cut
/// at kEnergyReach.
std::vector<float> relative_energies(const EnergyMap& map, std::span<const int32_t> symbols);

}  // namespace talweg::ocr
