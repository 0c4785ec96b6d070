#!/bin/sh
# Trains the reader as models/README.md tells: three runs, each beginning from the one before.
# usage: models/train.sh FOLDER     from the root of the sources; FOLDER/reader.safetensors is the result
set -eu
out=${1:?usage: models/train.sh FOLDER}
talweg=${TALWEG:-build/talweg}
base=net/24p-48p-96-128v-192-c256-w256

# train NAME OPTION...: with words drawn in the typefaces of models/fonts.txt
train() {
  name=$1
  shift
  "$talweg" train --font-dir models/fonts.txt --never models/fonts-never.txt \
    --font-weights models/fonts-weights.txt -o "$out/$name.safetensors" "$@"
}

mkdir -p "$out"
train letters --architecture $base/x2 --steps 36000
train words --load "$out/letters.safetensors" --architecture $base-r80d2-r80d4-r80d8/x2 \
  --lr 1.2e-3 --steps 16000
train reader --load "$out/words.safetensors" --lr 5e-4 --steps 8000 --seed 2
