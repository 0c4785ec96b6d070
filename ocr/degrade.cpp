#include "ocr/degrade.h"

#include "core/error.h"
#include "ocr/degrade_stages.h"

namespace talweg::ocr {

io::Gray8 degrade(const Ink& ink, const Degradation& d, Rng& rng, std::vector<CharBox>* boxes) {
  constexpr int kLeastHeight = 8, kGreatestHeight = 256;
  expect(ink.width > 0 && ink.height > 0 &&
             ink.coverage.size() == size_t(ink.width) * size_t(ink.height),
         "[degrade] ", ink.coverage.size(), " values of coverage do not fill a word of ", ink.width,
         " x ", ink.height, " pixels");
  expect(d.frame.height >= kLeastHeight && d.frame.height <= kGreatestHeight,
         "[degrade] the image's height must be ", kLeastHeight, " ... ", kGreatestHeight,
         " rows, found ", d.frame.height);

  const Layout layout = plan_layout(ink, d, rng);
  Plane coverage = warp(wear_strokes(ink, d.strokes, layout, rng), layout, d.shape, rng);
  fade_ink(coverage, d.strokes, rng);
  const Plane page = print_on_page(coverage, d.page, rng);
  if (boxes) {
    *boxes = warp_boxes(ink.boxes, layout, std::max(0.0, layout.edges.growth));
  }
  return take_picture(page, d.camera, d.page.paper, d.page.ink, rng);
}

}  // namespace talweg::ocr
