#!/usr/bin/env bash
# talweg lm from outside: what it learns, shows and refuses.
# usage: lm_test.sh TALWEG SCRATCH_FOLDER
source "$(dirname "${BASH_SOURCE[0]}")/common.sh" "$1" "$2"

printf 'hello\nhelp\r\n\n  heap\nété\n' >words.txt
expect 0 'order 5 from 4 words, 8 letters' "$talweg" lm train words.txt -o words.lm
"$talweg" lm train words.txt -o bigrams.lm --order 2 --quiet >out.txt 2>&1 || fail "bigrams"
[[ ! -s out.txt ]] || fail "--quiet printed: $(cat out.txt)"
expect 0 'letters    8: aehlopté$' "$talweg" lm inspect words.lm
expect 0 'order      2' "$talweg" lm inspect bigrams.lm
expect 0 '^hello.*nats' "$talweg" lm inspect words.lm --word hello
expect 0 '^z.*never seen' "$talweg" lm inspect words.lm --word hez
"$talweg" lm train words.txt -o again.lm --quiet --threads 2
cmp -s words.lm again.lm || fail "the same words make another file"

# nats WORD: what a word costs
nats() { "$talweg" lm inspect words.lm --word "$1" | awk -F '\t' -v w="$1" '$1 == w { print $2 + 0 }'; }
awk -v a="$(nats hello)" -v b="$(nats olleh)" 'BEGIN { exit !(a > 0 && a < b) }' ||
  fail "hello costs $(nats hello), olleh $(nats olleh)"

expect 2 'subcommand is required' "$talweg" lm
expect 2 'order' "$talweg" lm train words.txt -o x.lm --order 9
expect 1 'missing.txt' "$talweg" lm train missing.txt -o x.lm
printf '\n \n' >blank.txt
expect 1 'holds no word' "$talweg" lm train blank.txt -o x.lm
printf 'ok\n\xff\n' >latin.txt
expect 1 'latin.txt:2: .*UTF-8' "$talweg" lm train latin.txt -o x.lm
expect 1 'is not a letter model' "$talweg" lm inspect words.txt
head -c 100 words.lm >cut.lm
expect 1 'is cut short or damaged' "$talweg" lm inspect cut.lm
[[ ! -e x.lm ]] || fail "a refused training left a file"

[[ $failures == 0 ]] || exit 1
echo "the letter model does what it says"
