// The mistake: `=` where `+=` belongs. A gradient that arrives replaces what has arrived before, so
// a value that is used twice keeps one part of its gradient.
#pragma once

#include "core/study/wrong_engines/right.h"

namespace talweg::wrong_engines {

class AssigningEngine : public RightEngine {
  void receive(Node& x, const Numbers& dx) const override {
    x.gradient = sum_to(dx, x.value.size());  // wrong: not added
  }
};

}  // namespace talweg::wrong_engines
