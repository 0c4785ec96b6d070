// All words at once, with one lane a symbol. Letter a of window i is entered from itself or from
// BETWEEN, and BETWEEN from itself or from any letter, so a window needs the sum over the letters of
// the one before (`closed`) and BETWEEN's mass, and both passes over its letters are free of
// dependencies between lanes.

/// One row of energies; where a vector would read beyond the image, from a copy.
template <class T> class EnergyRows {
 public:
  EnergyRows(const WordsImage& image, const T* energies, double* copy)
      : image_(image), energies_(energies), copy_(reinterpret_cast<T*>(copy)) {}

  const T* operator()(int64_t i) const {
    const int64_t stride = words_stride(image_.alphabet);
    const T* row = energies_ + i * image_.alphabet;
    if (i * image_.alphabet + stride <= image_.frames * image_.alphabet) return row;
    for (int64_t a = 0; a < stride; ++a) copy_[a] = a < image_.alphabet ? row[a] : T(0);
    return copy_;
  }

 private:
  const WordsImage& image_;
  const T* energies_;
  T* copy_;
};

[[gnu::always_inline]] inline Wide load_wide(const double* p) { return load(p); }
[[gnu::always_inline]] inline Wide load_wide(const float* p) {
  return __builtin_convertvector(*reinterpret_cast<const HalfInMemory*>(p), Wide);
}
[[gnu::always_inline]] inline WideInt is_odd(Wide energy) { return ~(energy > -kInf); }

