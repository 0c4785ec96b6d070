#!/usr/bin/env bash
# The program from outside: render, train, read, eval, align, and what it says of bad input.
# usage: program_test.sh TALWEG SCRATCH_FOLDER
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/common.sh" "$1" "$2"

same() { cmp -s "$1" "$2" || fail "$1 and $2 differ"; }

# --- the same bytes for any number of threads ---
for threads in 1 2 3; do
  "$talweg" render --count 24 --variant noise --boxes --out "words$threads" --threads $threads --quiet >/dev/null
  "$talweg" train --steps 40 --seed 5 -o "model$threads.safetensors" --threads $threads --quiet >/dev/null
done
printf 'river\nstone\nunderstanding\n' >list.txt
for threads in 1 3; do
  "$talweg" render --font "Anonymous Pro" --words list.txt --text mix --augment scan --count 40 --boxes \
    --out "pages$threads" --threads $threads --quiet >/dev/null
done
diff -r pages1 pages3 >/dev/null || fail "1 and 3 threads draw different pages"
[[ $(wc -l <pages1/typefaces.tsv) == 41 ]] || fail "not every page names its typeface"
"$talweg" render --font "Anonymous Pro" --words list.txt --augment none --out listed --quiet >/dev/null
[[ $(cat listed/0002.gt.txt) == understanding ]] || fail "a listed word was not drawn as it is"
diff -r words1 words2 >/dev/null || fail "1 and 2 threads render different images"
diff -r words1 words3 >/dev/null || fail "1 and 3 threads render different images"
same model1.safetensors model2.safetensors
same model1.safetensors model3.safetensors

# --- there and back ---
model=model1.safetensors
"$talweg" render --count 24 --out words --quiet >/dev/null
text=$(cat words/0003.gt.txt)
expect 0 '' "$talweg" read -m $model words/0003.png
expect 0 'file.*text.*confidence.*energy' "$talweg" read -m $model -f tsv words
expect 0 '"characters"' "$talweg" read -m $model -f json words/0003.png
expect 0 'exact words' "$talweg" eval -m $model -e words
expect 0 '"cer"' "$talweg" eval -m $model -e words --json
expect 0 'CER            0 %' "$talweg" eval --pred words/labels.tsv -e words
expect 0 'status  ok' "$talweg" align -m $model words/0003.png --text "$text" -o path.png
[[ -s path.png ]] || fail "align wrote no figure"
expect 2 "--text can't be meant: .*byte 0xFF at offset 1" "$talweg" align -m $model words/0003.png --text $'a\xff'
expect 0 'status  ok' "$talweg" align -m $model words/0003.png --text "$text" --saliency saliency.png
[[ -s saliency.png ]] || fail "align wrote no saliency"
expect 2 '.png or .svg' "$talweg" align -m $model words/0003.png --text "$text" --saliency path.gif
expect 0 'bit for bit' "$talweg" memory --letters 8 --repeats 1 -o memory.svg
grep -q '<svg' memory.svg || fail "memory wrote no figure"
expect 0 'GFLOP/s measured' "$talweg" train --steps 3 --profile -o profiled.safetensors
expect 0 'F at beta 0.3: ' "$talweg" align -m $model words/0003.png --text "$text" --beta 0.3,1,inf -o path.svg
grep -q 'β = 0.3' path.svg || fail "the sweep shows no beta"
expect 0 '"beta": "inf"' "$talweg" align -m $model words/0003.png --text "$text" --beta 1,inf --json
expect 2 '.png or .svg' "$talweg" align -m $model words/0003.png --text "$text" -o path.gif
for beta in 0 -1 nan 1,0; do
  expect 2 'inverse temperature' "$talweg" align -m $model words/0003.png --text "$text" --beta $beta
