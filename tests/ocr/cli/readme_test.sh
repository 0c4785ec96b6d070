#!/usr/bin/env bash
# The README's commands for a reader of one's own, run in its order on a few small images: fewer steps, a
# small model to begin from, two typefaces.
# usage: readme_test.sh TALWEG SCRATCH_FOLDER README
readme=$3
source "$(dirname "${BASH_SOURCE[0]}")/common.sh" "$1" "$2"
mkdir models bin
ln -s "$talweg" bin/talweg
PATH=$PWD/bin:$PATH
"$talweg" render --random a-d:1-4 --count 40 --out words --quiet >/dev/null
"$talweg" train -t words --charset a-c --bad-gt skip --steps 20 --architecture net/4p-8p-8v-8-c16 --topology ctc \
  --quiet -o models/reader.safetensors >/dev/null 2>&1
find /usr/share/fonts -iname '*anonymous*pro*.ttf' >fonts.txt

# The section's indented lines, continued ones joined, without their remarks.
awk '/^## /{inside = /Training a reader/} inside' "$readme" | grep '^    ' |
  sed -e ':a' -e '/\\$/{N;s/\\\n//;ba}' | sed -e 's/^ *//' -e 's/  *#.*//' >commands.txt
[[ $(wc -l <commands.txt) -ge 7 ]] || fail "the README has only $(wc -l <commands.txt) commands for training"
while IFS= read -r line; do
  line=${line/--time 20m/--steps 6}
  line=${line/\/usr\/share\/fonts/fonts.txt --words list.txt}
  [[ $line == *--steps* || $line == *--resume* ]] || line=${line/talweg train/talweg train --steps 6}
  printf 'cab\nbad\n' >list.txt
  if [[ $line == *--resume* ]]; then  # what it goes on with: a run that was stopped
    "$talweg" train -t words --steps 400 --architecture net/4p-8p-8v-8-c16 --checkpoint-every 3 --quiet \
      -o mine.safetensors >/dev/null 2>&1 &
    pid=$!
    while [[ ! -e mine.checkpoint.safetensors ]] && kill -0 $pid 2>/dev/null; do sleep 0.01; done
    kill -s INT $pid
    wait $pid || true
  fi
  bash -c "$line --quiet" >out.txt 2>&1 || fail "'$line' ended with $?: $(tail -n 1 out.txt)"
done <commands.txt
for file in run.jsonl run.png run.html mine.safetensors words/val.tsv; do
  [[ -s $file ]] || fail "the README's commands left no $file"
done

[[ $failures == 0 ]] || exit 1
echo "the README's commands for training work"
