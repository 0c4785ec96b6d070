// The mistake: a rule reads a value when it runs, not when it was recorded, and nobody notices that
// it was overwritten in between. To copy every value would be right but dear; a version would tell.
#pragma once

#include "core/study/wrong_engines/right.h"

namespace talweg::wrong_engines {

class StaleEngine : public RightEngine {
  Rule times_saved(Value x) const override {
    return [this, x](const Numbers& dy) { return times(dy, value(x)); };  // wrong: as it is now
  }
};

}  // namespace talweg::wrong_engines
