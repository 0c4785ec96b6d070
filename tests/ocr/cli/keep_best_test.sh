#!/usr/bin/env bash
# What a training from users' own images keeps, when it stops, and that a resumed one decides alike.
# usage: keep_best_test.sh TALWEG SCRATCH_FOLDER
source "$(dirname "${BASH_SOURCE[0]}")/common.sh" "$1" "$2"
options=(--seed 5 --architecture net/4p-8p-8v-8-c16 --topology ctc)
train() { "$talweg" train "${options[@]}" --quiet "$@"; }

"$talweg" render --random a-c:1-4 --count 40 --out words --quiet >/dev/null
"$talweg" render --random a-c:1-4 --count 30 --seed 2 --out others --quiet >/dev/null

# What is written is what was measured, and is called so.
expect 0 'kept the model of step' train -t words --val others --steps 60 --val-every 5 --lr 0.3 -o best.safetensors
best=$(sed -n 's/^CER \([0-9.]*\) %.*/\1/p' out.txt)
kept=$(sed -n 's/^kept the model of step \([0-9]*\),.*/\1/p' out.txt)
expect 0 "CER            $(printf '%.2f' "$best" | sed 's/\.*0*$//')" "$talweg" eval -m best.safetensors -e others
expect 0 "\"kept_step\":$kept," "$talweg" inspect best.safetensors
"$talweg" train "${options[@]}" -t words --val others --steps 60 --val-every 5 --lr 0.3 -o again.safetensors \
  >again.txt 2>again.log
cmp best.safetensors again.safetensors || fail "progress lines change the model"
least=$(sed -n 's/^step [0-9]*: .*CER \([0-9.]*\) %.*/\1/p' again.log | sort -n | head -n 1)
[[ $least == "$best" ]] || fail "kept CER $best, the least measured is $least"
grep -q "^step $kept: .*CER $least %" again.log || fail "step $kept is not the one of CER $least"

# Patience: stops, says so, and keeps the best; resumed, the same bytes.
stubborn=(-t words --val-share 0.3 --steps 4000 --val-every 4 --patience 3)
expect 0 'stopped early after step [0-9]* of 4000: 3 measurements without a lower CER' \
  train "${stubborn[@]}" -o whole.safetensors
[[ ! -e whole.checkpoint.safetensors ]] || fail "a run that stopped early left its checkpoint"
"$talweg" train "${options[@]}" --quiet "${stubborn[@]}" --checkpoint-every 6 -o half.safetensors >/dev/null 2>&1 &
pid=$!
while [[ ! -e half.checkpoint.safetensors ]] && kill -0 $pid 2>/dev/null; do sleep 0.01; done
kill -s INT $pid 2>/dev/null || true
wait $pid || true
if [[ -e half.checkpoint.safetensors ]]; then
  expect 0 'stopped early' "$talweg" train --resume half.checkpoint.safetensors -o half.safetensors --threads 2 --quiet
fi
cmp whole.safetensors half.safetensors || fail "resumed, another model was kept"

# A model that is taken further is measured first, and kept where nothing better comes: steps as wide as
# these spoil it.
spoil=(-t words --val others --load best.safetensors --lr 5 --steps 10)
expect 0 'kept the model of step 0, the best of' train "${spoil[@]}" -o kept.safetensors
"$talweg" read -m best.safetensors others >best.txt
"$talweg" read -m kept.safetensors others >kept.txt
cmp best.txt kept.txt || fail "the model of step 0 was not kept"
train "${spoil[@]}" --keep last -o spoilt.safetensors >/dev/null
"$talweg" read -m spoilt.safetensors others >spoilt.txt
cmp -s best.txt spoilt.txt && fail "--keep last kept another than the last"

# Drawn words alone: the last state, unless told otherwise.
"$talweg" train --seed 5 --steps 20 -o drawn.safetensors --quiet >drawn.txt
grep -q kept drawn.txt && fail "a run on drawn words kept another state than its last"
expect 0 'kept the model of step' "$talweg" train --seed 5 --steps 20 --keep best -o drawn.safetensors --quiet

# what contradicts itself
expect 2 'patience' train -t words --steps 4 --patience 0 -o none.safetensors
expect 2 'keep' train -t words --steps 4 --keep worst -o none.safetensors
expect 2 'val-share' train -t words --steps 4 --val-share 0.2 -p 0.8 -o none.safetensors
expect 1 'no image is left to measure on, as --patience asks for' \
  train -t words --steps 4 -p 1 --patience 2 -o none.safetensors
expect 1 'no-such-set' train -t words --steps 4 --val no-such-set -o none.safetensors
[[ ! -e none.safetensors ]] || fail "a refused training left a model behind"

[[ $failures == 0 ]] || exit 1
echo "the best is kept"
