// The kernels of all words of each instruction set; words_table() picks among them.
#pragma once

#include "ebm/align/kernels/words_kernels.h"

namespace talweg::ebm {

struct WordsTables {
  WordsTable<float> in_float;
  WordsTable<double> in_double;
};

extern const WordsTables kPortableWords;
#if defined(__x86_64__)
extern const WordsTables kAvx2Words;
extern const WordsTables kAvx512Words;
#endif

}  // namespace talweg::ebm
