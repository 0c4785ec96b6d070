#!/usr/bin/env bash
# talweg data: faults are found and named, sets are counted and split; training checks first.
# usage: data_test.sh TALWEG SCRATCH_FOLDER
source "$(dirname "${BASH_SOURCE[0]}")/common.sh" "$1" "$2"
train() { "$talweg" train --architecture net/4p-8p-8v-8-c16 --steps 4 --quiet "$@"; }

"$talweg" render --random a-c:1-4 --count 40 --out words --quiet >/dev/null
expect 0 'words: 40 sound samples (labels.tsv), 0 faults' "$talweg" data check words
expect 0 '"sound": 40' "$talweg" data check words --json

# every fault: file, line, character, code point
mkdir bad
for i in 1 2 3 4 5 6; do cp words/000$i.png bad/$i.png; done
head -c 50 words/0007.png >bad/7.png
printf '1.png\tab\n2.png\tna\xef\xbf\xbdve\n3.png\t\n4.png\ta\xffb\n5.png\ta\xc3\xb6\nlost.png\tab\nnothing\n' \
  >bad/labels.tsv
printf '6.png\tabcabcabcabcabcabcabcabcabcabcabc\n7.png\tab\n1.png\tab\n' >>bad/labels.tsv
expect 1 'bad: 2 sound samples (labels.tsv), 8 faults: ' "$talweg" data check bad
expect 1 'bad/labels.tsv:2: the label of bad/2.png holds .* (U+FFFD) as character 3' "$talweg" data check bad
expect 1 'bad/labels.tsv:3: the label of bad/3.png is empty' "$talweg" data check bad
expect 1 "bad/labels.tsv:4: .*byte 0xFF at offset 1" "$talweg" data check bad
expect 1 'bad/labels.tsv:6: there is no image bad/lost.png' "$talweg" data check bad
expect 1 'bad/labels.tsv:7: the line is not of the form' "$talweg" data check bad
expect 1 'bad/labels.tsv:8: the label .* needs 66 windows' "$talweg" data check bad
expect 1 'bad/labels.tsv:8: the label .* needs 33 windows' "$talweg" data check bad --topology ctc
expect 1 'bad/labels.tsv:9: the image bad/7.png can.t be used' "$talweg" data check bad
expect 1 'bad/labels.tsv:10: the image 1.png is listed twice' "$talweg" data check bad
expect 1 "bad/labels.tsv:5: .*'ö' (U+00F6), which the model's charset lacks" \
  "$talweg" data check bad --charset a-z
expect 1 '"corrupt text": 1' "$talweg" data check bad --json

# train says the same before it begins, or leaves the faulty ones out
expect 1 'labels.tsv:2: .*U+FFFD' train -t bad -o none.safetensors
expect 1 '8 of 10 samples can.t be used (see above); mend them, or leave them out with --bad-gt skip' \
  train -t bad -o none.safetensors
[[ ! -e none.safetensors ]] || fail "a refused training left a model behind"
expect 0 'model: some' train -t bad --bad-gt skip --charset a-c -o some.safetensors
printf '1.png\tab\n2.png\tc\n6.png\txyzxyzxyzxyzxyzxyzxyzxyzxyzxyzxyz\n' >bad/some.tsv
train -t bad/some.tsv -p 1 --bad-gt skip -o lettered.safetensors >/dev/null 2>&1
printf '3.png\t \n' >bad/none.tsv
expect 1 'no sound labelled image is left' train -t bad/none.tsv --bad-gt skip -o none.safetensors
expect 0 '3 letters and BETWEEN: abc' "$talweg" inspect lettered.safetensors
expect 1 "'ö' (U+00F6)" "$talweg" data check bad -m some.safetensors --json