template <class T, bool kLong, bool kKeep> class WordsSweep {
 public:
  WordsSweep(const WordsImage& image, const T* energies, double beta, const WordsRows& rows,
             double* work)
      : image_(image),
        stride_(words_stride(image.alphabet)),
        slope_(-1.4426950408889634 * beta),
        rows_(rows),
        energy_(work),
        count_(work + stride_),
        power_(work + 2 * stride_),
        letter_(work + 3 * stride_),
        row_(image, energies, work + 4 * stride_) {}

  WordsSum run(bool* suspicious) {
    prepare();
    begin(row_(0));
    for (int64_t i = 1; i < image_.frames; ++i) {
      const T* row = row_(i);
      const bool letters = !image_.classic || i + 1 < image_.frames;
      const Mass<kLong> closed = letters ? window<true>(i, row) : window<false>(i, row);
      Union<kLong> into = unite(between_, closed, slope_, kKeep);
      const double here = static_cast<double>(row[image_.between]);
      note(here);
      into.sum.energy += here;
      if (kLong && i % kRowsBetweenFolds == 0) fold(into.sum);
      between_ = into.sum;
      if (kKeep) rows_.stay[i * stride_ + image_.between] = into.share[0];
    }
    Union<kLong> end = {between_, broadcast(1.0)};
    if (!image_.classic) {
      end = unite(between_, window<false>(image_.frames, nullptr), slope_, true);
    } else if (kKeep) {
      for (int64_t a = 0; a < stride_; ++a) {
        rows_.closing[(image_.frames - 1) * stride_ + a] = 0;
      }
      rows_.total[image_.frames - 1] = 0;
    }
    *suspicious = odd_ || any_of_lanes(odd_lanes_);
    return {{end.sum.energy[0], end.sum.count[0], end.sum.power[0]}, end.share[0]};
  }

 private:
  static constexpr int64_t kRowsBetweenFolds = 64;

  void note(double energy) { odd_ |= !(energy > -kInf); }

  void prepare() {
    for (int64_t a = 0; a < stride_; ++a) {
      const bool is_letter = a < image_.alphabet && a != image_.between;
      letter_[a] = is_letter ? 0.0 : kInf;
    }
  }

  /// The energies of eight or fewer letters, +inf at BETWEEN and in the padding.
  [[gnu::always_inline]] Wide letters_of(const T* row, int64_t a) {
    const Wide mask = load(letter_ + a);
    const Wide energy = mask == 0.0 ? load_wide(row + a) : mask;
    odd_lanes_ |= is_odd(energy);
    return energy;
  }

  void begin(const T* row) {
    Wide low = broadcast(kInf);
    for (int64_t a = 0; a < stride_; a += kWide) {
      const Wide energy = letters_of(row, a);
      store(energy_ + a, energy);
      store(count_ + a, broadcast(1.0));
      if (kLong) store(power_ + a, Wide{});
      if (kKeep) store(rows_.stay + a, Wide{});
      low = least(low, energy);
    }
    low_ = least_of_lanes(low);
    between_ = no_mass<kLong>();
    if (image_.classic) return;
    const double here = static_cast<double>(row[image_.between]);
    note(here);
    between_.energy = broadcast(here);
  }

  /// Sums the letters of window i-1 and, if kLetters, goes on to those of window i, in one pass.
  template <bool kLetters> Mass<kLong> window(int64_t i, const T* row) {
    const double most = kLong ? heaviest() : 0.0;
    double* const closing = !kKeep ? nullptr : rows_.closing + (i - 1) * stride_;
    double* const stay = !kKeep ? nullptr : rows_.stay + i * stride_;
    const double low_before = low_;
    Wide total = {}, low = broadcast(kInf);
    for (int64_t a = 0; a < stride_; a += kWide) {
      const Mass<kLong> letter = {load(energy_ + a), load(count_ + a),
                                  kLong ? load(power_ + a) : Wide{}};
      Wide x = (letter.energy - low_before) * slope_;
      if constexpr (kLong) x += letter.power - most;
      const Wide weight = letter.count * exp2_of(x);
      total += weight;
      if (kKeep) store(closing + a, weight);
      if constexpr (kLetters) {
        Union<kLong> next = unite(letter, between_, slope_, kKeep);
        next.sum.energy += letters_of(row, a);
        low = least(low, next.sum.energy);
        if (kLong && i % kRowsBetweenFolds == 0) fold(next.sum);
        store(energy_ + a, next.sum.energy);
        store(count_ + a, next.sum.count);
        if constexpr (kLong) store(power_ + a, next.sum.power);
        if (kKeep) store(stay + a, next.share);
      } else if (kKeep && row != nullptr) {
        store(stay + a, Wide{});
      }
    }
    if constexpr (kLetters) low_ = least_of_lanes(low);
    const double sum = sum_of_lanes(total);
    if (kKeep) rows_.total[i - 1] = sum;
    if (!(sum > 0)) return no_mass<kLong>();
    return {broadcast(low_before), broadcast(sum), kLong ? broadcast(most) : Wide{}};
  }

  /// log2 of the weight of the heaviest letter against exp(-beta low_), counts aside.
  double heaviest() const {
    Wide most = broadcast(-kInf);
    for (int64_t a = 0; a < stride_; a += kWide) {
      const Wide x = (load(energy_ + a) - low_) * slope_ + load(power_ + a);
      most = x > most ? x : most;
    }
    return -least_of_lanes(-most);
  }

  const WordsImage& image_;
  int64_t stride_;
  double slope_;
  const WordsRows rows_;
  double *energy_, *count_, *power_;  // the masses of the letters of one window
  double* letter_;                    // 0 at letters, +inf at BETWEEN and in the padding
  EnergyRows<T> row_;
  double low_ = kInf;  // the least energy among them
  Mass<kLong> between_ = {};
  WideInt odd_lanes_ = {};
  bool odd_ = false;
};

template <class T, bool kKeep>
WordsSum words_sum_of(const WordsImage& image, const T* energies, double beta,
                      const WordsRows& rows, double* work, bool* suspicious) {
  // A count is at most the number of strings, alphabet^frames.
  double bits = 1;
  while ((int64_t{1} << static_cast<int64_t>(bits)) < image.alphabet) bits += 1;
  if (bits * static_cast<double>(image.frames) <= 1000) {
    return WordsSweep<T, false, kKeep>(image, energies, beta, rows, work).run(suspicious);
  }
  return WordsSweep<T, true, kKeep>(image, energies, beta, rows, work).run(suspicious);
}

