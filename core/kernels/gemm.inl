// The product of two matrices, cut into blocks for the caches and into pieces for the threads. It
// serves matmul, and convolutions with a 1x1 window, which are products over all pixels.
//
// Inside a piece: a block of b, `depth` rows by some panels, stays in the L2 cache; past it go the
// rows of a, a few tiles at a time, as they lie. The block is packed, which costs each number of b
// about as much as a few rows of a; so b too is read as it lies where few rows would use it, and
// where a and b are both so long that they come from memory once and stay in L2 for one block.
// Tiles ask for what comes next: memory then works while they compute.
//
// Pieces: with many outputs, rows and panels are cut so that each thread has its share. That
// changes no sum, so the cut may follow the number of threads. With few outputs and a long sum the
// sum itself is cut, into parts that depend on the shape alone; they are added in order.

/// c[m, n] = op(a) op(b), then bias and ReLU (no pool).
struct Product {
  int64_t m, n, k;
  const float* a;
  bool transpose_a;  ///< a is [k, m]
  const float* b;
  bool transpose_b;  ///< b is [n, k]
  bool packed;       ///< b is what pack_panels made of b[k, n]
  float* c;
  Conv2dEpilogue<float> then = {};

  bool pays_threads() const {
    constexpr int64_t kSerial = 1 << 20;  // multiply-adds: starting threads takes 3 microseconds
    return m * n * k >= kSerial;
  }
};

constexpr int64_t kFloatsOfL1 = 3 << 12;  // 48 KiB; of a smaller cache, most

struct ProductPlan {
  int64_t depth, panels;       ///< of a block of b, at most
  bool packs;                  ///< b, block by block
  int64_t parts;               ///< of the sum
  int64_t row_cuts, col_cuts;  ///< pieces of the outputs
};

struct Range {
  int64_t first, last;
  int64_t size() const { return last - first; }
};

/// Part i of `parts` nearly equal ones.
inline Range part_of(Range all, int64_t i, int64_t parts) {
  return {all.first + all.size() * i / parts, all.first + all.size() * (i + 1) / parts};
}

/// Cuts rows and panels among the threads so that the largest piece is as small as may be.
void cut_outputs(const Product& g, int64_t threads, ProductPlan& plan) {
  const int64_t packing = plan.packs ? 6 : 0;  // of a panel, in rows of a
  const int64_t panels = panel_count(g.n), tiles = ceil_div(g.m, kTileRows);
  int64_t least = -1;
  for (int64_t rows = 1; rows <= min_of(threads, tiles); ++rows) {
    const int64_t cols = min_of(threads / rows, panels);
    const int64_t cost = ceil_div(panels, cols) * (ceil_div(g.m, rows) + packing);
    if (least >= 0 && cost >= least) continue;
    least = cost;
    plan.row_cuts = rows;
    plan.col_cuts = cols;
  }
}

ProductPlan product_plan(const Product& g) {
  constexpr int64_t kParts = 8, kFewRows = 2 * kTileRows;
  constexpr int64_t kFewColumns = 512;  // more would share too few cache sets
  ProductPlan plan = {
      .depth = 0, .panels = 256 / kPanel, .packs = false, .parts = 1, .row_cuts = 1, .col_cuts = 1};
  const int64_t depth =
      g.transpose_a ? 192 : 1024;  // with a transposed, a and b share the L2 cache
  plan.depth = ceil_div(g.k, max_of(1, ceil_div(g.k, depth)));
  const bool whole_vectors = !g.transpose_b && g.n % kLanes == 0;
  const bool few =
      g.m <= kFewRows || g.n * g.k <= kFloatsOfL1 || (g.transpose_a && g.n < kFewColumns);
  plan.packs = !g.packed && !(whole_vectors && few);
  const bool long_sum = g.k >= 4 * kParts * max_of(g.m, g.n);
  if (long_sum) {
    plan.parts = kParts;
  } else if (g.pays_threads() && g.m > 0 && g.n > 0) {
    cut_outputs(g, omp_get_max_threads(), plan);
  }
  return plan;
}

/// Scratch of one thread: a block of b.
int64_t product_block_size(const Product& g, const ProductPlan& plan) {
  const int64_t panels = min_of(plan.panels, panel_count(g.n));
  return plan.packs ? round_up(plan.depth * panels * kPanel, 16) : 0;
}
int64_t product_scratch(const Product& g) {
  const ProductPlan plan = product_plan(g);
  const int64_t sums = plan.parts > 1 ? round_up(plan.parts * g.m * g.n, 16) : 0;
  return sums + omp_get_max_threads() * product_block_size(g, plan);
}

