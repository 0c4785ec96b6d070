// The wrong words a model believes in most: what losses of right against wrong push up.
#pragma once

#include <cstdint>
#include <vector>

#include "ebm/align/batch.h"
#include "ebm/align/grammar.h"
#include "ebm/align/partition_batch.h"

namespace talweg::ebm {

/// For each image its `count` most offending wrong words: of all words but words[b] those of least
/// F_min(x, y), in order. Mostly that is the reading itself, one pass over the energies
/// (least_energy_word); where the reading is right, or count is above 1, a search (best_words), which
/// grows `max_prefixes` prefixes at most and then takes the best words it has seen.
///
/// wrong[k] becomes one label a sample, the states of its k-th wrong word; a label of no states, which
/// has no path (F = +inf, gradient 0), where there is none: an image too narrow for another word,
/// energies that are not finite. One thread an image; the bits do not depend on their number. Throws
/// Error for a bad grammar, sizes that do not fit, or a count or max_prefixes below 1. Source: LeCun
/// et al. 2006, definition 1.
template <class T>
void wrong_words(const EnergyBatch<T>& batch, const RaggedLabels& words, const Grammar& grammar,
                 int64_t count, int64_t max_prefixes, std::vector<LabelList>& wrong);

}  // namespace talweg::ebm