template <class T>
WordsSum words_sum(const WordsImage& image, const T* energies, double beta, const WordsRows& rows,
                   double* work, bool* suspicious) {
  return rows.closing == nullptr
             ? words_sum_of<T, false>(image, energies, beta, rows, work, suspicious)
             : words_sum_of<T, true>(image, energies, beta, rows, work, suspicious);
}

template <class T>
ChainSum words_sum_ctc(const WordsImage& image, const T* energies, double beta,
                       const WordsRows& rows, double* work, bool* suspicious) {
  const int64_t stride = words_stride(image.alphabet);
  const double slope = -1.4426950408889634 * beta;
  const EnergyRows<T> row_of(image, energies, work);
  double* padding = work + 2 * stride;
  for (int64_t a = 0; a < stride; ++a) padding[a] = a < image.alphabet ? 0.0 : kInf;
  WideInt odd = {};
  Mass<true> all = {Wide{}, broadcast(1.0), Wide{}};
  for (int64_t i = 0; i < image.frames; ++i) {
    const T* row = row_of(i);
    Wide low = broadcast(kInf), total = {};
    for (int64_t a = 0; a < stride; a += kWide) {
      const Wide mask = load(padding + a), energy = mask == 0.0 ? load_wide(row + a) : mask;
      odd |= is_odd(energy);
      low = least(low, energy);
    }
    const double least_energy = least_of_lanes(low);
    for (int64_t a = 0; a < stride; a += kWide) {
      const Wide mask = load(padding + a), energy = mask == 0.0 ? load_wide(row + a) : mask;
      const Wide weight = exp2_of((energy - least_energy) * slope);
      total += weight;
      if (rows.closing != nullptr) store(rows.closing + i * stride + a, weight);
    }
    const double sum = sum_of_lanes(total);
    if (rows.closing != nullptr) rows.total[i] = sum;
    all.energy += least_energy;
    all.count *= sum > 0 ? sum : 1.0;
    fold(all);
  }
  *suspicious = any_of_lanes(odd);
  return {all.energy[0], all.count[0], all.power[0]};
}

/// out[A] = row, and BETWEEN's number in its place.
template <class T>
[[gnu::always_inline]] inline void hand_on(const WordsImage& image, const double* row, T* out) {
  int64_t a = 0;
  for (; a + kWide <= image.alphabet; a += kWide) store(out + a, load(row + a));
  for (; a < image.alphabet; ++a) out[a] = static_cast<T>(row[a]);
}

template <class T>
double words_go_back(const WordsImage& image, const WordsRows& rows, int64_t frame, double* letters,
                     double between, T* out) {
  const int64_t stride = words_stride(image.alphabet);
  const double* stay = rows.stay + frame * stride;
  const double* closing = rows.closing + (frame - 1) * stride;
  const double total = rows.total[frame - 1], kept_between = between * stay[image.between];
  const double share = total > 0 ? (between - kept_between) / total : 0.0;
  Wide opened = {};
  for (int64_t a = 0; a < stride; a += kWide) {
    const Wide letter = load(letters + a), kept = letter * load(stay + a);
    opened += letter - kept;
    store(letters + a, kept + load(closing + a) * share);
  }
  const double before = kept_between + sum_of_lanes(opened);
  if (out != nullptr) {
    hand_on(image, letters, out);
    out[image.between] = static_cast<T>(before);
  }
  return before;
}

template <class T>
void words_scaled_row(const WordsImage& image, const WordsRows& rows, int64_t frame, double scale,
                      double* row, T* out) {
  const int64_t stride = words_stride(image.alphabet);
  for (int64_t a = 0; a < stride; a += kWide) {
    store(row + a, load(rows.closing + frame * stride + a) * scale);
  }
  if (out != nullptr) hand_on(image, row, out);
}
