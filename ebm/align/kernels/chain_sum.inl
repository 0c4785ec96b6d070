// The soft sum over the paths of a chain, in masses (mass.inl), and the posterior.
//
// Forward, each cell unites what comes from the frame before and notes the share of every step in
// it. Backward there is nothing left to exponentiate: at the last frame the posterior is the shares of
// the ends, and what is at a cell goes back along its steps by their shares. What flows is conserved,
// so that every frame's posterior sums to 1 at any scale of energies. (In the theory of hidden Markov
// models: forward filtering, backward smoothing.)

/// Where rows of masses lie: [energy | count | power], each with its padding on the left.
struct MassRow {
  double* energy;
  int64_t pitch;
  double* count() const { return energy + pitch; }
  double* power() const { return energy + 2 * pitch; }
};

template <bool kLong> [[gnu::always_inline]] inline Mass<kLong> load_mass(MassRow row, int64_t s) {
  return {load(row.energy + s), load(row.count() + s), kLong ? load(row.power() + s) : Wide{}};
}
template <bool kLong>
[[gnu::always_inline]] inline void store_mass(MassRow row, int64_t s, const Mass<kLong>& m) {
  store(row.energy + s, m.energy);
  store(row.count() + s, m.count);
  if constexpr (kLong) store(row.power() + s, m.power);
}
template <class T, bool kLong> class ChainSweep {
 public:
  ChainSweep(const Chain& c, const T* energies, double beta, double* work)
      : c_(c),
        energies_(energies),
        slope_(-1.4426950408889634 * beta),
        padding_(left_padding(c)),
        pitch_(padding_ + c.stride),
        e_(work),
        rows_(e_ + pitch_ + padding_),
        p_(e_ + 7 * pitch_ + padding_),
        parts_(e_ + 8 * pitch_),
        shares_(reinterpret_cast<T*>(parts_ + (c.max_step + 1) * c.stride)) {}

  /// The sum over all paths; with `keep_shares`, what backward() needs.
  ChainSum forward(bool keep_shares, bool* suspicious) {
    WideInt odd = {};
    MassRow row = {rows_, pitch_}, before = {rows_ + 3 * pitch_, pitch_};
    clear(row.energy - padding_, pitch_);
    clear(before.energy - padding_, pitch_);
    for (int64_t i = 0; i < c_.frames; ++i) {
      const RowBand band = row_band(c_, i);
      look_up(c_, energies_ + i * c_.alphabet, band, e_);
      if (i == 0) {
        first_row(band, row, odd);
      } else if (c_.step_costs == nullptr) {
        keep_shares ? row_free<true>(band, row, i, odd) : row_free<false>(band, row, i, odd);
      } else {
        const MassRow swap = before;
        before = row;
        row = swap;
        row_at_cost(band, before, row, i, keep_shares, odd);
      }
    }
    *suspicious = any_of_lanes(odd);
    last_ = row;
    return total();
  }

  /// Posteriors, after forward(true, ...) came to a finite sum `all`.
  void backward(const ChainSum& all, T* posterior, double* on_states) {
    fill(p_ - padding_, pitch_, 0.0);
    if (c_.step_costs != nullptr) fill(parts_, (c_.max_step + 1) * c_.stride, 0.0);
    RowBand band = row_band(c_, c_.frames - 1);
    share_ends(all);
    hand_out(band, c_.frames - 1, posterior, on_states);
    for (int64_t i = c_.frames - 2; i >= 0; --i) {
      band = row_band(c_, i);
      if (c_.step_costs == nullptr) {
        flow_back_free(band, i);
      } else {
        flow_back_at_cost(band, i);
      }
      hand_out(band, i, posterior, on_states);
    }
  }

 private:
  static constexpr int64_t kRowsBetweenFolds = 64;

  /// At each state of frame i: what part of the paths that come by up to `step` states take a
  /// shorter step. step = 1 ... max_step.
  T* shares(int64_t i, int64_t step) const {
    return shares_ + (i * c_.max_step + step - 1) * c_.stride;
  }
  double* part(int64_t step) const { return parts_ + step * c_.stride; }

  /// n states without any path, from `energy` on.
  void clear(double* energy, int64_t n) const {
    fill(energy, n, kInf);
    fill(energy + pitch_, n, 1.0);
    if (kLong) fill(energy + 2 * pitch_, n, 0.0);
  }

  void first_row(const RowBand& band, MassRow row, WideInt& odd) const {
    for (int64_t b = band.begin; b < band.end; ++b) {
      const Wide here = load(e_ + b * kWide);
      note_suspicious(here, odd);
      store_mass<kLong>(row, b * kWide, {start_of(c_, b) + here, broadcast(1.0), Wide{}});
    }
  }

  /// In place: the row before is read block by block just before it is overwritten.
  template <bool kKeep>
  void row_free(const RowBand& band, MassRow row, int64_t i, WideInt& odd) const {
    Mass<kLong> left = no_mass<kLong>();
    if (band.begin > 0) left = load_mass<kLong>(row, (band.begin - 1) * kWide);
    T* keep = shares(i, 1);
    for (int64_t b = band.begin; b < band.end; ++b) {
      const int64_t s = b * kWide;
      const Mass<kLong> stay = load_mass<kLong>(row, s);
      const Mass<kLong> advance = {left_of(left.energy, stay.energy),
                                   left_of(left.count, stay.count),
                                   kLong ? left_of(left.power, stay.power) : Wide{}};
      left = stay;
      const Union<kLong> both = unite(stay, advance, slope_, kKeep);
      if constexpr (kKeep) store(keep + s, both.share);
      finish(row, s, both.sum, i, odd);
    }
  }

  void row_at_cost(const RowBand& band, MassRow before, MassRow row, int64_t i, bool keep_shares,
                   WideInt& odd) const {
    for (int64_t b = band.begin; b < band.end; ++b) {
      const int64_t s = b * kWide;
      Mass<kLong> sum = from_step(before, s, 0);
      for (int64_t k = 1; k <= c_.max_step; ++k) {
        const Union<kLong> both = unite(sum, from_step(before, s, k), slope_, keep_shares);
        if (keep_shares) store(shares(i, k) + s, both.share);
        sum = both.sum;
      }
      finish(row, s, sum, i, odd);
    }
  }
  [[gnu::always_inline]] Mass<kLong> from_step(MassRow before, int64_t s, int64_t k) const {
    Mass<kLong> from = load_mass<kLong>(before, s - k);
    from.energy += load(c_.step_costs + k * c_.stride + s);
    return from;
  }

  /// Adds the energies of the frame and stores.
  [[gnu::always_inline]] void finish(MassRow row, int64_t s, Mass<kLong> sum, int64_t i,
                                     WideInt& odd) const {
    const Wide here = load(e_ + s);
    note_suspicious(here, odd);
    sum.energy += here;
    if (kLong && i % kRowsBetweenFolds == 0) fold(sum);
    store_mass(row, s, sum);
  }

  Mass<kLong> end_mass(int64_t s) const {
    return {broadcast(last_.energy[s] + end_of_state(c_, s)), broadcast(last_.count()[s]),
            kLong ? broadcast(last_.power()[s]) : Wide{}};
  }

  ChainSum total() const {
    Mass<kLong> sum = end_mass(c_.states - 1);
    for (int64_t s = c_.states - 2; s >= max_of(c_.states - c_.last, 0); --s) {
      sum = merge(sum, end_mass(s), slope_);
    }
    return {sum.energy[0], sum.count[0], sum.power[0]};
  }

  /// The posterior of the last frame.
  void share_ends(const ChainSum& all) {
    double sum = 0;
    for (int64_t s = max_of(c_.states - c_.last, 0); s < c_.states; ++s) {
      const Mass<kLong> end = end_mass(s);
      Wide gap = (end.energy - all.energy) * slope_;
      if constexpr (kLong) gap += end.power - all.power;
      p_[s] = (exp2_of(gap) * end.count)[0] / all.count;
      sum += p_[s];
    }
    for (int64_t s = max_of(c_.states - c_.last, 0); s < c_.states; ++s) p_[s] /= sum;
  }

  /// In place: the posterior of frame i+1 becomes that of frame i. Shares were noted in the band of
  /// frame i+1 only; what lies outside has no posterior, and its shares are not looked at.
  void flow_back_free(const RowBand& band, int64_t i) {
    const T* stays = shares(i + 1, 1);
    Wide here = load(p_ + band.begin * kWide);
    Wide stay = here > 0.0 ? here * load(stays + band.begin * kWide) : Wide{};
    for (int64_t b = band.begin; b < band.end; ++b) {
      const Wide after = load(p_ + (b + 1) * kWide);
      const Wide after_stays = after > 0.0 ? after * load(stays + (b + 1) * kWide) : Wide{};
      store(p_ + b * kWide, stay + right_of(here - stay, after - after_stays));
      here = after;
      stay = after_stays;
    }
    store(p_ + band.end * kWide, Wide{});
  }

  /// The same for any steps: what is at a state of frame i+1 is parted by steps, the longest first,
  /// and each state of frame i collects its parts.
  void flow_back_at_cost(const RowBand& band, int64_t i) {
    const RowBand from = row_band(c_, i + 1);
    for (int64_t b = from.begin; b < from.end; ++b) {
      const int64_t s = b * kWide;
      Wide rest = load(p_ + s);
      for (int64_t k = c_.max_step; k >= 1; --k) {
        const Wide shorter = rest > 0.0 ? rest * load(shares(i + 1, k) + s) : Wide{};
        store(part(k) + s, rest - shorter);
        rest = shorter;
      }
      store(part(0) + s, rest);
    }
    for (int64_t k = 0; k <= c_.max_step; ++k) {
      fill(part(k) + from.end * kWide, c_.stride - from.end * kWide, 0.0);
    }
    for (int64_t b = band.begin; b < band.end; ++b) {
      Wide sum = {};
      for (int64_t k = 0; k <= c_.max_step; ++k) sum += load(part(k) + b * kWide + k);
      store(p_ + b * kWide, sum);
    }
    fill(p_ + band.end * kWide, c_.stride - band.end * kWide, 0.0);
  }

  /// Writes the posterior of frame i, of states and summed by symbol.
  void hand_out(const RowBand& band, int64_t i, T* posterior, double* on_states) const {
    if (on_states != nullptr) {
      for (int64_t s = band.lo; s <= band.hi; ++s) on_states[i * c_.states + s] = p_[s];
    }
    if (posterior == nullptr) return;
    T* row = posterior + i * c_.alphabet;
    int64_t a = 0;
    for (; a + kWide <= c_.alphabet; a += kWide) store(row + a, Wide{});
    for (; a < c_.alphabet; ++a) row[a] = 0;
    Wide main = {};
    for (int64_t b = band.begin; b < band.end; ++b) {
      main += load(p_ + b * kWide) * load(c_.shows_main + b * kWide);
    }
    row[c_.main_symbol] = static_cast<T>(sum_of_lanes(main));
    const int64_t end = c_.rest_count[band.hi + 1];
    for (int64_t r = c_.rest_count[band.lo]; r < end; ++r) {
      const int64_t s = c_.rest[r];
      row[c_.symbols[s]] += static_cast<T>(p_[s]);
    }
  }

  const Chain& c_;
  const T* energies_;
  double slope_;
  int64_t padding_, pitch_;
  double *e_, *rows_, *p_, *parts_;
  T* shares_;
  MassRow last_{};
};

