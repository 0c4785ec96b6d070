#!/usr/bin/env bash
# talweg lab from outside: report and results, the same for the same seed; a fault that turns the
# verdict; names it does not know.
# usage: lab_test.sh TALWEG SCRATCH_FOLDER
source "$(dirname "${BASH_SOURCE[0]}")/common.sh" "$1" "$2"

expect 0 '^E4 .*holds' "$talweg" lab --out one --only noisy-labels
grep -q '<svg' one/index.html || fail "no figure in the report"
! grep -qE '(src|href)="https?:' one/index.html || fail "the report needs the network"
grep -q '"holds": true' one/results.json || fail "no result in results.json"

"$talweg" lab --out two --only E4 --quiet --threads 1 >out.txt 2>err.txt
[[ ! -s err.txt ]] || fail "--quiet printed: $(cat err.txt)"
cmp -s one/index.html two/index.html || fail "the same seed makes another report"
cmp -s one/results.json two/results.json || fail "the same seed makes other results"
"$talweg" lab --out three --only E4 --quiet --seed 2 >out.txt
! cmp -s one/results.json three/results.json || fail "another seed makes the same results"

expect 1 'REFUTED' "$talweg" lab --out four --only E4 --fault
grep -q '"holds": false' four/results.json || fail "results.json did not notice the fault"
expect 2 'E99.*noisy-labels' "$talweg" lab --out five --only E99
expect 2 'seed' "$talweg" lab --out five --only E4 --seed -1
expect 1 'a file is in the way' "$talweg" lab --out one/index.html --only E4
[[ ! -e five ]] || fail "a refused command left a folder"

[[ $failures == 0 ]] || exit 1
echo "the laboratory does what it says"