done
expect 0 'net/16p-32p-64v-96-c128' "$talweg" inspect $model
expect 0 'block2.conv .* forward ' "$talweg" inspect $model
expect 0 'topology      classic' "$talweg" inspect $model
for topology in margins ctc; do
  "$talweg" train --steps 30 --topology $topology --beta 0.3:inf -o $topology.safetensors --quiet >/dev/null
  expect 0 "topology      $topology" "$talweg" inspect $topology.safetensors
  expect 0 'exact words' "$talweg" eval -m $topology.safetensors -e words
  expect 0 'status  ok' "$talweg" align -m $topology.safetensors words/0003.png --text "$text"
done
for beta in 0 -1 nan warm 2:1 1:; do
  expect 2 "'$beta' is no inverse temperature" "$talweg" train --steps 4 --beta $beta -o none.safetensors
done
for loss in nll hinge infonce; do
  expect 0 'exact words' "$talweg" train --steps 10 --loss $loss -o loss.safetensors
done
expect 2 'finite beta; at infinity it is the perceptron' "$talweg" train --steps 4 --loss nll --beta inf -o none.safetensors
expect 2 'take nll' "$talweg" train --steps 4 --loss perceptron --beta 1 -o none.safetensors
expect 2 'loss' "$talweg" train --steps 4 --loss regret -o none.safetensors
expect 2 'margin' "$talweg" train --steps 4 --loss hinge --margin 0 -o none.safetensors
expect 2 'margin' "$talweg" train --steps 4 --loss hinge --margin nan -o none.safetensors
expect 2 'log, which has none' "$talweg" train --steps 4 --loss log --margin 2 -o none.safetensors
expect 2 'log, which has none' "$talweg" train --steps 4 --loss log --margin 1 -o none.safetensors
expect 2 'negatives' "$talweg" train --steps 4 --loss infonce --negatives 0 -o none.safetensors
expect 2 'negatives is for infonce' "$talweg" train --steps 4 --loss hinge --negatives 7 -o none.safetensors
expect 2 'negatives is for infonce' "$talweg" train --steps 4 --loss hinge --negatives 4 -o none.safetensors
expect 2 'topology' "$talweg" train --steps 4 --topology knots -o none.safetensors
expect 0 'block1.conv .* forward direct, data direct, weights direct$' \
  "$talweg" train --steps 2 --conv-algo direct -o algo.safetensors
expect 0 'block2.conv .* forward wino2, data wino2, weights wino2$' \
  "$talweg" train --steps 2 --conv-algo wino2 -o algo.safetensors
expect 0 'block5.conv .* weights direct; wino4 is for 3x3' \
  "$talweg" train --steps 2 --conv-algo wino4 -o algo.safetensors
for algo in direct wino2 wino4 auto; do
  expect 0 "" "$talweg" read --conv-algo $algo -m $model words/0003.png
  expect 0 'exact words' "$talweg" eval --conv-algo $algo -m $model -e words
done
for command in "train -o none.safetensors" "read -m $model" "eval -m $model -e words" demo; do
  expect 2 'conv-algo.*fft' "$talweg" $command --conv-algo fft
done
expect 0 'mul .* ok' "$talweg" check mul
expect 0 'core/ops/elementwise.h' "$talweg" ops
expect 0 'gradient    dx = y [(]dy - sum_j dy_j y_j[)]' "$talweg" ops softmax
expect 0 'code        core/ops/conv2d.h:[0-9]' "$talweg" ops conv2d
expect 0 'second      none: it would be the third derivative' "$talweg" ops path_posterior
expect 0 'talweg [0-9]' "$talweg" --version
for command in demo render train read eval align inspect memory ops check; do
  expect 0 'Example' "$talweg" $command --help
