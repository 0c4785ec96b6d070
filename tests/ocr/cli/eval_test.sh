#!/usr/bin/env bash
# talweg eval with the model that comes along: scores, groups, confidences, boxes, its page.
# usage: eval_test.sh TALWEG SCRATCH_FOLDER
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/common.sh" "$1" "$2"

printf 'river\nstone\nfjord\nAVATAR\nvalley\n12:45\nNew York\n' >list.txt
"$talweg" render --font "Anonymous Pro" --words list.txt --text words --augment none --count 28 --boxes --out words --quiet >/dev/null

# --- what it says of drawn words ---
expect 0 'boxes          mean IoU 0.9[0-9]* in columns' "$talweg" eval -e words --boxes words/boxes.tsv
expect 0 'alnum words    100 %' "$talweg" eval -e words
expect 0 'calibration    ECE [0-9.]* %, 15 bins; up to [0-9.]* % by chance' "$talweg" eval -e words
expect 0 '^typeface .*words  CER' "$talweg" eval -e words --by words/typefaces.tsv
"$talweg" eval -e words --boxes words/boxes.tsv --by words/typefaces.tsv --json --threads 1 >one.json 2>/dev/null
"$talweg" eval -e words --boxes words/boxes.tsv --by words/typefaces.tsv --json --threads 2 >two.json 2>/dev/null
cmp -s one.json two.json || fail "1 and 2 threads evaluate otherwise"
for key in '"ece"' '"auroc"' '"alnum_interval"' '"column_iou"' '"typeface"' '"surest_mistakes"'; do
  grep -q "$key" one.json || fail "the JSON has no $key"
done

# --- groups by a column of the list, by number and by name ---
mkdir grouped
cp words/*.png grouped
{
  printf 'file\ttext\tkind\n'
  tail -n +2 words/labels.tsv | awk -F '\t' '{ print $0 "\t" ($2 ~ /[0-9]/ ? "number" : "word") }'
} >grouped/labels.tsv
for by in kind 3; do
  expect 0 '^number  *4 ' "$talweg" eval -e grouped --by $by
done
expect 1 'columns from 3 on are groups' "$talweg" eval -e grouped --by 2
expect 1 "no column 'font'" "$talweg" eval -e grouped --by font
mkdir pairs
cp words/000[01].png words/000[01].gt.txt pairs
expect 1 'which has no columns' "$talweg" eval -e pairs --by 3

# --- another program's predictions, with confidences and without ---
"$talweg" read words -f tsv >ours.tsv 2>/dev/null
expect 0 'calibration    ECE' "$talweg" eval -e words --pred ours.tsv
awk -F '\t' '{ print $1 "\t" $2 }' ours.tsv >bare.tsv
"$talweg" eval -e words --pred bare.tsv >bare.txt
! grep -q calibration bare.txt || fail "an ECE without confidences"
[[ $("$talweg" eval -e words --pred ours.tsv | grep CER) == "$("$talweg" eval -e words 2>/dev/null | grep CER)" ]] ||
  fail "our own predictions score otherwise than we do"
expect 2 'leave out --pred' "$talweg" eval -e words --pred ours.tsv --boxes words/boxes.tsv
printf 'file\tindex\n0000.png\t0\n' >bad.tsv
expect 1 'bad.tsv:2: expected the seven cells' "$talweg" eval -e words --boxes bad.tsv

# --- the page: whole, of itself, with a picture and both paths for each mistake ---
sed -i 's/\triver$/\tdelta/' words/labels.tsv
expect 0 'page: eval.html' "$talweg" eval -e words --boxes words/boxes.tsv --by words/typefaces.tsv --html eval.html
tail -n 1 eval.html | grep -q '</html>' || fail "the page is not whole"
! grep -qE '(src|href)="(http|/)' eval.html || fail "the page leads out of itself"
[[ $(grep -c 'class="word"' eval.html) -ge 4 ]] || fail "the page shows no words"
grep -q 'path of what is written' eval.html || fail "the page shows no path of the label"
grep -q 'Character boxes' eval.html || fail "the page says nothing of boxes"
expect 0 'page: theirs.html' "$talweg" eval -e words --pred ours.tsv --html theirs.html
[[ $(grep -c '<img' theirs.html) -ge 4 ]] || fail "the page of predictions shows no images"
mkdir in-the-way.html
expect 1 'in-the-way.html' "$talweg" eval -e words --html in-the-way.html

[[ $failures == 0 ]] || exit 1
echo "evaluations say what they should"
