"""Writes one grey picture in many ways: usage odd_pictures.py PICTURE FOLDER."""
import os
import sys

from PIL import Image

gray = Image.open(sys.argv[1]).convert("L")
folder = sys.argv[2]
os.makedirs(folder, exist_ok=True)


def save(image, name, **options):
    image.save(os.path.join(folder, name), **options)


save(gray, "gray.bmp")
save(gray, "gray.pgm")
save(gray, "gray.jpg", quality=98)
save(gray.convert("RGB"), "rgb.png")
save(gray.convert("RGB"), "rgb.ppm")
save(gray.convert("P"), "palette.png")
save(gray.convert("RGB").convert("CMYK"), "cmyk.jpg", quality=98)
save(gray.point(lambda v: v * 257, "I"), "deep.png")
# Black ink that covers white paper: all of the picture is in its transparency.
cover = Image.new("RGBA", gray.size, (0, 0, 0, 0))
cover.putalpha(gray.point(lambda v: 255 - v))
save(cover, "alpha.png")