/// Rows of a that are read next: the tiles of a block bring them into L2.
struct NextRows {
  const float *at = nullptr, *end = nullptr;
  int64_t step = 0;  ///< floats for each step of a tile

  void share(Tile& t) {
    t.ahead = at < end ? at : t.a;
    t.ahead_step = at < end ? step : 0;
    at += t.ahead_step * t.length;
  }
};

/// Rows and panels of c, and part of the sum: all within one block of b.
struct ProductBlock {
  Range rows, panels, inner;
  const float* b;   ///< its first panel
  int64_t b_panel;  ///< floats from panel to panel
  bool first, last;
};

/// The tile of the rows from `row` on and one panel.
Tile tile_of_product(const Product& g, const ProductPlan& plan, const ProductBlock& at, int64_t row,
                     int64_t panel, float* c) {
  const int64_t lda = g.transpose_a ? g.m : g.k;
  const int64_t ldb = g.packed || plan.packs ? panel_width(g.n, panel) : g.n;
  const int64_t passed_over = g.packed ? at.inner.first * ldb : 0;
  return {
      .a = g.a + row * (g.transpose_a ? 1 : lda) + at.inner.first * (g.transpose_a ? lda : 1),
      .lda = lda,
      .steps_h = 1,
      .steps_w = 1,
      .a_step_h = 0,
      .a_step_w = 0,
      .length = at.inner.size(),
      .b = at.b + (panel - at.panels.first) * at.b_panel + passed_over,
      .ldb = ldb,
      .c = c + row * g.n + panel * kPanel,
      .ldc = g.n,
      .columns = min_of(kPanel, g.n - panel * kPanel),
      .accumulate = !at.first,
      .bias = at.first && g.then.bias ? g.then.bias + panel * kPanel : nullptr,
      .relu = at.last && g.then.relu,
      .a_ahead = g.transpose_a && !at.last ? at.inner.size() * lda : 0,
      .b_ahead = plan.packs || g.packed || at.last ? 0 : at.inner.size() * ldb,
  };
}

/// Asks for the rows of c that the next tile writes.
void prefetch_outputs(const float* c, int64_t ldc, int64_t rows) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t v = 0; v < kTileVecs; ++v) __builtin_prefetch(c + r * ldc + v * kLanes, 1);
  }
}

/// Rows of a tile. Rows of a that lie a multiple of 4 KiB apart share one set of the L1 cache,
/// which holds 8 lines or more.
int64_t most_rows(const Product& g) {
  const bool aliased = !g.transpose_a && g.k % 1024 == 0;
  return aliased ? min_of(8, kTileRows) : kTileRows;
}

void block_of_product(const Product& g, const ProductPlan& plan, const ProductBlock& at, float* c) {
  const int64_t most = most_rows(g);
  const int64_t each = ceil_div(at.rows.size(), max_of(1, ceil_div(at.rows.size(), most)));
  const int64_t step = g.transpose_a ? 1 : g.k;
  const bool in_l1 = !g.transpose_a && g.m * g.k + g.k * g.n + g.m * g.n <= kFloatsOfL1;
  const int64_t row_block = (g.transpose_a ? 18 : 4) * each;  // rows that the panels take turns at
  for (int64_t row = at.rows.first; row < at.rows.last; row += row_block) {
    const int64_t end = min_of(row + row_block, at.rows.last);
    NextRows next;
    if (!g.transpose_a && at.inner.size() == g.k) {
      next.at = g.a + end * g.k;
      next.end = g.a + min_of(end + row_block, at.rows.last) * g.k;
      next.step = min_of(16, ceil_div(most, at.panels.size()) + 1);
    }
    for (int64_t panel = at.panels.first; panel < at.panels.last; ++panel) {
      Tile t = tile_of_product(g, plan, at, row, panel, c);
      for (int64_t r = row; r < end; r += each) {
        const int64_t count = min_of(each, end - r);
        if (in_l1) {  // nothing to ask for
          tile_once<ReadA::rows>(count, t);
        } else {
          next.share(t);
          prefetch_outputs(t.c + count * t.ldc, t.ldc, count);
          if (g.transpose_a) {
            tile_once<ReadA::columns>(count, t);
          } else {
            tile_once<ReadA::rows_ahead>(count, t);
          }
        }
        t.a += count * step;
        t.c += count * t.ldc;
      }
    }
  }
}

