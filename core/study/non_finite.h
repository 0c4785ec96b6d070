// Where did the NaN come from? The question after a loss that is not finite.
#pragma once

#include "core/tape.h"

namespace talweg {

/// The first node made that holds a NaN or an infinity, or a Var without a tape if all are finite.
/// Looks only at values that can still be read: ask before backward().
template <class T> Var<T> first_non_finite(Tape<T>& tape);

}  // namespace talweg
