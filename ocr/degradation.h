// What befalls a drawn word on its way through press, paper, light and camera: the strengths.
#pragma once

#include <string_view>

#include "core/rng.h"

namespace talweg::ocr {

/// How badly: none = the word as drawn, light = a clean print under a mild camera, scan = the
/// whole range from books over typewriters and receipts to signs in the street.
enum class DegradationLevel { kNone, kLight, kScan };

/// "none", "light" or "scan".
std::string_view degradation_level_name(DegradationLevel level);
/// The inverse. Throws Error listing the three names.
DegradationLevel parse_degradation_level(std::string_view name);

/// Strengths of every degradation. The default does nothing but frame the word in 32 rows, black
/// on white. Lengths named "of the line" are parts of descent - ascent; "px" are pixels of the
/// final image. Each strength works alone, whatever the others are.
struct Degradation {
  /// Not done to the word, but asked of its typeface: equally wide letters, as a typewriter's or a
  /// till's.
  bool fixed_pitch = false;

  struct Shape {
    float rotation = 0;       ///< radians, clockwise on the screen
    float slant = 0;          ///< the letters' tops move right by this part of their height
    float stretch = 1;        ///< of the width
    float perspective_x = 0;  ///< how much farther the right end is than the middle, -0.5 ... 0.5
    float perspective_y = 0;  ///< and the bottom
    float wave = 0;           ///< amplitude of a wave of the baseline, of the line
    float wave_length = 4;    ///< of the line
    float elastic = 0;  ///< amplitude of a smooth random field that moves every pixel, of the line
    float elastic_length = 0.5f;  ///< of its changes, of the line
    float letter_shift = 0;       ///< greatest shift of a letter up or down, of the line
    float letter_tilt = 0;        ///< greatest turn of a letter, radians
  } shape;

  struct Frame {
    bool tight = false;   ///< round the ink instead of round the line
    float left = 0.125f;  ///< margins, of the line; negative ones cut into the ink
    float right = 0.125f;
    float top = 0.1f;
    float bottom = 0.1f;
    int height = 32;  ///< rows of the final image, 8 ... 256
  } frame;

  struct Strokes {
    float weight = 0;            ///< change of the strokes' width, a part of it, -0.6 ... 1
    float least_stroke = 0;      ///< thinner strokes are thickened to this, of the line
    float strike = 0;            ///< greatest loss of a letter's blackness, 0 ... 1
    float strike_slope = 0;      ///< greatest difference between a letter's top and bottom, 0 ... 1
    float lattice = 0;           ///< depth of a weave or of a printer's dots, 0 ... 1
    float lattice_pitch = 0.1f;  ///< of the line
    float row_loss = 0;          ///< greatest loss in a row of a failing print head, 0 ... 1
    float column_loss = 0;       ///< greatest loss in a column
    float fade = 0;              ///< depth of slow changes of blackness, 0 ... 1
    float breaks = 0;            ///< share of the ink's area broken away, 0 ... 0.5
    float neighbour_above = 0;   ///< rows of the line above that show, of the line
    float neighbour_below = 0;
    float underline = 0;  ///< thickness, of the line
    float rule = 0;       ///< thickness of a line along an edge of the frame, of the line
    float specks = 0;     ///< dark specks, expected in a square as high as the line
    float pinholes = 0;   ///< light specks
  } strokes;

  struct Page {
    float paper = 1;           ///< brightness of the background, 0 ... 1
    float ink = 0;             ///< brightness of the ink; above `paper` for light text on dark
    float grain = 0;           ///< standard deviation of the paper's grain
    float grain_size = 2;      ///< px
    float blotch = 0;          ///< the same for spots as large as letters
    float ripple = 0;          ///< amplitude of vertical bars
    float ripple_length = 20;  ///< px
    float halftone = 0;        ///< amplitude of a screen of dots on the paper
    float halftone_pitch = 3;  ///< px
    float bleed = 0;           ///< how much of the back side's ink shows through, 0 ... 1
    float halo = 0;            ///< opacity of an outline or shadow of the letters, 0 ... 1
    float halo_level = 0.5f;   ///< its brightness
    float halo_width = 0;      ///< px, of the outline
    float halo_x = 0;          ///< px, shift
    float halo_y = 0;
  } page;

  struct Camera {
    float gradient = 0;        ///< change of brightness across the image
    float gradient_angle = 0;  ///< radians
    float shadow = 0;          ///< depth of a cast shadow, 0 ... 1
    float blur_x = 0;          ///< Gaussian, px; blur_x != blur_y is motion
    float blur_y = 0;
    float sharpen = 0;  ///< unsharp mask's strength
    float gamma = 1;
    float contrast = 1;    ///< gain round mid-grey, clipped
    float noise = 0;       ///< standard deviation of the sensor's noise
    int jpeg_quality = 0;  ///< 1 ... 100; 0 = no JPEG
    float threshold = 0;   ///< two-valued output: between ink (0) and paper (1); 0 = grey
  } camera;
};

/// Strengths as they occur together at `level`; most mild, a tail hard. Every draw is from `rng`.
Degradation draw_degradation(DegradationLevel level, Rng& rng);

}  // namespace talweg::ocr