template <class T, bool kLong>
ChainSum sweep(const Chain& c, const T* energies, double beta, T* posterior, double* on_states,
               double* work, bool* suspicious) {
  const bool wants_posterior = posterior != nullptr || on_states != nullptr;
  ChainSweep<T, kLong> sweep(c, energies, beta, work);
  const ChainSum sum = sweep.forward(wants_posterior, suspicious);
  if (on_states != nullptr) {
    for (int64_t k = 0; k < c.frames * c.states; ++k) on_states[k] = 0;
  }
  if (sum.energy < kInf && sum.energy > -kInf) {
    if (wants_posterior) sweep.backward(sum, posterior, on_states);
  } else if (posterior != nullptr) {
    for (int64_t k = 0; k < c.frames * c.alphabet; ++k) posterior[k] = 0;
  }
  return sum;
}

template <class T>
ChainSum chain_sum(const Chain& c, const T* energies, double beta, T* posterior, double* on_states,
                   double* work, bool* suspicious) {
  // A count is at most the number of paths, and so is a product of a forward and a backward one.
  double paths_a_frame = 0;  // log2, rounded up
  while ((int64_t{1} << static_cast<int64_t>(paths_a_frame)) < c.max_step + 1) paths_a_frame += 1;
  const bool counts_fit = paths_a_frame * static_cast<double>(c.frames) <= 1000;
  return counts_fit ? sweep<T, false>(c, energies, beta, posterior, on_states, work, suspicious)
                    : sweep<T, true>(c, energies, beta, posterior, on_states, work, suspicious);
}
