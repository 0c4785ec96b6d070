"""Checks hOCR and ALTO as an XML parser sees them: usage page_formats.py TEXTS PAGES HOCR ALTO.

TEXTS holds the text of each page, a line each (none: every page is without words). Both files must be
well-formed, have PAGES pages, and say these texts; boxes must lie in their word's, and that in its page's.
"""
import re
import sys
import xml.etree.ElementTree as Tree

texts = [line.rstrip("\n") for line in open(sys.argv[1], encoding="utf-8")]
pages = int(sys.argv[2])
texts = texts or [""] * pages
HTML = "{http://www.w3.org/1999/xhtml}"
ALTO = "{http://www.loc.gov/standards/alto/ns-v4#}"


def inside(box, outer):
    x0, y0, x1, y1 = box
    assert outer[0] <= x0 <= x1 <= outer[2] and outer[1] <= y0 <= y1 <= outer[3], (box, outer)


def numbers(title, key):
    return [float(n) for n in re.search(key + r" ([-0-9. ]+)", title).group(1).split()]


found = []
root = Tree.parse(sys.argv[3]).getroot()
assert any(m.get("name") == "ocr-system" for m in root.iter(HTML + "meta"))
for page in root.iter(HTML + "div"):
    assert page.get("class") == "ocr_page" and page.get("title").startswith('image "')
    outer, words = numbers(page.get("title"), "bbox"), []
    for word in page.iter(HTML + "span"):
        if word.get("class") != "ocrx_word":
            continue
        box = numbers(word.get("title"), "bbox")
        inside(box, outer)
        assert 0 <= numbers(word.get("title"), "x_wconf")[0] <= 100
        words.append("".join(word.itertext()))
        assert len(words[-1]) == len(word)
        for letter in word:
            inside(numbers(letter.get("title"), "x_bboxes"), box)
            assert 0 <= numbers(letter.get("title"), "x_conf")[0] <= 100
    found.append(" ".join(words))
assert found == texts and len(found) == pages, (found, texts)


def place(e):
    x, y, w, h = (float(e.get(k)) for k in ("HPOS", "VPOS", "WIDTH", "HEIGHT"))
    return [x, y, x + w, y + h]


found = []
root = Tree.parse(sys.argv[4]).getroot()
assert root.tag == ALTO + "alto"
ids = [e.get("ID") for e in root.iter() if e.get("ID")]
assert len(ids) == len(set(ids))
for page in root.iter(ALTO + "Page"):
    outer, words = [0, 0, float(page.get("WIDTH")), float(page.get("HEIGHT"))], []
    assert next(page.iter(ALTO + "TextBlock")).get("{http://www.w3.org/1999/xlink}href")
    for word in page.iter(ALTO + "String"):
        inside(place(word), outer)
        assert 0 <= float(word.get("WC")) <= 1
        glyphs = word.findall(ALTO + "Glyph")
        words.append(word.get("CONTENT"))
        assert words[-1] == "".join(g.get("CONTENT") for g in glyphs)
        for glyph in glyphs:
            inside(place(glyph), place(word))
            shares = [float(v.get("VC")) for v in glyph.findall(ALTO + "Variant")]
            assert sum(shares) + float(glyph.get("GC")) <= 1.001
    found.append(" ".join(words))
assert found == texts and len(found) == pages, (found, texts)
