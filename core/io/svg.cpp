#include "core/io/svg.h"

#include <array>

#include "core/error.h"

namespace talweg::io {
namespace {

std::string attribute(std::string_view name, double value) {
  return " " + std::string(name) + "=\"" + format_number(value) + "\"";
}

std::string attribute(std::string_view name, std::string_view value) {
  return " " + std::string(name) + "=\"" + escape(value) + "\"";
}

/// Only what differs from the default is written.
std::string opacity_attribute(double opacity) {
  return opacity < 1 ? attribute("opacity", opacity) : std::string();
}

std::string stroke_attributes(const Svg::Stroke& stroke) {
  std::string text = attribute("stroke", stroke.color) + attribute("stroke-width", stroke.width) +
                     opacity_attribute(stroke.opacity);
  if (stroke.dashed) text += " stroke-dasharray=\"5 4\"";
  return text;
}

std::string points_attribute(const Svg::Points& points) {
  std::string text = " points=\"";
  for (const auto& [x, y] : points) {
    if (text.back() != '"') text += ' ';
    text += format_number(x) + "," + format_number(y);
  }
  return text + "\"";
}

constexpr const char* kSans = "system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif";
constexpr const char* kMono = "ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace";

}  // namespace

Svg::Svg(double width, double height, std::string_view description)
    : width_(width), height_(height), description_(description) {}

void Svg::rect(double x, double y, double w, double h, std::string_view fill, double opacity,
               double radius) {
  body_ += "<rect" + attribute("x", x) + attribute("y", y) + attribute("width", w) +
           attribute("height", h) + attribute("fill", fill) + opacity_attribute(opacity);
  if (radius > 0) body_ += attribute("rx", radius);
  body_ += "/>\n";
}

void Svg::line(double x0, double y0, double x1, double y1, const Stroke& stroke) {
  body_ += "<line" + attribute("x1", x0) + attribute("y1", y0) + attribute("x2", x1) +
           attribute("y2", y1) + stroke_attributes(stroke) + "/>\n";
}

void Svg::polyline(const Points& points, const Stroke& stroke) {
  body_ += "<polyline" + points_attribute(points) +
           " fill=\"none\" stroke-linejoin=\"round\" stroke-linecap=\"round\"" +
           stroke_attributes(stroke) + "/>\n";
}

void Svg::polygon(const Points& points, std::string_view fill, double opacity) {
  body_ += "<polygon" + points_attribute(points) + attribute("fill", fill) +
           opacity_attribute(opacity) + "/>\n";
}

void Svg::circle(double x, double y, double radius, std::string_view fill) {
  body_ += "<circle" + attribute("cx", x) + attribute("cy", y) + attribute("r", radius) +
           attribute("fill", fill) + "/>\n";
}

void Svg::text(double x, double y, std::string_view text, const Font& font) {
  if (text.empty()) return;
  static constexpr std::array kAnchors{"start", "middle", "end"};
  body_ += "<text" + attribute("x", x) + attribute("y", y) + attribute("font-size", font.size) +
           attribute("fill", font.color) + opacity_attribute(font.opacity);
  if (font.anchor != Anchor::kStart) {
    body_ += attribute("text-anchor", kAnchors[size_t(font.anchor)]);
  }
  if (font.bold) body_ += " font-weight=\"600\"";
  if (font.mono) body_ += attribute("font-family", kMono);
  if (font.rotate != 0) {
    body_ += " transform=\"rotate(" + format_number(font.rotate) + " " + format_number(x) + " " +
             format_number(y) + ")\"";
  }
  body_ += ">" + escape(text) + "</text>\n";
}

void Svg::image(double x, double y, double w, double h, std::string_view png) {
  body_ += "<image" + attribute("x", x) + attribute("y", y) + attribute("width", w) +
           attribute("height", h) +
           " preserveAspectRatio=\"none\" style=\"image-rendering:pixelated\" href=\"" +
           png_data_uri(png) + "\"/>\n";
}

void Svg::open_clip(double x, double y, double w, double h) {
  const std::string box =
      format_number(x) + " " + format_number(y) + " " + format_number(w) + " " + format_number(h);
  body_ += "<svg" + attribute("x", x) + attribute("y", y) + attribute("width", w) +
           attribute("height", h) + attribute("viewBox", box) + ">\n";
}

void Svg::close_clip() { body_ += "</svg>\n"; }

std::string Svg::str() const {
  const std::string w = format_number(width_), h = format_number(height_);
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"talweg-svg\" role=\"img\"" +
         attribute("aria-label", description_) + " viewBox=\"0 0 " + w + " " + h + "\" width=\"" +
         w + "\" height=\"" + h + "\"" + attribute("font-family", kSans) +
         ">\n<style>.talweg-svg{color:#1f2328;color-scheme:light dark}"
         "@media(prefers-color-scheme:dark){.talweg-svg{color:#e6e8eb}}</style>\n" +
         body_ + "</svg>\n";
}

std::string css_color(Rgb color) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text = "#";
  for (const uint8_t v : {color.r, color.g, color.b}) {
    text += kHex[v >> 4];
    text += kHex[v & 15];
  }
  return text;
}

std::string series_color(size_t i) {
  static constexpr std::array kHues{"#2a78d6", "#e8650c", "#2f9e44", "#b04fd0",
                                    "#dd3b3b", "#0c9aa8", "#b98900", "#7d8790"};
  return kHues[i % kHues.size()];
}

}  // namespace talweg::io
