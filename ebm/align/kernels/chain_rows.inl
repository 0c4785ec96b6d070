// Rows of states: which blocks of kWide states a frame needs, and what each state costs there.

inline int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t max_of(int64_t a, int64_t b) { return a > b ? a : b; }

/// The states [lo, hi] of a frame that the start reaches and that reach the end, and the blocks of
/// kWide states they lie in, [begin, end).
struct RowBand {
  int64_t lo, hi, begin, end;
};
inline RowBand row_band(const Chain& c, int64_t frame) {
  const int64_t lo = c.states - c.last - c.max_step * (c.frames - 1 - frame);
  const int64_t hi = c.first - 1 + c.max_step * frame;
  RowBand b = {max_of(lo, 0), min_of(hi, c.states - 1), 0, 0};
  b.begin = b.lo / kWide;
  b.end = b.hi / kWide + 1;
  return b;
}

/// Lanes of block b that lie in the band.
[[gnu::always_inline]] inline WideInt lanes_inside(const RowBand& band, int64_t b) {
  const WideInt state = kWideLane + b * kWide;
  return (state >= band.lo) & (state <= band.hi);
}

/// The costs of beginning and of ending in the states of block b.
[[gnu::always_inline]] inline Wide start_of(const Chain& c, int64_t b) {
  if (c.start != nullptr) return load(c.start + b * kWide);
  return kWideLane + b * kWide < c.first ? Wide{} : broadcast(kInf);
}
[[gnu::always_inline]] inline Wide end_of(const Chain& c, int64_t b) {
  if (c.end != nullptr) return load(c.end + b * kWide);
  const WideInt state = kWideLane + b * kWide;
  return (state >= c.states - c.last) & (state < c.states) ? Wide{} : broadcast(kInf);
}
inline double end_of_state(const Chain& c, int64_t s) { return c.end != nullptr ? c.end[s] : 0; }

/// States to the left of a row, for steps that reach beyond its begin: a row's padding.
inline int64_t left_padding(const Chain& c) {
  return (c.max_step / kChainPadding + 1) * kChainPadding;
}

inline void fill(double* p, int64_t n, double value) {
  for (int64_t i = 0; i < n; i += kWide) store(p + i, broadcast(value));
}

#if TALWEG_LANES == 16
typedef int32_t Int16 __attribute__((vector_size(64)));
typedef float Float16 __attribute__((vector_size(64)));

/// Lane i is lane from[i] modulo 32 of a and b side by side.
[[gnu::always_inline]] inline Float16 shuffle(Float16 a, Float16 b, Int16 from) {
#if defined(__clang__)
  return (Float16)_mm512_permutex2var_ps((__m512)a, (__m512i)from, (__m512)b);
#else
  return __builtin_shuffle(a, b, from);
#endif
}

/// A whole row of energies in registers, 32 symbols a pair; a symbol is found by one shuffle a pair.
template <int kPairs> struct EnergyTable {
  Float16 part[2 * kPairs];

  [[gnu::always_inline]] EnergyTable(const Chain& c, const float* row) {
    for (int64_t v = 0; v < 2 * kPairs; ++v) {
      const int64_t left = c.alphabet - 16 * v;
      const uint32_t mask = left >= 16 ? 0xffffu : left > 0 ? (1u << left) - 1 : 0u;
      part[v] = (Float16)_mm512_maskz_loadu_ps(__mmask16(mask), row + 16 * v);
    }
  }
  [[gnu::always_inline]] Float16 operator[](Int16 symbol) const {
    Float16 e = shuffle(part[0], part[1], symbol);
    for (int32_t p = 1; p < kPairs; ++p) {
      e = symbol >= 32 * p ? shuffle(part[2 * p], part[2 * p + 1], symbol) : e;
    }
    return e;
  }
};
[[gnu::always_inline]] inline Wide low_half(Float16 v) {
  return __builtin_convertvector(__builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7), Wide);
}
[[gnu::always_inline]] inline Wide high_half(Float16 v) {
  return __builtin_convertvector(__builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15), Wide);
}
[[gnu::always_inline]] inline Int16 load_symbols(const Chain& c, int64_t s) {
  return (Int16)_mm512_loadu_si512(c.symbols + s);
}

template <int kPairs>
[[gnu::always_inline]] inline void look_up_in_registers(const Chain& c, const float* row,
                                                        int64_t from, int64_t to, double* out) {
  const EnergyTable<kPairs> table(c, row);
  for (int64_t s = from; s < to; s += 16) {
    const Float16 e = table[load_symbols(c, s)];
    store(out + s, low_half(e));
    store(out + s + 8, high_half(e));
  }
}
#endif

/// out[s] = the energy of the symbol of state s, for the blocks of the band (and a few beyond).
template <class T>
inline void look_up(const Chain& c, const T* row, const RowBand& band, double* out) {
  const int64_t from = band.begin * kWide, to = band.end * kWide;
#if TALWEG_LANES == 16
  if constexpr (sizeof(T) == sizeof(float)) {
    const int64_t aligned = from & ~int64_t{15};
    switch ((c.alphabet + 31) / 32) {
      case 1:
        return look_up_in_registers<1>(c, row, aligned, to, out);
      case 2:
        return look_up_in_registers<2>(c, row, aligned, to, out);
      case 3:
        return look_up_in_registers<3>(c, row, aligned, to, out);
      case 4:
        return look_up_in_registers<4>(c, row, aligned, to, out);
    }
  }
#endif
  for (int64_t s = from; s < to; ++s) out[s] = static_cast<double>(row[c.symbols[s]]);
}

/// What no energy may be: NaN or -inf. Noted for whole blocks, so that states outside the band may
/// raise it too; the caller looks closer.
[[gnu::always_inline]] inline void note_suspicious(Wide energies, WideInt& suspicious) {
  suspicious |= ~(energies > -kInf);
}
