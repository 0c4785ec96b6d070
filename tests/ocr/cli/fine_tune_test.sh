#!/usr/bin/env bash
# A trained model is taken further: on other letters, on images mixed with drawn words.
# usage: fine_tune_test.sh TALWEG SCRATCH_FOLDER
source "$(dirname "${BASH_SOURCE[0]}")/common.sh" "$1" "$2"
train() { "$talweg" train --seed 5 --quiet "$@"; }
letters() { "$talweg" inspect "$1" --json | sed -n 's/^ *"alphabet": "\(.*\)",$/\1/p' | head -n 1; }

"$talweg" render --random a-c:1-4 --count 40 --out words --quiet >/dev/null
"$talweg" render --random b-d0:1-4 --count 40 --out others --quiet >/dev/null
train -t words --steps 20 --architecture net/4p-8p-8v-8-c16 --topology ctc -o base.safetensors >/dev/null
[[ $(letters base.safetensors) == abc ]] || fail "the model reads '$(letters base.safetensors)'"

# keep: what the model can't read is named, with counts and places
expect 1 "'0' (U+0030), [0-9]* times in [0-9]* labels, first in others/labels.tsv:[0-9]" \
  "$talweg" train --load base.safetensors -t others --steps 4 -o x.safetensors
expect 1 'lacks 2 of the labels.* letters.*--charset-mode union' \
  "$talweg" train --load base.safetensors -t others --steps 4 -o x.safetensors
[[ ! -e x.safetensors ]] || fail "a refused training left a model behind"
train --load base.safetensors -t others --bad-gt skip --steps 4 -o kept.safetensors >/dev/null 2>&1
[[ $(letters kept.safetensors) == abc ]] || fail "keep did not keep '$(letters kept.safetensors)'"

# union, new; architecture and topology are the model's
expect 0 "new to base.safetensors: '0' (U+0030), 'd' (U+0064)" "$talweg" train --load base.safetensors \
  -t others --charset-mode union --steps 4 -o union.safetensors
[[ $(letters union.safetensors) == abc0d ]] || fail "union reads '$(letters union.safetensors)'"
expect 0 'topology      ctc' "$talweg" inspect union.safetensors
expect 0 'net/4p-8p-8v-8-c16' "$talweg" inspect union.safetensors
expect 0 "no longer read: 'a' (U+0061)" "$talweg" train --load base.safetensors -t others \
  --charset-mode new --steps 4 -o new.safetensors
[[ $(letters new.safetensors) == 0bcd ]] || fail "new reads '$(letters new.safetensors)'"

# resumed bit for bit, mixed with drawn words
mixed=(--load base.safetensors -t others --charset-mode union --font-dir fonts.txt --words list.txt
  --mix 0.7 --steps 12 --checkpoint-every 5)
find /usr/share/fonts -iname "*anonymous*pro*.ttf" >fonts.txt
printf 'abc\ncab\nbad\n' >list.txt
train "${mixed[@]}" -o whole.safetensors >/dev/null
"$talweg" train --seed 5 "${mixed[@]}" -o half.safetensors >/dev/null 2>half.txt &
pid=$!
while [[ ! -e half.checkpoint.safetensors ]] && kill -0 $pid 2>/dev/null; do sleep 0.02; done
kill -s INT $pid 2>/dev/null || true
wait $pid || true
if [[ -e half.checkpoint.safetensors ]]; then
  "$talweg" train --resume half.checkpoint.safetensors -o half.safetensors --quiet >/dev/null
fi
cmp whole.safetensors half.safetensors || fail "a mixed run resumed to other bytes"

# what contradicts itself
expect 2 'leave --topology out' "$talweg" train --load base.safetensors -t words --topology classic -o x.safetensors
expect 2 'leave --architecture out' \
  "$talweg" train --load base.safetensors -t words --architecture net/4p-8p-8v-8-c32 -o x.safetensors
expect 2 'give --load' "$talweg" train -t words --charset-mode union -o x.safetensors
expect 2 '--mix is the share' "$talweg" train -t words --mix 0.3 -o x.safetensors
expect 2 'give one' "$talweg" train --load base.safetensors --resume base.safetensors -o x.safetensors
expect 1 'no-such-file' "$talweg" train --load no-such-file -t words -o x.safetensors
[[ ! -e x.safetensors ]] || fail "a refused training left a model behind"

[[ $failures == 0 ]] || exit 1
echo "a model is taken further"