done
# --- decoders: a lexicon and a letter model, and only where they are asked for ---
cut -f 2 words/labels.tsv | tail -n +2 >lexicon.txt
"$talweg" lm train lexicon.txt -o words.lm --quiet
"$talweg" read -m $model words --lexicon lexicon.txt | cut -f 2 >within.txt
[[ $(wc -l <within.txt) == 24 ]] || fail "a lexicon reads $(wc -l <within.txt) of 24 words"
! grep -vxFf lexicon.txt within.txt || fail "words outside the lexicon were read"
printf '%s\n' "$text" >only.txt
expect 0 "^$text\$" "$talweg" read -m $model words/0003.png --decoder lexicon --lexicon only.txt
expect 0 "^[^	]*	$text	1	.*	$text	1\$" \
  "$talweg" read -m $model words/0003.png -f tsv --lexicon only.txt --alternatives 1
expect 0 '"probability_over":"lexicon"' "$talweg" read -m $model words/0003.png -f json --lexicon only.txt
expect 0 '"probability_over":"all words"' "$talweg" read -m $model words/0003.png -f json
expect 0 '"probability_over":"all words of the allowed letters"' \
  "$talweg" read -m $model words/0003.png -f json --allow a-e
"$talweg" read -m $model words --allow a-e | cut -f 2 >allowed.txt
grep -q '[^a-e]' allowed.txt && fail "--allow a-e read other letters"
expect 2 "U+00E9" "$talweg" read -m $model words/0003.png --allow a-zé
expect 2 'occurs twice' "$talweg" read -m $model words/0003.png --allow aa
expect 0 '"decoder":"beam"' "$talweg" read -m $model words/0003.png -f json --lm words.lm --beam 8
expect 0 'text3	probability3$' "$talweg" read -m $model words/0003.png -f tsv --alternatives 3
expect 0 'exact words' "$talweg" eval -m $model -e words --lm words.lm --lm-weight 2 --lexicon lexicon.txt
"$talweg" read -m $model words/0003.png --lm words.lm --lm-weight 0 --beam 500 >weightless.txt
"$talweg" read -m $model words/0003.png --decoder exact >exact.txt
same weightless.txt exact.txt
for options in "--decoder lexicon" "--decoder beam" "--decoder exact --lm words.lm" \
  "--decoder classic --lexicon only.txt" "--decoder lexicon --lexicon only.txt --lm words.lm"; do
  expect 2 "--decoder" "$talweg" read -m $model words/0003.png $options
done
expect 2 'ask for one with' "$talweg" read -m $model words/0003.png --alternatives 3
expect 2 'lm-weight' "$talweg" read -m $model words/0003.png --lm words.lm --lm-weight -1
printf 'ab\n\nnaïve\ncafé\n' >foreign.txt
: >nothing.txt
expect 1 'in line 3' "$talweg" read -m $model words/0003.png --lexicon foreign.txt
expect 1 'U+00E9' "$talweg" read -m $model words/0003.png --lexicon foreign.txt
expect 1 'holds no word' "$talweg" read -m $model words/0003.png --lexicon nothing.txt
expect 1 'missing.txt' "$talweg" read -m $model words/0003.png --lexicon missing.txt
expect 1 'lexicon.txt' "$talweg" read -m $model words/0003.png --lm lexicon.txt
# --- rejects ---
expect 0 '24 of 24 readings are rejected' "$talweg" read -m $model words --min-confidence 1
expect 0 '^[^	]*		0[.0-9]*	[^	]*	rejected	' "$talweg" read -m $model words -f tsv --min-confidence 1
expect 0 '"rejected_text":"[a-z]' "$talweg" read -m $model words -f json --min-confidence 1
expect 0 "^$text\$" "$talweg" read -m $model words/0003.png --min-confidence 0 --lexicon only.txt
# --- page formats, as an XML parser and readers of them see them ---
mkdir pages
cp words/0000.png 'pages/a "b" & <c>.png'
cp words/0001.png pages/$'\xff.png'
cp words/0002.png words/0003.png pages
printf '%s\n' "$text" >>lexicon.txt
for format in hocr alto; do
  "$talweg" read -m $model -f $format pages >pages.$format 2>/dev/null
  "$talweg" read -m $model -f $format pages --min-confidence 1 >rejected.$format 2>/dev/null
  "$talweg" read -m $model -f $format words/0003.png >one.$format
