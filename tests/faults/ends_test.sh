#!/usr/bin/env bash
# What ends a program before its work is done: files that vanish, pipes that close, signals, and another
# program at the same place. Each is said in a sentence, with an exit code, and leaves nothing half-done.
# usage: ends_test.sh TALWEG SCRATCH_FOLDER
source "$(dirname "${BASH_SOURCE[0]}")/common.sh" "$1" "$2"
model=whole.safetensors

# --- a file that vanishes, or is cut off, while images are read ---
mkfifo names
"$talweg" read -m $model - <names >read.txt 2>err.txt &
pid=$!
exec 3>names
cp words/0001.png gone.png
head -c 150 words/0001.png >cut.png
echo words/0000.png >&3
wait_for $pid test -s read.txt # the first is out before the others are asked for
rm gone.png
printf '%s\n' gone.png cut.png words/0003.png >&3
exec 3>&-
ended $pid
[[ $status == 1 ]] || fail "exit code $status after a file vanished"
[[ $(cut -f 1 read.txt | tr '\n' ' ') == "words/0000.png words/0003.png " ]] ||
  fail "the images beside a lost one were not read: $(cat read.txt)"
grep -q 'gone.png: no such file' err.txt || fail "no word of the lost file: $(cat err.txt)"
grep -q 'cut.png: ' err.txt || fail "no word of the cut file: $(cat err.txt)"

# --- ... or while they are trained on ---
cp -r words lost
"$talweg" train "${small[@]}" -t lost --steps 200 "${often[@]}" -o lost.safetensors --quiet \
  >/dev/null 2>err.txt &
pid=$!
frozen $pid test -e lost.checkpoint.safetensors
mv lost kept
thawed $pid
ended $pid
if [[ $status == 0 ]]; then # they were all in memory
  [[ ! -e lost.checkpoint.safetensors ]] || fail "the checkpoint of a finished run stayed"
else
  grep -q 'lost/.*no such file.*the last checkpoint is lost.checkpoint' err.txt ||
    fail "no word of lost images: $(cat err.txt)"
  expect 1 'lost: ' "$talweg" train --threads 1 --resume lost.checkpoint.safetensors -o lost.safetensors
  mv kept lost
  expect 0 'model: ' "$talweg" train --threads 1 --resume lost.checkpoint.safetensors -o lost.safetensors
fi

# --- a reader of the output that has seen enough, and a disk without room for it ---
closed() { # closed PATTERN COMMAND...: its first line, and what it says when the rest can't go out
  local pattern=$1 codes
  shift
  "$@" 2>err.txt | head -n 1 >first.txt
  codes=("${PIPESTATUS[@]}")
  grep -q "$pattern" first.txt || fail "no '$pattern' first: $(cat first.txt) ($*)"
  [[ ${codes[0]} == 1 ]] || fail "exit code ${codes[0]} after its pipe closed: $*"
  grep -q "output can't be written" err.txt || fail "no word of the closed pipe: $(cat err.txt) ($*)"
  (($(wc -l <err.txt) == 1)) || fail "more than one sentence: $(cat err.txt) ($*)"
}
set +o pipefail
for _ in {1..200}; do ls words/*.png; done >many.txt # 4800 images, more than a pipe holds
closed '^words/0000.png	' timeout 60 "$talweg" read -m $model -f txt - <many.txt
set -o pipefail
if [[ -e /dev/full ]]; then
  for command in "read -m $model words" "inspect $model" "ops"; do
    status=0
    "$talweg" $command >/dev/full 2>err.txt || status=$?
    [[ $status == 1 ]] || fail "exit code $status on a full disk: $command"
    grep -q "output can't be written" err.txt || fail "no word of the full disk: $(cat err.txt)"
  done
fi

# --- signals ---
for signal in INT TERM; do
  "$talweg" train "${training[@]}" "${often[@]}" -o $signal.safetensors >/dev/null 2>err.txt &
  pid=$!
  wait_for $pid test -e $signal.checkpoint.safetensors
  kill -s $signal $pid
  ended $pid
  [[ $status == 1 ]] || fail "exit code $status after SIG$signal"
  grep -q 'interrupted at step .*; go on with: talweg train --resume' err.txt ||
    fail "SIG$signal: $(tail -n 1 err.txt)"
  nothing_left .
  expect 0 'model: ' "$talweg" train --threads 1 --resume $signal.checkpoint.safetensors -o $signal.safetensors
  same_as_whole $signal.safetensors

  "$talweg" render --count 100000 --out pictures_$signal --quiet >/dev/null 2>err.txt &
  pid=$!
  wait_for $pid test -e pictures_$signal/00100.png
  kill -s $signal $pid
  ended $pid
  [[ $status == 1 ]] || fail "render: exit code $status after SIG$signal"
  grep -q 'interrupted after [0-9]* of 100000 images' err.txt || fail "render: $(cat err.txt)"
  [[ ! -e pictures_$signal/labels.tsv ]] || fail "SIG$signal left labels of half a set"
  nothing_left pictures_$signal
done

# --- two programs at one place ---
refused() { # refused PID COMMAND...: names who is there, and disturbs nothing
  expect 1 "another talweg (process $1) is writing there; wait until it ends" "${@:2}"
}
mkdir there
ln -s ../there/model.safetensors words/link.safetensors
: >there/model.safetensors
"$talweg" train "${training[@]}" "${often[@]}" -o there/model.safetensors --quiet >/dev/null 2>err.txt &
pid=$!
frozen $pid test -e there/model.checkpoint.safetensors
for name in there/model.safetensors words/../there/model.safetensors words/link.safetensors; do
  refused $pid timeout 60 "$talweg" train "${training[@]}" -o $name
done
"$talweg" train "${small[@]}" -t words --steps 2 -o there/other.safetensors --quiet >/dev/null ||
  fail "another model in the same folder was refused"
thawed $pid
ended $pid
[[ $status == 0 ]] || fail "the first of two ended with $status: $(cat err.txt)"
same_as_whole there/model.safetensors
nothing_left there

"$talweg" render --count 100000 --out both --quiet >/dev/null 2>&1 &
pid=$!
wait_for $pid test -e both/00010.png
for command in "render --count 3" "demo --steps 10 --words 1" "lab --only collapse"; do
  refused $pid timeout 60 "$talweg" $command --out both
done
kill -KILL $pid # and its lock goes with it
ended $pid
expect 0 '3 images' "$talweg" render --count 3 --out both
nothing_left both
finish "vanished files, closed pipes, signals, two programs at one place: all answered"
