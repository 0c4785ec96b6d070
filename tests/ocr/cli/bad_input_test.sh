#!/usr/bin/env bash
# What talweg read, with the model that comes along, makes of pictures that are no clean words.
# usage: bad_input_test.sh TALWEG SCRATCH_FOLDER
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/common.sh" "$1" "$2"
cp -r "$here/pictures" .

# --- the same word, however its pixels are kept ---
for picture in alpha.png cmyk.jpg deep.png gray-alpha.png gray.bmp gray.jpg gray.pgm gray.png inverse.png \
  palette.png progressive.jpg rgb.png; do
  expect 0 '^valley$' "$talweg" read "pictures/$picture"
done

# --- nothing to read: an empty text, and how probable that is ---
for picture in one-pixel black white; do
  expect 0 '^$' "$talweg" read pictures/$picture.png
  expect 0 "^pictures/$picture.png		1	" "$talweg" read -f tsv pictures/$picture.png
done
# The grain of a scanned blank page is no ink.
expect 0 '^$' "$talweg" read pictures/grain.jpg
# A blank line of 20,000 px is as surely empty.
{
  printf 'P5 20000 40 255\n'
  head -c 800000 /dev/zero | tr '\0' '\376'
} >blank.pgm
expect 0 '^blank.pgm		1	' "$talweg" read -f tsv blank.pgm
expect 0 '"text":"","decoder":"exact","confidence":1.0,' "$talweg" read -f json blank.pgm
for format in hocr alto; do expect 0 'blank.pgm' "$talweg" read -f $format blank.pgm; done
# Too narrow for a letter, too wide for a line: said, with the size.
printf 'P5 1 400 255\n' >narrow.pgm
head -c 400 /dev/zero >>narrow.pgm
expect 0 'narrow.pgm		0	.*too short' "$talweg" read -f tsv narrow.pgm
printf 'P5 60000 20 255\n' >wide.pgm
head -c 1200000 /dev/zero >>wide.pgm
expect 1 'wide.pgm: .*60000 x 20 px is 96000 px wide when scaled to 32 rows; .*cut it' "$talweg" read wide.pgm

# --- a page, given as a word: said, and tried all the same ---
printf 'P5 1200 1600 255\n' >photograph.pgm
head -c 1920000 /dev/zero | tr '\0' '\310' >>photograph.pgm
expect 0 'photograph.pgm: 1200 x 1600 px look like a page; this program reads a word or a line' \
  "$talweg" read photograph.pgm
expect 0 'photograph.pgm	.*	page-sized	' "$talweg" read -f tsv photograph.pgm --quiet

# --- a folder of this and that: each fault named, the rest read, exit code 1 ---
mkdir mixed mixed/folder.png
cp pictures/gray.png mixed/a.png
cp pictures/cmyk.jpg mixed/b.jpeg
: >mixed/empty.png
echo 'not a picture' >mixed/text.png
head -c 700 pictures/gray.png >mixed/truncated.png
printf '%%PDF-1.4\n' >mixed/paper.pdf
ln -s nowhere.png mixed/link.png
echo valley >mixed/notes.txt
expect 1 'talweg: 5 images could not be read' "$talweg" read mixed
for reason in 'mixed/empty.png: .*empty' 'mixed/text.png: .*not a picture' 'mixed/truncated.png: .*truncated' \
  'mixed/paper.pdf: .*not a picture' 'mixed/link.png: no such file'; do
  grep -q "$reason" out.txt || fail "no '$reason' among: $(cat out.txt)"
done
"$talweg" read mixed 2>/dev/null >read.txt || true
printf 'mixed/a.png\tvalley\nmixed/b.jpeg\tvalley\n' | cmp -s - read.txt || fail "not read: $(cat read.txt)"

# --- probabilities say what they are over ---
printf 'valley\nvolley\nalley\n' >lexicon.txt
word=pictures/gray.png
over() { expect 0 "$1" "$talweg" read $word "${@:2}"; }
over 'probability_over$' -f tsv
over '	all words$' -f tsv
over '	lexicon	valley	[0-9.]*	' -f tsv --lexicon lexicon.txt --alternatives 2
over '	all words of the allowed letters$' -f tsv --allow a-z
over '"probability_over":"lexicon of the allowed letters"' -f json --lexicon lexicon.txt --allow a-z
over 'probabilities over: lexicon"' -f hocr --lexicon lexicon.txt
over 'probabilities over: all words of the allowed letters<' -f alto --allow a-z
# Within few words each of them is at least as probable as among all, and all of them together certain.
share() { "$talweg" read $word -f tsv "$@" | tail -n 1 | cut -f 3; }
awk -v all="$(share)" -v letters="$(share --allow a-z)" -v few="$(share --lexicon lexicon.txt)" \
  'BEGIN { exit !(0 < all && all <= letters && letters <= 1 && all <= few && few <= 1) }' ||
  fail "probabilities shrink among fewer words"
"$talweg" read $word -f tsv --lexicon lexicon.txt --alternatives 3 | tail -n 1 | cut -f 9,11,13 |
  awk '{ exit !($1 + $2 + $3 > 0.99999 && $1 + $2 + $3 < 1.00001) }' || fail "a lexicon's words do not sum to one"

[[ $failures == 0 ]] || exit 1
echo "odd input is read, or refused in a sentence"
