// The mistake: a value that was stretched gets its gradient unsummed. One weight against n numbers is
// n uses of it, and its gradient is the sum of n; here it is a list of n. With lists of one number,
// or of equal length, nothing is to be seen.
#pragma once

#include "core/study/wrong_engines/right.h"

namespace talweg::wrong_engines {

class UnsummedEngine : public RightEngine {
  void receive(Node& x, const Numbers& dx) const override {
    x.gradient = plus(x.gradient, dx);  // wrong: not summed
  }
};

}  // namespace talweg::wrong_engines
