// Charts and matrix panels as SVG text. The text colour follows the reader's light or dark scheme,
// fonts are the system's, and the same input gives the same bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/io/image.h"

namespace talweg::io {

/// Shapes appended one after the other; the origin is the top left, units are CSS pixels. Colours
/// are SVG paint: "#2a78d6", "currentColor" (the text colour), "none".
class Svg {
 public:
  enum class Anchor { kStart, kMiddle, kEnd };
  struct Stroke {
    std::string color = "currentColor";
    double width = 1, opacity = 1;
    bool dashed = false;
  };
  struct Font {
    double size = 12;
    Anchor anchor = Anchor::kStart;
    double opacity = 1;
    double rotate = 0;  ///< degrees, clockwise, around (x, y)
    bool bold = false, mono = false;
    std::string color = "currentColor";
  };
  using Points = std::vector<std::pair<double, double>>;  ///< (x, y)

  /// `description` is what a screen reader says.
  Svg(double width, double height, std::string_view description);

  void rect(double x, double y, double w, double h, std::string_view fill, double opacity = 1,
            double radius = 0);
  void line(double x0, double y0, double x1, double y1, const Stroke& stroke);
  void polyline(const Points& points, const Stroke& stroke);
  void polygon(const Points& points, std::string_view fill, double opacity = 1);
  void circle(double x, double y, double radius, std::string_view fill);
  /// `text` is escaped; y is the baseline. Empty text draws nothing.
  void text(double x, double y, std::string_view text, const Font& font);
  /// Embeds a PNG stretched to w x h, its pixels kept sharp.
  void image(double x, double y, double w, double h, std::string_view png);

  /// What is drawn until close_clip shows only inside the rectangle; coordinates stay the same.
  void open_clip(double x, double y, double w, double h);
  void close_clip();

  /// The finished document, usable as a file or inline in HTML.
  std::string str() const;

 private:
  double width_, height_;
  std::string description_, body_;
};

/// "#rrggbb".
std::string css_color(Rgb color);

/// The colour of series i: eight hues that stay apart on white and on near black, then again.
std::string series_color(size_t i);

/// Round numbers (1, 2 or 5 times a power of ten apart) that lie in [low, high], about `count` of
/// them.
std::vector<double> nice_ticks(double low, double high, int count = 6);

/// Ticks for a logarithmic axis, 0 < low <= high: powers of ten, with 2 and 5 between them when the
/// range spans less than three decades.
std::vector<double> log_ticks(double low, double high);

/// One line of a chart. Points that are not finite (or not positive on a log axis) break the line.
struct Series {
  std::string name = {};
  std::vector<double> x = {}, y = {};
  std::vector<double> low = {}, high = {};  ///< optional interval around each y
  bool points = false;                      ///< mark each point with a dot
  bool dashed = false;
};

struct LineChart {
  std::string title = {}, x_label = {}, y_label = {};
  std::vector<Series> series = {};
  bool log_y = false;
  /// Otherwise the data's own range, a little widened.
  std::optional<double> y_min = {}, y_max = {};
  double width = 720, height = 380;
};

/// Several named series over a common pair of axes, with round ticks and a legend. Intervals are
/// bands, or bars where points are marked; a linear axis near zero begins there. Throws Error if a
/// series' vectors differ in length. A chart without a drawable point shows its axes and says so.
std::string draw(const LineChart& chart);

/// A path over a matrix, as (row, column) cells in order, drawn through the cells' centres.
struct PathOverlay {
  std::string name = {};
  std::vector<std::pair<int, int>> cells = {};
  std::string color = "#ff5fa2";
};

/// A matrix of energies as colours, with labels, paths over it and a bar that says what colours
/// mean.
struct MatrixPanel {
  std::string title = {}, x_label = {}, y_label = {};
  int rows = 0, cols = 0;
  std::vector<float> values = {};                             ///< [rows, cols], row-major
  std::vector<std::string> row_labels = {}, col_labels = {};  ///< none, or one a row (column)
  std::vector<PathOverlay> paths = {};
  /// Values of the darkest and lightest colour; otherwise the smallest and largest finite value.
  std::optional<std::pair<double, double>> range = {};
  double cell_width = 16, cell_height = 16;
  bool print_values = false;  ///< writes each value into its cell
};

/// Throws Error if values or labels do not fit rows x cols, or a path leaves the matrix.
std::string draw(const MatrixPanel& panel);

}  // namespace talweg::io