# composed and decomposed letters are one: the model has four letters, not five
mkdir accents
for i in 1 2 3 4; do cp words/000$i.png accents/$i.png; done
printf '1.png\te\xcc\x81a\n2.png\t\xc3\xa9a\n3.png\tbe\xcc\x81\n4.png\tc\n' >accents/labels.tsv
train -t accents -p 1 -o accents.safetensors >/dev/null
expect 0 '4 letters and BETWEEN: abcé' "$talweg" inspect accents.safetensors
printf 'file\ttext\n1.png\t\xc3\xa9a\n2.png\te\xcc\x81a\n3.png\tb\xc3\xa9\n4.png\tc\n' >read.tsv
expect 0 'CER            0 %' "$talweg" eval --pred read.tsv -e accents
expect 0 'status  ok' "$talweg" align -m accents.safetensors accents/1.png --text $'e\xcc\x81a'
expect 0 '^é	U+00E9	3	3	accents/labels.tsv:1$' "$talweg" data stats accents

# a list may leave its folder only if asked
mkdir lists
printf '../words/0001.png\tab\n' >lists/up.tsv
printf '../words/0001.png\n' >lists/up.txt
expect 1 'lists/up.tsv:1: the image path ../words/0001.png leaves .* allow it with --outside' \
  "$talweg" data check lists/up.tsv
expect 0 '1 sound' "$talweg" data check lists/up.tsv --outside
expect 0 'samples        1' "$talweg" data stats lists/up.tsv --outside
expect 1 'lists/up.tsv:1: .*--outside' train -t lists/up.tsv -o none.safetensors
expect 0 'model: ' train -t lists/up.tsv -p 1 --outside -o up.safetensors
expect 1 'lists/up.tsv:1: .*--outside' "$talweg" eval -m up.safetensors -e lists/up.tsv
expect 0 'words  *1' "$talweg" eval -m up.safetensors -e lists/up.tsv --outside
expect 1 'lists/up.txt:1: .*--outside' "$talweg" read -m up.safetensors lists/up.txt
expect 0 'words/0001.png	' "$talweg" read -m up.safetensors lists/up.txt --outside

# stats
expect 0 'samples        40 (labels.tsv)' "$talweg" data stats words
expect 0 'label          1 to 4 characters' "$talweg" data stats words
expect 0 '"image_height": {' "$talweg" data stats words --json
expect 0 '7 faulty samples are not counted' "$talweg" data stats bad

# split: two lists without a common image, the same again for the same seed
expect 0 'words/val.tsv: 8 samples' "$talweg" data split words --val-share 0.2 --seed 3
cat words/train.tsv words/val.tsv >both.txt
[[ $(grep -c png both.txt) == 40 && $(grep png both.txt | sort -u | wc -l) == 40 ]] ||
  fail "the parts do not make the whole"
cp words/val.tsv before.tsv
"$talweg" data split words --val-share 0.2 --seed 3 >/dev/null
cmp words/val.tsv before.tsv || fail "the same seed splits otherwise"
"$talweg" data split words --val-share 0.2 --seed 4 >/dev/null
cmp -s words/val.tsv before.tsv && fail "another seed splits alike"
expect 0 'model: ' train -t words/train.tsv -e words/val.tsv -o split.safetensors
mkdir elsewhere
expect 1 'does not lie below elsewhere' "$talweg" data split words --out elsewhere
expect 0 './val.tsv: 4 samples' "$talweg" data split words/labels.tsv --out .
expect 0 '40 sound' "$talweg" data check words
expect 0 '4 sound' "$talweg" data check val.tsv

# what can't be
expect 1 'there is no folder or list nowhere' "$talweg" data check nowhere
expect 1 'holds no labelled images' "$talweg" data stats elsewhere
expect 2 '' "$talweg" data
expect 2 'val-share' "$talweg" data split words --val-share 1.5
expect 2 'leave --charset' "$talweg" data check words -m some.safetensors --charset a-z
for command in check stats split; do expect 0 'Example' "$talweg" data $command --help; done

[[ $failures == 0 ]] || exit 1
echo "the data are looked at"
