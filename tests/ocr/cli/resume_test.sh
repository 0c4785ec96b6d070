#!/usr/bin/env bash
# A training that is interrupted and resumed ends with the bytes of one that was left alone.
# usage: resume_test.sh TALWEG SCRATCH_FOLDER
source "$(dirname "${BASH_SOURCE[0]}")/common.sh" "$1" "$2"
options=(--steps 60 --seed 3 --checkpoint-every 5 --quiet)

"$talweg" train "${options[@]}" -o whole.safetensors >/dev/null

# Ctrl-C as soon as the first checkpoint is there; a second run is killed outright.
for signal in INT KILL; do
  model=$signal.safetensors
  checkpoint=$signal.checkpoint.safetensors
  "$talweg" train "${options[@]}" -o $model >/dev/null 2>$signal.txt &
  pid=$!
  while [[ ! -e $checkpoint ]] && kill -0 $pid 2>/dev/null; do sleep 0.02; done
  kill -s $signal $pid
  status=0
  wait $pid || status=$?
  [[ $status != 0 ]] || { echo "FAILED: the run ended before $signal reached it"; exit 1; }
  [[ -e $checkpoint ]] || { echo "FAILED: no checkpoint after $signal"; exit 1; }
  [[ ! -e $model ]] || { echo "FAILED: a model was written in spite of $signal"; exit 1; }
  expect 2 'goes on as the run began, which --steps can' "$talweg" train --resume $checkpoint --steps 80 -o $model
  "$talweg" train --resume $checkpoint -o $model --threads 2 --quiet >/dev/null
  cmp whole.safetensors $model || { echo "FAILED: resumed after $signal, other bytes"; exit 1; }
  [[ ! -e $checkpoint ]] || { echo "FAILED: the checkpoint of a finished run stayed"; exit 1; }
done
grep -q "go on with: talweg train --resume 'INT.checkpoint.safetensors' -o 'INT.safetensors'" INT.txt ||
  { echo "FAILED: Ctrl-C did not say how to resume: $(cat INT.txt)"; exit 1; }
echo "resumed bit for bit"
