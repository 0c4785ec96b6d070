// Convolution, backward to the weights: how the work is cut. By the shape only, never by the number
// of threads, so that neither do the bits depend on it.
//
// A piece is (part of the strips, group of panels, group of blocks): of all output pixels a
// number of strips, of the output channels some panels, of the input channels some blocks of a
// tile's rows. Its sums should stay in the L2 cache while strips pass by, and beside them a strip
// of x and of g and the next one, on its way from memory.

struct WeightPlan {
  bool few;              ///< channels: tiles of taps instead of channels
  int64_t images, rows;  ///< at most, of one strip; several images only if whole
  int64_t strips_per_image, strips;
  int64_t parts, panel_groups, block_groups;
  int64_t panel_size;  ///< sums of one panel: KH * KW * C * kPanel
};

/// Blocks of channels, as equal as possible.
int64_t block_count(const Conv2dShape& s) { return ceil_div(s.c, kTileRows); }
int64_t first_channel(const Conv2dShape& s, int64_t block) { return s.c * block / block_count(s); }

/// Strips of about `pixels` output pixels: whole rows, or whole images; as many for each part.
void cut_strips(const Conv2dShape& s, int64_t pixels, WeightPlan& plan) {
  const int64_t image = s.oh() * s.ow();
  const int64_t images = clamp_of(pixels / max_of(1, image), 1, s.n);
  plan.strips = round_up(ceil_div(s.n, images), plan.parts);
  plan.strips_per_image = 1;
  if (images == 1 || plan.strips > s.n) {
    const int64_t fit = clamp_of(pixels / max_of(1, s.ow()), 1, s.oh());
    plan.strips_per_image = ceil_div(s.oh(), fit);
    while (s.n * plan.strips_per_image % plan.parts != 0 && plan.strips_per_image < s.oh()) {
      ++plan.strips_per_image;
    }
    plan.strips = s.n * plan.strips_per_image;
  }
  plan.images = ceil_div(s.n, plan.strips);
  plan.rows = ceil_div(s.oh(), plan.strips_per_image);
}

/// Twice as many of that which makes the least traffic by it: groups of panels read x again, groups
/// of blocks read g again, parts have sums of their own. False if there is nothing left to cut.
bool cut_once(const Conv2dShape& s, bool parts_too, WeightPlan& plan) {
  constexpr int64_t kSumCost = 4;  // of a sum, to reading a number of x or g; estimated
  struct {
    int64_t& count;
    int64_t most, cost;
  } ways[] = {
      {plan.panel_groups, panel_count(s.k), plan.panel_groups * s.x_size()},
      {plan.block_groups, plan.few ? 1 : block_count(s), plan.block_groups * s.y_size()},
      {plan.parts, parts_too ? s.n * s.oh() : 1, plan.parts * s.w_size() * kSumCost},
  };
  auto* best = &ways[0];
  for (auto& way : ways) {
    if (way.count < way.most && (best->count >= best->most || way.cost < best->cost)) best = &way;
  }
  if (best->count >= best->most) return false;
  best->count = min_of(2 * best->count, best->most);
  return true;
}

/// Of a shape that has something to sum.
WeightPlan weight_plan(const Conv2dShape& s) {
  constexpr int64_t kFewChannels = 6;
  constexpr int64_t kPieces = 8;              // at least, if there are so many
  constexpr int64_t kSums = 80 << 10;         // of one piece
  constexpr int64_t kStripFloats = 64 << 10;  // of x and g of a strip that one piece reads
  WeightPlan plan = {};
  plan.few = s.c <= kFewChannels;
  plan.panel_size = s.kh * s.kw * s.c * kPanel;
  plan.parts = plan.panel_groups = plan.block_groups = 1;
  const auto c_each = [&] { return ceil_div(s.c, plan.block_groups); };
  const auto k_each = [&] { return ceil_div(panel_count(s.k), plan.panel_groups) * kPanel; };
  const auto sums = [&] { return plan.few ? 0 : s.kh * s.kw * c_each() * k_each(); };
  const auto pieces = [&] { return plan.parts * plan.panel_groups * plan.block_groups; };
  while (sums() > kSums && cut_once(s, false, plan)) continue;
  while (pieces() < kPieces && cut_once(s, true, plan)) continue;
  cut_strips(s, max_of(64, kStripFloats / (c_each() + k_each())), plan);
  return plan;
}

/// Output rows [first_row, last_row) of the images [first_image, last_image).
struct WeightStrip {
  int64_t first_image, last_image, first_row, last_row;

  int64_t images() const { return last_image - first_image; }
  int64_t rows() const { return last_row - first_row; }
};

WeightStrip weight_strip(const WeightPlan& plan, const Conv2dShape& s, int64_t strip) {
  if (plan.strips < s.n) {
    return {s.n * strip / plan.strips, s.n * (strip + 1) / plan.strips, 0, s.oh()};
  }
  const int64_t image = strip / plan.strips_per_image, at = strip % plan.strips_per_image;
  return {image, image + 1, s.oh() * at / plan.strips_per_image,
          s.oh() * (at + 1) / plan.strips_per_image};
}

/// What of the sums one piece makes: panels of output channels, blocks of input channels.
struct WeightPiece {
  Range panels, blocks;
};

/// The `at`-th of `groups` nearly equal groups of n things.
Range group_of(int64_t n, int64_t groups, int64_t at) {
  return {n * at / groups, n * (at + 1) / groups};
}
