#!/usr/bin/env bash
# However many processes share a training, model, log and what is printed are those of one.
# usage: ranks_test.sh TALWEG SCRATCH_FOLDER
source "$(dirname "${BASH_SOURCE[0]}")/common.sh" "$1" "$2"

# same_for_all NAME "PROCESSES..." ARGUMENT...: one process, then so many.
same_for_all() {
  local name=$1 counts=$2 n
  shift 2
  mkdir -p "$name"
  "$talweg" train "$@" -o "$name/model.safetensors" --log "$name/one.jsonl" >"$name/one.txt" \
    2>"$name/one.err"
  mv "$name/model.safetensors" "$name/one.safetensors"
  for n in $counts; do
    job "$n" train "$@" -o "$name/model.safetensors" --log "$name/$n.jsonl" >"$name/$n.txt" \
      2>"$name/$n.err" || fail "$name: $n processes ended with $?: $(tail -n 3 "$name/$n.err")"
    cmp -s "$name/one.safetensors" "$name/model.safetensors" || fail "$name: $n processes, other bytes"
    cmp -s "$name/one.txt" "$name/$n.txt" || fail "$name: $n processes print: $(cat "$name/$n.txt")"
    cmp -s <(without_clock "$name/one.jsonl") <(without_clock "$name/$n.jsonl") ||
      fail "$name: $n processes, another log: $(head -n 1 "$name/$n.jsonl")"
    # Said once: findings, the plan, measurements.
    [[ $(grep -c ' parameters, ' "$name/$n.err") == 1 ]] || fail "$name: $n processes speak at once"
    rm "$name/model.safetensors"
  done
}

small=(--architecture net/4p-8p-8v-8-c16 --seed 3)
# A user's images, some kept to measure on, one of them faulty.
cp -r words mine
printf '' >mine/0005.png
same_for_all images "1 2 3 4" -t mine --bad-gt skip --part 0.7 --steps 30 --val-every 10 "${small[@]}" \
  --micro-batches 4
grep -c 'mine/0005.png' images/3.err | grep -qx 1 || fail "the faulty image was not named once"
# A font: single characters, then words; micro-batches that no number of processes divides.
same_for_all font "2 3" --steps 24 "${small[@]}" --micro-batches 5
# The reader's architecture, on words drawn in typefaces as scans show them.
find /usr/share/fonts -iname '*anonymous*pro*.ttf' >fonts.txt
printf 'river\nstone\nvalley\n' >list.txt
same_for_all reader "2 4" --font-dir fonts.txt --words list.txt --steps 3 --val-every 3 --micro-batches 4

# A time is measured by all together; how many steps it came to, process 0 tells the others.
job 2 train -t words --time 3s "${small[@]}" --micro-batches 2 -o timed.safetensors >out.txt 2>err.txt ||
  fail "--time with 2 processes: $(tail -n 3 err.txt)"
steps=$(sed -n 's/.*--steps \([0-9]*\) repeats.*/\1/p' err.txt)
"$talweg" train -t words --steps "$steps" "${small[@]}" --micro-batches 2 -o repeated.safetensors --quiet \
  >/dev/null
cmp -s timed.safetensors repeated.safetensors || fail "--steps $steps does not repeat --time 3s"

# What can't be meant is refused in one sentence.
refused() { # refused PATTERN PROCESSES ARGUMENT...
  local pattern=$1
  shift
  expect 2 "$pattern" job "$@"
  [[ $(grep -c "$pattern" out.txt) == 1 ]] || fail "said more than once: $pattern"
}
refused "5 processes can't share 4 micro-batches a step" 5 train -t words --micro-batches 4 -o none.safetensors
refused "2 processes can't share 1 micro-batch a step" 2 train -t words -o none.safetensors
refused 'give one of them' 2 train -t words --steps 3 --epochs 3 --micro-batches 2 -o none.safetensors
refused 'micro-batches' 2 train -t words --micro-batches 0 -o none.safetensors
refused 'done by one process' 2 train --load one.safetensors --charset-mode keep --calibrate -o none.safetensors
expect 0 'MPI: Open MPI' "$talweg" --version
finish "1 to 4 processes train the same bytes"
