#!/usr/bin/env bash
# A small demo: every file is there, the page needs no network, results do not depend on threads.
# usage: demo_test.sh TALWEG SCRATCH_FOLDER
source "$(dirname "${BASH_SOURCE[0]}")/common.sh" "$1" "$2"

for threads in 1 2 3; do
  "$talweg" demo --steps 30 --words 6 --out demo$threads --threads $threads --quiet >/dev/null
done
for file in results.json index.html model.safetensors; do
  cmp demo1/$file demo2/$file && cmp demo1/$file demo3/$file
done
for key in plain jitter noise by_length cer exact '"n"' seed; do
  grep -q "$key" demo1/results.json || { echo "FAILED: results.json has no $key"; exit 1; }
done
! grep -q seconds demo1/results.json || { echo "FAILED: results.json tells the time"; exit 1; }
grep -q training_seconds demo1/timings.json
# The only addresses on the page are names of XML namespaces.
! grep -oE '(src|href)="[^"#]*"' demo1/index.html | grep -vE '="data:' ||
  { echo "FAILED: the page refers to something outside"; exit 1; }
figures=$(grep -o '<figure' demo1/index.html | wc -l)
captions=$(grep -o '<figcaption' demo1/index.html | wc -l)
[[ $figures -ge 8 && $figures == "$captions" ]] ||
  { echo "FAILED: $figures figures, $captions captions"; exit 1; }
"$talweg" demo --steps 30 --words 6 --out warm --topology ctc --beta 0.3:inf --quiet >/dev/null
grep -q '"topology": "ctc"' warm/results.json && grep -q '"beta": "0.3:inf"' warm/results.json &&
  grep -q 'with beta 0.3:inf' warm/index.html || { echo "FAILED: the demo is not warm"; exit 1; }
"$talweg" read -m demo1/model.safetensors demo1/hello-plain.png >/dev/null
echo "the demo is whole"
