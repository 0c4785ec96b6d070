#!/usr/bin/env bash
# Reading from stdin as a stream: every answer comes before the next path is waited for, in order, and
# memory stays what it was however many images there are.
# usage: stream_test.sh TALWEG SCRATCH_FOLDER [LINES [MODEL]]
source "$(dirname "${BASH_SOURCE[0]}")/common.sh" "$1" "$2"
lines=${3:-20000}
model=${4:-}
"$talweg" render --random a-d:1-8 --count 8 --variant noise --out words --quiet >/dev/null
if [[ -z $model ]]; then
  model=small.safetensors
  "$talweg" train -t words --part 1 --steps 30 --architecture net/4p-8p-8v-8-c16 --quiet -o $model \
    >/dev/null
fi
images=(words/*.png)
wait_seconds=120

# --- who writes one path and waits for its answer gets it, in every format that streams ---
for format in txt tsv jsonl; do
  coproc reader { exec "$talweg" read -m "$model" -f $format - 2>err.txt; }
  exec 3>&"${reader[1]}" 4<&"${reader[0]}"
  header=$([[ $format == tsv ]] && echo 1 || echo 0)
  for image in "${images[@]}" "${images[0]}"; do
    echo "$image" >&3
    if [[ $header == 1 ]]; then
      read -r -t $wait_seconds answer <&4 || fail "$format: no header for $image"
      header=0
    fi
    read -r -t $wait_seconds answer <&4 || fail "$format: no answer for $image"
    [[ $answer == *"$image"* ]] || fail "$format: for $image, '$answer'"
  done
  if [[ $format == jsonl ]]; then # a path that can't be read is answered too
    echo words/none.png >&3
    read -r -t $wait_seconds answer <&4 || fail "no answer for a file that is not there"
    [[ $answer == '{"file":"words/none.png","error":"words/none.png: no such file'* ]] ||
      fail "for a missing file: '$answer'"
  fi
  pid=$reader_PID
  exec 3>&- 4<&-
  eval "exec ${reader[1]}>&-"
  status=0
  wait "$pid" || status=$?
  [[ $status == $([[ $format == jsonl ]] && echo 1 || echo 0) ]] ||
    fail "$format: exit code $status at the end of the input: $(cat err.txt)"
done

# --- lines in a burst, some of them no images, are answered in order ---
for i in {1..50}; do
  printf '%s\nwords/none%d.png\n%s\n' "${images[i % 8]}" "$i" "${images[(i + 3) % 8]}"
done >burst.txt
"$talweg" read -m "$model" -f jsonl - <burst.txt >burst.jsonl 2>err.txt && fail "missing files went unnoticed"
sed 's/^{"file":"\([^"]*\)".*/\1/' burst.jsonl | cmp -s - burst.txt || fail "answers out of order"
"$talweg" read -m "$model" - <burst.txt >burst.tsv 2>err.txt && fail "missing files went unnoticed"
cut -f 1 burst.tsv | cmp -s - <(grep -v none burst.txt) || fail "texts out of order"
head -c 3000000 /dev/zero | tr '\0' x | { expect 1 'is no path' "$talweg" read -m "$model" -; cat >/dev/null; }

# --- a list in parts, a process each, as the README has it ---
printf '%s\n' "${images[@]}" >list.txt
"$talweg" read -m "$model" -f jsonl - <list.txt >whole.jsonl
export talweg model
seq 3 | xargs -P 3 -I% sh -c \
  'split -n l/%/3 list.txt | "$talweg" read -m "$model" --threads 1 -f jsonl - >part%.jsonl'
cat part?.jsonl | cmp -s - whole.jsonl || fail "the parts are not the whole"

# --- memory ---
# lines_out COUNT: waits until so many lines came out.
lines_out() {
  until (($(wc -l <read.txt) >= $1)); do
    kill -0 "$pid" 2>/dev/null || { fail "the reader ended early: $(cat err.txt)"; return; }
    sleep 0.05
  done
}
most_memory() { sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status"; }

if [[ -r /proc/self/status ]]; then
  mkfifo names
  "$talweg" read -m "$model" -f tsv - <names >read.txt 2>err.txt &
  pid=$!
  exec 3>names
  some() { for ((i = $1; i < $2; ++i)); do echo "${images[i % 8]}"; done >&3; }
  some 0 1000
  lines_out 1001
  before=$(most_memory)
  some 1000 "$lines"
  lines_out $((lines + 1))
  after=$(most_memory)
  exec 3>&-
  wait $pid || fail "exit code $?"
  ((after - before <= 4096)) || fail "$before kB after 1000 images, $after kB after $lines"
  echo "VmHWM after 1000 images $before kB, after $lines $after kB"
fi

[[ $failures == 0 ]] || exit 1
echo "reading streams: answers as paths come, in order, in constant memory"
