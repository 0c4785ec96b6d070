"""How tests/ocr/cli/pictures was made: one grey picture of a word, kept in many ways.

usage: odd_pictures.py PICTURE FOLDER (needs Pillow; the tests need only the files)
"""
import os
import random
import sys

from PIL import Image

gray = Image.open(sys.argv[1]).convert("L")
folder = sys.argv[2]
os.makedirs(folder, exist_ok=True)


def save(image, name, **options):
    image.save(os.path.join(folder, name), **options)


save(gray, "gray.png", optimize=True)
save(gray, "gray.bmp")
save(gray, "gray.pgm")
save(gray, "gray.jpg", quality=95)
save(gray, "progressive.jpg", quality=95, progressive=True)
save(gray.convert("RGB"), "rgb.png", optimize=True)
save(gray.convert("P"), "palette.png", optimize=True)
save(gray.convert("RGB").convert("CMYK"), "cmyk.jpg", quality=95)
save(gray.point(lambda v: v * 257, "I"), "deep.png", optimize=True)
save(gray.point(lambda v: 255 - v), "inverse.png", optimize=True)
# Black ink that covers white paper: all of the picture is in its transparency.
cover = Image.new("RGBA", gray.size, (0, 0, 0, 0))
cover.putalpha(gray.point(lambda v: 255 - v))
save(cover, "alpha.png", optimize=True)
save(gray.convert("LA"), "gray-alpha.png", optimize=True)
# Nothing to read.
save(Image.new("L", (1, 1), 0), "one-pixel.png")
save(Image.new("L", (120, 40), 0), "black.png")
save(Image.new("L", (120, 40), 255), "white.png")
grain = Image.new("L", (600, 40))
random.seed(1)
grain.putdata([round(random.gauss(235, 3)) for _ in range(600 * 40)])
save(grain, "grain.jpg", quality=92)
