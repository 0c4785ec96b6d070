// The soft sum over the paths of a chain: forward, backward and posteriors, in masses (mass.inl).

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
        p_(e_ + pitch_),
        forward_(p_ + pitch_) {}

  /// Forward values of all frames; the sum over all paths.
  ChainSum forward(bool* suspicious) {
    WideInt odd = {};
    for (int64_t i = 0; i < c_.frames; ++i) {
      const RowBand band = row_band(c_, i);
      look_up(c_, energies_ + i * c_.alphabet, band, e_);
      const MassRow row = at(i);
      if (c_.step_costs != nullptr) clear(row.energy - padding_, padding_);
      if (i == 0) {
        first_row(band, row, odd);
      } else if (c_.step_costs == nullptr) {
        row_free(band, at(i - 1), row, i, odd);
      } else {
        row_at_cost(band, at(i - 1), row, i, odd);
      }
      store_mass(row, band.end * kWide, no_mass<kLong>());  // the next row reads one block ahead
      if (c_.step_costs != nullptr) clear_ahead(row, band);
    }
    *suspicious = any_of_lanes(odd);
    return total(at(c_.frames - 1));
  }

  /// Backward values frame by frame, and from both the posteriors, as shares of `all`. Where rounding
  /// was too coarse for that (energies around 1e13/beta), they do not add up, and false is returned.
  bool backward(const ChainSum& all, T* posterior, double* on_states) {
    Wide shares = {};
    walk_back([&](const RowBand& band, int64_t i, MassRow here) {
      shares += share_of(band, at(i), here, all);
      hand_out(band, i, 1.0, posterior, on_states);
    });
    const double frames = static_cast<double>(c_.frames);
    const double missing = sum_of_lanes(shares) - frames;
    return missing < kSumTolerance * frames && -missing < kSumTolerance * frames;
  }

  /// The same whatever the scale: the shares of each frame are relative to the heaviest of them, and
  /// made to add up.
  void backward_coarse(T* posterior, double* on_states) {
    walk_back([&](const RowBand& band, int64_t i, MassRow here) {
      const double sum = normalised_share_of(band, at(i), here);
      hand_out(band, i, sum > 0 ? 1 / sum : 0, posterior, on_states);
    });
  }

 private:
  static constexpr int64_t kRowsBetweenFolds = 64;
  static constexpr double kSumTolerance = 1e-9;

  MassRow at(int64_t i) const { return {forward_ + 3 * i * pitch_ + padding_, pitch_}; }

  /// n states without any path, from `energy` on.
  void clear(double* energy, int64_t n) const {
    fill(energy, n, kInf);
    fill(energy + pitch_, n, 1.0);
    if (kLong) fill(energy + 2 * pitch_, n, 0.0);
  }
  /// Steps of any length from this row may begin beyond its band.
  void clear_ahead(MassRow row, const RowBand& band) const {
    const int64_t from = band.end * kWide;
    clear(row.energy + from, c_.stride - from);
  }

  void first_row(const RowBand& band, MassRow row, WideInt& odd) const {
    for (int64_t b = band.begin; b < band.end; ++b) {
      const Wide here = load(e_ + b * kWide);
      note_suspicious(here, odd);
      store_mass<kLong>(row, b * kWide, {start_of(c_, b) + here, broadcast(1.0), Wide{}});
    }
  }

  void row_free(const RowBand& band, MassRow before, MassRow row, int64_t i, WideInt& odd) const {
    Mass<kLong> left = no_mass<kLong>();
    if (band.begin > 0) left = load_mass<kLong>(before, (band.begin - 1) * kWide);
    for (int64_t b = band.begin; b < band.end; ++b) {
      const int64_t s = b * kWide;
      const Mass<kLong> stay = load_mass<kLong>(before, s);
      const Mass<kLong> advance = {left_of(left.energy, stay.energy),
                                   left_of(left.count, stay.count),
                                   kLong ? left_of(left.power, stay.power) : Wide{}};
      left = stay;
      finish(row, s, merge(stay, advance, slope_), i, odd);
    }
  }

  void row_at_cost(const RowBand& band, MassRow before, MassRow row, int64_t i,
                   WideInt& odd) const {
    for (int64_t b = band.begin; b < band.end; ++b) {
      const int64_t s = b * kWide;
      Mass<kLong> sum = load_mass<kLong>(before, s);
      sum.energy += load(c_.step_costs + s);
      for (int64_t k = 1; k <= c_.max_step; ++k) {
        Mass<kLong> from = load_mass<kLong>(before, s - k);
        from.energy += load(c_.step_costs + k * c_.stride + s);
        sum = merge(sum, from, slope_);
      }
      finish(row, s, sum, i, odd);
    }
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

  ChainSum total(MassRow row) const {
    Mass<kLong> sum = no_mass<kLong>();
    for (int64_t s = c_.states - 1; s >= max_of(c_.states - c_.last, 0); --s) {
      const Mass<kLong> end = {broadcast(row.energy[s] + end_of_state(c_, s)),
                               broadcast(row.count()[s]),
                               kLong ? broadcast(row.power()[s]) : Wide{}};
      sum = s == c_.states - 1 ? end : merge(sum, end, slope_);
    }
    return {sum.energy[0], sum.count[0], sum.power[0]};
  }

  /// Calls visit(band, frame, row of backward values) for each frame, the last one first.
  template <class Visit> void walk_back(Visit visit) const {
    MassRow next = {forward_ + 3 * c_.frames * pitch_ + padding_, pitch_};
    MassRow here = next;  // in place, but where steps are any
    if (c_.step_costs != nullptr) here.energy += 3 * pitch_;
    clear(next.energy - padding_, pitch_);
    clear(here.energy - padding_, pitch_);
    for (int64_t i = c_.frames - 1; i >= 0; --i) {
      const RowBand band = row_band(c_, i);
      if (i == c_.frames - 1) {
        last_row(band, here);
      } else if (c_.step_costs == nullptr) {
        back_free(band, here, i);
      } else {
        back_at_cost(band, next, here, i);
      }
      visit(band, i, here);
      look_up(c_, energies_ + i * c_.alphabet, band, e_);
      enter(band, here);
      const MassRow swap = next;
      next = here;
      here = swap;
    }
  }

  void last_row(const RowBand& band, MassRow row) const {
    for (int64_t b = band.begin; b < band.end; ++b) {
      store_mass<kLong>(row, b * kWide, {end_of(c_, b), broadcast(1.0), Wide{}});
    }
  }

  /// In place: a row of sums over paths that *enter* each state at frame i+1 becomes one of sums
  /// over paths that leave it at frame i.
  void back_free(const RowBand& band, MassRow row, int64_t i) const {
    Mass<kLong> stay = load_mass<kLong>(row, band.begin * kWide);
    for (int64_t b = band.begin; b < band.end; ++b) {
      const Mass<kLong> after = load_mass<kLong>(row, (b + 1) * kWide);
      const Mass<kLong> advance = {right_of(stay.energy, after.energy),
                                   right_of(stay.count, after.count),
                                   kLong ? right_of(stay.power, after.power) : Wide{}};
      Mass<kLong> sum = merge(stay, advance, slope_);
      if (kLong && i % kRowsBetweenFolds == 0) fold(sum);
      store_mass(row, b * kWide, sum);
      stay = after;
    }
  }

  void back_at_cost(const RowBand& band, MassRow next, MassRow row, int64_t i) const {
    for (int64_t b = band.begin; b < band.end; ++b) {
      const int64_t s = b * kWide;
      Mass<kLong> sum = load_mass<kLong>(next, s);
      sum.energy += load(c_.step_costs + s);
      for (int64_t k = 1; k <= c_.max_step; ++k) {
        Mass<kLong> to = load_mass<kLong>(next, s + k);
        to.energy += load(c_.step_costs + k * c_.stride + s + k);
        sum = merge(sum, to, slope_);
      }
      if (kLong && i % kRowsBetweenFolds == 0) fold(sum);
      store_mass(row, s, sum);
    }
  }

  /// Paths through each state of the band, as shares of `all`: p_, and its sum and that of the main
  /// symbol (main_).
  Wide share_of(const RowBand& band, MassRow before, MassRow after, const ChainSum& all) {
    Wide sum = {}, main = {};
    const double inverse = 1 / all.count;
    for (int64_t b = band.begin; b < band.end; ++b) {
      const int64_t s = b * kWide;
      const Mass<kLong> head = load_mass<kLong>(before, s), tail = load_mass<kLong>(after, s);
      Wide x = ((head.energy + tail.energy) - all.energy) * slope_;
      if constexpr (kLong) x += (head.power + tail.power) - all.power;
      const Wide inside = lanes_inside(band, b) ? head.count * inverse : Wide{};
      const Wide share = exp2_of(x) * (inside * tail.count);
      store(p_ + s, share);
      sum += share;
      main += share * load(c_.shows_main + s);
    }
    main_ = main;
    return sum;
  }

  /// The same relative to the heaviest of the frame; returns what they must be divided by.
  double normalised_share_of(const RowBand& band, MassRow before, MassRow after) {
    Wide low = broadcast(kInf);
    for (int64_t b = band.begin; b < band.end; ++b) {
      const int64_t s = b * kWide;
      const Wide energy = load(before.energy + s) + load(after.energy + s);
      low = least(low, lanes_inside(band, b) ? energy : broadcast(kInf));
    }
    ChainSum heaviest = {least_of_lanes(low), 1.0, 0.0};
    if constexpr (kLong) {
      Wide most = broadcast(-kInf);
      for (int64_t b = band.begin; b < band.end; ++b) {
        const int64_t s = b * kWide;
        const Wide energy = load(before.energy + s) + load(after.energy + s);
        const Wide x = (energy - heaviest.energy) * slope_ +
                       (load(before.power() + s) + load(after.power() + s));
        most = lanes_inside(band, b) & (x > most) ? x : most;
      }
      heaviest.power = -least_of_lanes(-most);
    }
    return sum_of_lanes(share_of(band, before, after, heaviest));
  }

  /// Sums the shares of the states by symbol into a row of the posterior.
  void hand_out(const RowBand& band, int64_t i, double scale, T* posterior,
                double* on_states) const {
    if (on_states != nullptr) {
      for (int64_t s = band.lo; s <= band.hi; ++s) on_states[i * c_.states + s] = p_[s] * scale;
    }
    if (posterior == nullptr) return;
    T* row = posterior + i * c_.alphabet;
    int64_t a = 0;
    for (; a + kWide <= c_.alphabet; a += kWide) store(row + a, Wide{});
    for (; a < c_.alphabet; ++a) row[a] = 0;
    row[c_.main_symbol] = static_cast<T>(sum_of_lanes(main_) * scale);
    const int64_t end = c_.rest_count[band.hi + 1];
    for (int64_t r = c_.rest_count[band.lo]; r < end; ++r) {
      const int64_t s = c_.rest[r];
      row[c_.symbols[s]] += static_cast<T>(p_[s] * scale);
    }
  }

  /// Adds the energies of the frame to a row of backward values; nothing is left outside the band.
  void enter(const RowBand& band, MassRow row) const {
    for (int64_t b = band.begin; b < band.end; ++b) {
      const Wide energy = load(row.energy + b * kWide) + load(e_ + b * kWide);
      store(row.energy + b * kWide, lanes_inside(band, b) ? energy : broadcast(kInf));
    }
  }

  const Chain& c_;
  const T* energies_;
  double slope_;
  int64_t padding_, pitch_;
  double *e_, *p_, *forward_;
  Wide main_ = {};
};

template <class T, bool kLong>
ChainSum sweep(const Chain& c, const T* energies, double beta, T* posterior, double* on_states,
               double* work, bool* suspicious) {
  ChainSweep<T, kLong> sweep(c, energies, beta, work);
  const ChainSum sum = sweep.forward(suspicious);
  if (on_states != nullptr) {
    for (int64_t k = 0; k < c.frames * c.states; ++k) on_states[k] = 0;
  }
  if (sum.energy < kInf && sum.energy > -kInf) {
    if ((posterior != nullptr || on_states != nullptr) &&
        !sweep.backward(sum, posterior, on_states)) {
      sweep.backward_coarse(posterior, on_states);
    }
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