done
"$talweg" read -m $model pages 2>/dev/null | cut -f 2 >pages.txt
if command -v python3 >/dev/null; then
  python3 "$here/page_formats.py" pages.txt 4 pages.hocr pages.alto || fail "page formats: pages"
  python3 "$here/page_formats.py" /dev/null 4 rejected.hocr rejected.alto || fail "page formats: rejects"
  python3 "$here/page_formats.py" <("$talweg" read -m $model words/0003.png) 1 one.hocr one.alto ||
    fail "page formats: one"
fi
grep -q '<fileName>words/0003.png</fileName>' one.alto || fail "ALTO does not name its only image"

# A word's reading does not depend on its mates.
"$talweg" read -m $model -f tsv words/0003.png >alone.txt 2>/dev/null
"$talweg" read -m $model -f tsv words 2>/dev/null | grep -E '^file|words/0003.png' >among.txt
same alone.txt among.txt
find words -name '*.png' | sort | "$talweg" read -m $model - >streamed.txt 2>/dev/null
"$talweg" read -m $model words >folder.txt 2>/dev/null
same streamed.txt folder.txt
# Who writes names one by one gets an answer to each.
coproc reader { "$talweg" read -m $model - 2>/dev/null; }
for i in 0000 0001; do
  echo words/$i.png >&"${reader[1]}"
  read -r -t 60 answer <&"${reader[0]}" || fail "no answer to $i before the end of the input"
  [[ $answer == words/$i.png* ]] || fail "the answer to $i is '$answer'"
done
exec {reader[1]}>&-
wait "$reader_PID" || fail "a streamed reading ended with $?"
printf 'P5 600 500 255\n' >page.pgm
head -c 300000 /dev/zero >>page.pgm
expect 0 'page.pgm: 600 x 500 px look like a page' "$talweg" read -m $model page.pgm
expect 0 'page-sized' "$talweg" read -m $model page.pgm -f tsv --quiet
# --- the model that comes with the program, or is named in the environment ---
expect 0 "^$("$talweg" read -m $model words/0003.png)\$" env TALWEG_MODEL=$model "$talweg" read words/0003.png
expect 1 'gone.safetensors' env TALWEG_MODEL=gone.safetensors "$talweg" read words/0003.png
expect 0 'exact words' env TALWEG_MODEL=$model "$talweg" eval -e words
expect 0 'status  ok' env TALWEG_MODEL=$model "$talweg" align words/0003.png --text "$text"
mkdir -p prefix/bin prefix/share/talweg tree/build tree/models
ln "$talweg" prefix/bin/talweg 2>/dev/null || cp "$talweg" prefix/bin/talweg
cp prefix/bin/talweg tree/build
expect 1 'no model is at hand: .* name one with -m' env -u TALWEG_MODEL prefix/bin/talweg read words/0003.png
cp $model prefix/share/talweg/reader.safetensors
cp $model tree/models/reader.safetensors
for program in prefix/bin/talweg tree/build/talweg; do
  expect 0 "^$("$talweg" read -m $model words/0003.png)\$" env -u TALWEG_MODEL $program read words/0003.png
done

