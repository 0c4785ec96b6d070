#!/usr/bin/env bash
# What a training leaves behind: a log, a picture of its curve, a page, calibrated confidences.
# usage: records_test.sh TALWEG SCRATCH_FOLDER
source "$(dirname "${BASH_SOURCE[0]}")/common.sh" "$1" "$2"
small=(--seed 5 --architecture net/4p-8p-8v-8-c16 --topology ctc)
options=("${small[@]}" --steps 60 --val-every 10)
train() { "$talweg" train "${options[@]}" --quiet "$@"; }
# Everything of a log that does not depend on the clock.
timeless() { sed 's/,"seconds":.*//' "$1"; }

"$talweg" render --random a-c:1-4 --count 160 --out words --quiet >/dev/null
records=(--log run.jsonl --curve curve.png --report report.html)
expect 0 'report: report.html' train -t words --val-share 0.7 "${records[@]}" -o whole.safetensors
[[ $(wc -l <run.jsonl) == 6 ]] || fail "6 measurements left $(wc -l <run.jsonl) lines"
grep -q '^{"step":10,"words":[0-9]*,"loss":[0-9.]*,"cer":[0-9.]*,"exact":[0-9.]*,"lr":[0-9.e-]*,"seconds":[0-9.e-]*,"words_per_second":[0-9.]*}$' \
  run.jsonl || fail "the first line is not a measurement: $(head -n 1 run.jsonl)"
head -c 4 curve.png | grep -q PNG || fail "the curve is no picture"
for part in '<svg' 'Learning' 'Confusions' 'Worst words' 'whole.safetensors' 'net/4p-8p-8v-8-c16'; do
  grep -q -- "$part" report.html || fail "the report has no $part"
done
grep -q 'src="http' report.html && fail "the report needs the network"
expect 0 'reading_beta  *[0-9]' "$talweg" inspect whole.safetensors
train -t words --val-share 0.7 --curve curve.svg -o plain.safetensors >/dev/null
grep -q '<svg' curve.svg || fail "the curve is no SVG"
cmp whole.safetensors plain.safetensors || fail "records change the model"

# Resumed: the lines so far, those behind the checkpoint dropped, then the rest.
long=(-t words --val-share 0.7 --checkpoint-every 15)
"$talweg" train "${options[@]}" --quiet "${long[@]}" --log half.jsonl -o half.safetensors >/dev/null 2>half.txt &
pid=$!
while [[ ! -e half.checkpoint.safetensors ]] && kill -0 $pid 2>/dev/null; do sleep 0.01; done
kill -s INT $pid 2>/dev/null || true
wait $pid || true
if [[ -e half.checkpoint.safetensors ]]; then
  grep -q -- "-o 'half.safetensors' --log 'half.jsonl'" half.txt || fail "not told how to go on: $(cat half.txt)"
  echo '{"step":59,"words":0}' >>half.jsonl
  "$talweg" train --resume half.checkpoint.safetensors --log half.jsonl -o half.safetensors --quiet >/dev/null
fi
cmp whole.safetensors half.safetensors || fail "resumed to other bytes"
cmp <(timeless run.jsonl) <(timeless half.jsonl) || fail "a resumed log differs"

# Nothing to measure on: the loss alone. A forecast comes before a run that is long enough.
expect 0 'model: ' train -t words -p 1 --log bare.jsonl --report bare.html -o bare.safetensors
grep -q '"cer":null,"exact":null' bare.jsonl || fail "no null where nothing was measured"
expect 0 'forecast: 100 steps take about [0-9:]* ([0-9.e-]* s a step), about [0-9.]* MB' \
  "$talweg" train -t words --steps 100 --architecture net/4p-8p-8v-8-c16 -o forecast.safetensors
"$talweg" train -t words --steps 100 --architecture net/4p-8p-8v-8-c16 -o quiet.safetensors --quiet >/dev/null
cmp forecast.safetensors quiet.safetensors || fail "a forecast changes the model"

# A model taken further on few words keeps its temperature; so does an interrupted run of it.
beta() { "$talweg" inspect "$1" | sed -n 's/^reading_beta  *//p'; }
"$talweg" train "${small[@]}" -t words -p 0.95 --load whole.safetensors --steps 4 -o further.safetensors \
  --quiet >/dev/null
[[ -n $(beta whole.safetensors) && $(beta further.safetensors) == $(beta whole.safetensors) ]] ||
  fail "the temperature '$(beta whole.safetensors)' became '$(beta further.safetensors)'"
[[ -z $(beta bare.safetensors) ]] || fail "a temperature was fitted on nothing"
expect 0 '' "$talweg" read -m bare.safetensors words/0000.png

# Confidences alone: the parameters stay, and what the file says of its training.
expect 0 'reading_beta [0-9]' train -t words --val-share 0.7 --load bare.safetensors --calibrate -o fitted.safetensors
[[ $(beta fitted.safetensors) == [0-9]* ]] || fail "--calibrate fitted nothing"
"$talweg" read -m bare.safetensors words | cut -f 2 >bare.txt
"$talweg" read -m fitted.safetensors words | cut -f 2 >fitted.txt
cmp bare.txt fitted.txt || fail "--calibrate changed what is read"
diff <("$talweg" inspect bare.safetensors) <("$talweg" inspect fitted.safetensors) | grep '^[<>]' |
  grep -v 'safetensors\|reading_beta\|file size' && fail "--calibrate changed more than the temperature"
expect 1 'at least 100 words, and 8 are kept back' \
  train -t words -p 0.95 --load bare.safetensors --calibrate -o none.safetensors
expect 2 'name it with --load' train -t words --calibrate -o none.safetensors

# what can't be
expect 2 '.png or .svg' train -t words --curve curve.gif -o none.safetensors
expect 1 'a file is in the way' train -t words --log run.jsonl/log -o none.safetensors
expect 1 'is a folder' train -t words --report words -o none.safetensors
[[ ! -e none.safetensors ]] || fail "a refused training left a model behind"

[[ $failures == 0 ]] || exit 1
echo "the records tell of the run"
