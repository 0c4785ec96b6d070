// The soft sum over paths. A set of paths is kept as its least energy D and its count
//   m = sum over its paths z of exp(-beta (E(z) - D)),   1 <= m <= the number of paths,
// so that no scale of energies can overflow or underflow, D is exactly what the min-plus sum gives,
// and a union costs one exponential and no logarithm:
//   (D1, m1) u (D2, m2) = (D1, m1 + m2 exp(-beta (D2 - D1)))   for D1 <= D2.
// Counts of long chains would pass 2^1023; they carry a power of two beside them (kLong), and then
// the heavier set, not the one of lower energy, gives the D.

template <bool kLong> struct Mass { Wide energy, count, power; };

template <bool kLong> [[gnu::always_inline]] inline Mass<kLong> no_mass() {
  return {broadcast(kInf), broadcast(1.0), Wide{}};
}

/// The union of two sets of paths, and the share of the first in it.
template <bool kLong> struct Union {
  Mass<kLong> sum;
  Wide share;
};
/// `slope` is -beta log2(e). The gap is NaN where both are impossible: `a` stays, b adds nothing.
template <bool kLong>
[[gnu::always_inline]] inline Union<kLong> unite(const Mass<kLong>& a, const Mass<kLong>& b,
                                                 double slope, bool want_share) {
  Wide gap = (b.energy - a.energy) * slope;
  if constexpr (kLong) gap += b.power - a.power;
  const WideInt b_leads = gap > 0.0;
  const Wide factor = exp2_of(b_leads ? -gap : gap);
  const Wide rest = (b_leads ? a.count : b.count) * factor;
  const Wide count = (b_leads ? b.count : a.count) + rest;
  return {{b_leads ? b.energy : a.energy, count, kLong ? (b_leads ? b.power : a.power) : Wide{}},
          want_share ? (b_leads ? rest : a.count) / count : Wide{}};
}
template <bool kLong>
[[gnu::always_inline]] inline Mass<kLong> merge(const Mass<kLong>& a, const Mass<kLong>& b,
                                                double slope) {
  return unite(a, b, slope, false).sum;
}

/// Moves what of the count passes 1 into the power.
template <bool kLong> [[gnu::always_inline]] inline void fold(Mass<kLong>& m) {
  if constexpr (kLong) {
    const WideInt exponent = ((WideInt)m.count >> 52) - 1023;
    m.count = (Wide)((WideInt)m.count - (exponent << 52));
    m.power += __builtin_convertvector(exponent, Wide);
  }
}