# --- bad input: one sentence, the right exit code, nothing half-written ---
: >empty.png
head -c 60 words/0000.png >truncated.png
echo text >text.png
expect 1 'missing.png: no such file' "$talweg" read -m $model missing.png
expect 1 'empty' "$talweg" read -m $model empty.png
expect 1 'truncated' "$talweg" read -m $model truncated.png
expect 1 'not a picture' "$talweg" read -m $model text.png
mkdir mixed
cp words/0000.png words/0001.png text.png mixed
expect 1 'mixed/0001.png' "$talweg" read -m $model mixed
expect 2 'give one of them' "$talweg" render --augment scan --variant noise --out none
expect 2 'leave --random out' "$talweg" render --augment scan --text mix --random a-z:3 --out none
expect 2 'give one of them' "$talweg" render --augment scan --text words --out none
expect 1 'no-such-file' "$talweg" render --augment scan --never no-such-file --out none
expect 1 'no font' "$talweg" render --font no-such-font --out none
expect 1 'U+4E00' "$talweg" render --random 一:2 --out none
[[ ! -e none ]] || fail "a failed render left its folder behind"
expect 2 'did you mean exp' "$talweg" check ecp
expect 2 'did you mean softmax' "$talweg" ops sofmax
expect 2 '' "$talweg" no-such-command
expect 2 'give one of them' "$talweg" train --steps 10 --time 10s -o x.safetensors
head -c 4000 $model >short.safetensors
expect 1 'truncated' "$talweg" read -m short.safetensors words/0000.png
expect 1 'not a safetensors file' "$talweg" inspect words/0000.png
sed 's/talweg.version":"1"/talweg.version":"7"/' $model >other.safetensors
expect 1 'another version; expected 1, found 7' "$talweg" inspect other.safetensors
expect 1 'too short' "$talweg" align -m $model words/0000.png --text abcdefghijklmnopqrstuvwxyz
expect 1 'U+00E9' "$talweg" align -m $model words/0000.png --text é
expect 1 'empty label' "$talweg" align -m $model words/0000.png --text ''
expect 1 'a file is in the way' "$talweg" train --steps 10 -o words/0000.png/model.safetensors
expect 1 'a file is in the way' "$talweg" demo --out words/0000.png
mkdir nothing
"$talweg" read -m $model -f json nothing >out.txt 2>/dev/null && fail "an empty folder was read"
[[ ! -s out.txt ]] || fail "a refused read printed: $(cat out.txt)"
cp words/0000.png $'mixed/\xff.png'
status=0
"$talweg" read -m $model -f json mixed >out.txt 2>/dev/null || status=$?
[[ $status == 1 && $(tail -n 1 out.txt) == ']' ]] || fail "JSON of a mixed folder is not whole: $(cat out.txt)"
"$talweg" read -m $model -f json words/0000.png nothing >out.txt 2>/dev/null && fail "an empty folder was read"
[[ $(tail -n 1 out.txt) == ']' ]] || fail "JSON before a fault is not whole: $(cat out.txt)"
printf '0000.png\t\xff\n' >latin.tsv
expect 1 'latin.tsv:1: .*not UTF-8' "$talweg" eval --pred latin.tsv -e words
expect 0 'file size ' "$talweg" inspect $model
mkdir faulty
for i in 0 1 2 3; do cp words/000$i.png faulty/$i.png; done
: >faulty/0.gt.txt
echo 'aö' >faulty/1.gt.txt
echo abcdefghijklmnopqrstuvwxyzabcdefghij >faulty/2.gt.txt
cp words/0003.gt.txt faulty/3.gt.txt
expect 1 'faulty/0.gt.txt:1: .*empty' "$talweg" train -t faulty --charset a-z -o x.safetensors --steps 4
expect 1 "faulty/1.gt.txt:1: .*'ö' (U+00F6)" "$talweg" train -t faulty --charset a-z -o x.safetensors --steps 4
expect 1 'faulty/2.gt.txt:1: .*needs 72 windows' "$talweg" train -t faulty --charset a-z -o x.safetensors --steps 4
[[ ! -e x.safetensors ]] || fail "a refused training left a model behind"
expect 1 'faulty/2.gt.txt:1: .*needs 36 windows' "$talweg" train -t faulty --charset a-z -o x.safetensors --steps 4 --topology ctc
expect 0 'too long for their image: 1' "$talweg" train -t faulty --charset a-z -o x.safetensors --steps 4 --bad-gt skip

[[ $failures == 0 ]] || exit 1
echo "the program does what it says"
