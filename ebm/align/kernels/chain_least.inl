// The min-plus sum over paths: D[i,s] = l_i[y_s] + min over d of (D[i-1,s-d] + cost_d[s]).
// Only additions and comparisons, in the order of the frames: the same bits on every instruction set.
// On ties the smallest step wins, and of the ends the last.

/// A whole row at a block: candidates by steps of 0 and 1, free. In place: the row before is read
/// block by block just before it is overwritten.
inline void least_row_free(const RowBand& band, const double* e, double* d, uint8_t* came,
                           WideInt& suspicious) {
  Wide before = load(d + (band.begin - 1) * kWide);
  for (int64_t b = band.begin; b < band.end; ++b) {
    const Wide stay = load(d + b * kWide), advance = left_of(before, stay);
    const Wide here = load(e + b * kWide);
    before = stay;
    note_suspicious(here, suspicious);
    const WideInt advances = advance < stay;
    store(d + b * kWide, least(stay, advance) + here);
    *reinterpret_cast<BytesInMemory*>(came + b * kWide) =
        __builtin_convertvector(advances & 1, Bytes);
  }
}

/// Any steps, at their costs, from the row `before` to the row `d`.
inline void least_row(const Chain& c, const RowBand& band, const double* e, const double* before,
                      double* d, uint8_t* came, WideInt& suspicious) {
  for (int64_t b = band.begin; b < band.end; ++b) {
    const int64_t s = b * kWide;
    Wide best = load(before + s) + load(c.step_costs + s);
    WideInt step = {};
    for (int64_t k = 1; k <= c.max_step; ++k) {
      const Wide candidate = load(before + s - k) + load(c.step_costs + k * c.stride + s);
      const WideInt less = candidate < best;
      best = least(best, candidate);
      step = less ? WideInt{} + k : step;
    }
    const Wide here = load(e + s);
    note_suspicious(here, suspicious);
    store(d + s, best + here);
    *reinterpret_cast<BytesInMemory*>(came + s) = __builtin_convertvector(step, Bytes);
  }
}

/// The least over the ends; of equals the last.
inline double least_end(const Chain& c, const double* d, int64_t* end_state) {
  double best = kInf;
  for (int64_t s = c.states - 1; s >= max_of(c.states - c.last, 0); --s) {
    const double energy = d[s] + end_of_state(c, s);
    if (energy < best) {
      best = energy;
      *end_state = s;
    }
  }
  return best;
}

#if TALWEG_LANES == 16
/// Chains of at most 16 states, words of up to eight letters: the row stays in two registers, and
/// where the paths came from is a bit a state. The cells outside the band are computed along; nothing
/// comes of them.
template <int kPairs>
double least_of_short_chain(const Chain& chain, const float* energies, uint8_t* came, double* work,
                            int32_t* path, bool* suspicious) {
  const Chain c = chain;  // a copy, which no store can change
  const Int16 symbols = load_symbols(c, 0);
  Wide low = start_of(c, 0), high = start_of(c, 1);
  WideInt odd = {};
  for (int64_t i = 0; i < c.frames; ++i) {
    const Float16 e = EnergyTable<kPairs>(c, energies + i * c.alphabet)[symbols];
    const Wide low_e = low_half(e), high_e = high_half(e);
    note_suspicious(low_e, odd);
    note_suspicious(high_e, odd);
    if (i > 0) {
      const Wide from_low = left_of(broadcast(kInf), low), from_high = left_of(low, high);
      came[2 * i] = _mm512_cmp_pd_mask((__m512d)from_low, (__m512d)low, _CMP_LT_OQ);
      came[2 * i + 1] = _mm512_cmp_pd_mask((__m512d)from_high, (__m512d)high, _CMP_LT_OQ);
      low = least(low, from_low);
      high = least(high, from_high);
    }
    low += low_e;
    high += high_e;
  }
  *suspicious = any_of_lanes(odd);
  store(work, low);
  store(work + kWide, high);
  int64_t state = 0;
  const double energy = least_end(c, work, &state);
  if (energy == kInf) return energy;
  for (int64_t i = c.frames - 1; i >= 0; --i) {
    path[i] = static_cast<int32_t>(state);
    if (i > 0) state -= ((came[2 * i] | came[2 * i + 1] << 8) >> state) & 1;
  }
  return energy;
}
#endif

template <class T>
double chain_least(const Chain& chain, const T* energies, uint8_t* came, double* work,
                   int32_t* path, bool* suspicious) {
  const Chain c = chain;  // a copy, which the bytes stored below cannot change
#if TALWEG_LANES == 16
  if constexpr (sizeof(T) == sizeof(float)) {
    if (c.states <= 2 * kWide && c.step_costs == nullptr) {
      if (c.alphabet <= 32) {
        return least_of_short_chain<1>(c, energies, came, work, path, suspicious);
      }
      if (c.alphabet <= 96) {
        return least_of_short_chain<3>(c, energies, came, work, path, suspicious);
      }
    }
  }
#endif
  const int64_t padding = left_padding(c), pitch = padding + c.stride;
  double* d = work + padding;
  double* other = d + pitch;
  double* e = other + pitch;
  fill(work, 2 * pitch, kInf);
  WideInt odd = {};

  RowBand band = row_band(c, 0);
  look_up(c, energies, band, e);
  for (int64_t b = band.begin; b < band.end; ++b) {
    const Wide here = load(e + b * kWide);
    note_suspicious(here, odd);
    store(d + b * kWide, start_of(c, b) + here);
  }
  for (int64_t i = 1; i < c.frames; ++i) {
    band = row_band(c, i);
    look_up(c, energies + i * c.alphabet, band, e);
    if (c.step_costs == nullptr) {
      least_row_free(band, e, d, came + i * c.stride, odd);
    } else {
      least_row(c, band, e, d, other, came + i * c.stride, odd);
      double* swap = d;
      d = other;
      other = swap;
    }
  }
  *suspicious = any_of_lanes(odd);
  int64_t state = 0;
  const double energy = least_end(c, d, &state);
  if (energy == kInf) return energy;
  for (int64_t i = c.frames - 1; i >= 0; --i) {
    path[i] = static_cast<int32_t>(state);
    if (i > 0) state -= came[i * c.stride + state];
  }
  return energy;
}