/// b's panels [at.panels) of the rows [at.inner): packed, if they are not, into `memory`.
void take_block(const Product& g, const ProductPlan& plan, float* memory, ProductBlock& at) {
  const Range& k = at.inner;
  if (g.packed) {
    at.b_panel = kPanel * g.k;
    at.b = g.b + at.panels.first * at.b_panel;  // all panels but the last are kPanel wide
    return;
  }
  const int64_t row_step = g.transpose_b ? 1 : g.n, column_step = g.transpose_b ? g.k : 1;
  const float* from = g.b + k.first * row_step;
  if (!plan.packs) {
    at.b_panel = kPanel;
    at.b = from + at.panels.first * kPanel;
    return;
  }
  at.b_panel = kPanel * k.size();
  at.b = memory;
  for (int64_t panel = at.panels.first; panel < at.panels.last; ++panel) {
    pack_panel(from, row_step, column_step, 0, k.size(), g.n, panel,
               memory + (panel - at.panels.first) * at.b_panel);
  }
}

/// A piece of the outputs, or of the sum, by one thread.
void piece_of_product(const Product& g, const ProductPlan& plan, Range rows, Range panels,
                      Range inner, float* c, float* memory) {
  const int64_t blocks = max_of(1, ceil_div(inner.size(), max_of(1, plan.depth)));
  ProductBlock at = {.rows = rows,
                     .panels = panels,
                     .inner = inner,
                     .b = nullptr,
                     .b_panel = 0,
                     .first = true,
                     .last = false};
  for (int64_t block = 0; block < blocks; ++block) {
    at.first = block == 0;
    at.last = block + 1 == blocks;
    at.panels = panels;
    at.inner = part_of(inner, block, blocks);
    for (int64_t panel = panels.first; panel < panels.last; panel += plan.panels) {
      at.panels = {panel, min_of(panel + plan.panels, panels.last)};
      take_block(g, plan, memory, at);
      block_of_product(g, plan, at, c);
    }
  }
}

/// c = the parts, added in order, then bias and ReLU.
void add_product_parts(const Product& g, int64_t parts, const float* sums) {
  constexpr int64_t kChunk = 1 << 10;
  const int64_t size = g.m * g.n;
  share_out(ceil_div(size, kChunk), parts * size >= kSerialElements, [=](int64_t chunk) {
    const int64_t end = min_of((chunk + 1) * kChunk, size);
    for (int64_t i = chunk * kChunk; i < end; i += kLanes) {
      Vec sum = {};
      for (int64_t part = 0; part < parts; ++part) {
        sum += load_columns(sums + part * size + i, end - i);
      }
      if (end - i >= kLanes) {
        store(g.c + i, sum);
      } else {
        store_first(g.c + i, sum, end - i);
      }
    }
    if (!g.then.bias && !g.then.relu) return;
    for (int64_t i = chunk * kChunk; i < end; ++i) {
      const float sum = g.c[i] + (g.then.bias ? g.then.bias[i % g.n] : 0.0f);
      g.c[i] = g.then.relu && sum < 0 ? 0.0f : sum;  // a NaN stays
    }
  });
}

/// `scratch` holds product_scratch(g) floats.
void multiply(const Product& g, float* scratch) {
  const ProductPlan plan = product_plan(g);
  const int64_t block = product_block_size(g, plan);
  const Range rows = {0, g.m}, panels = {0, panel_count(g.n)}, inner = {0, g.k};
  if (plan.parts > 1) {
    const int64_t size = g.m * g.n;
    float* memory = scratch + round_up(plan.parts * size, 16);
    Product plain = g;  // bias and ReLU are for the whole sum
    plain.then = {};
    share_out(plan.parts, g.pays_threads(), [&](int64_t part) {
      piece_of_product(plain, plan, rows, panels, part_of(inner, part, plan.parts),
                       scratch + part * size, memory + omp_get_thread_num() * block);
    });
    add_product_parts(g, plan.parts, scratch);
    return;
  }
  share_out(plan.row_cuts, plan.col_cuts, g.pays_threads(), [&](int64_t i, int64_t j) {
    piece_of_product(g, plan, part_of(rows, i, plan.row_cuts), part_of(panels, j, plan.col_cuts),
                     inner, g.c, scratch + omp_get_thread_num() * block);
  });
}
