// Where did the NaN come from? The question after a loss that is not finite. Asked of values alone,
// afterwards; core/study/anomaly.h watches a pass and knows more.
#pragma once

#include "core/tape.h"

namespace talweg {

/// The place of the first NaN or infinity among the values, or -1.
template <class T> int64_t first_non_finite(std::span<const T> values);

/// The first node made that holds a NaN or an infinity, or a Var without a tape if all are finite.
/// Looks only at values that can still be read: ask before backward().
template <class T> Var<T> first_non_finite(Tape<T>& tape);

}  // namespace talweg
