#!/usr/bin/env bash
# talweg tape from outside: pages, text and Dot of formulas and of training steps; formulas that it
# cannot read.
# usage: tape_test.sh TALWEG SCRATCH_FOLDER
source "$(dirname "${BASH_SOURCE[0]}")/common.sh" "$1" "$2"

formula='y = relu(w*x + b); l = (y-1)^2'
expect 0 '26 steps: page.html' \
  "$talweg" tape -e "$formula" --set w=2,x=3,b=-1 -o page.html --dot graph.dot
grep -q 'id="trace"' page.html || fail "no trace in the page"
! grep -qE '(src|href)="https?:' page.html || fail "the page needs the network"
grep -q 'n0 -> n3;' graph.dot || fail "no edge in the graph"
expect 0 'da = dy b = 8 · 3 = 24' "$talweg" tape -e "$formula" --set w=2,x=3,b=-1 --text
expect 0 'backward 2, from d output/dx' "$talweg" tape -e 'x^3' --set x=2 --order 2 --text

# A full training step, and its second derivative, in pages below 5 MB.
for order in 1 2; do
  expect 0 "steps: step$order.html" \
    "$talweg" tape --quiet --after 2 --order $order -o step$order.html
  grep -q 'block1.conv.weight' step$order.html || fail "parameters are not named"
  (($(wc -c <step$order.html) < 5000000)) || fail "step$order.html is larger than 5 MB"
done

expect 2 'column 5: there is no function .rellu.; did you mean relu' \
  "$talweg" tape -e 'y = rellu(w)' --set w=1
expect 2 'the way back starts from one number' "$talweg" tape -e 'l = x*2' --set 'x=[1,2]'
expect 2 'give it one with --set z=1' "$talweg" tape -e 'z + x' --set x=1
expect 2 'belong to an expression' "$talweg" tape --set x=1
expect 2 'order 1 or 2' "$talweg" tape --order 3
expect 2 'there is no variable .q.' "$talweg" tape -e 'x*x' --set x=1 --order 2 --by q
expect 1 'a file is in the way' "$talweg" tape -e 'x*x' --set x=1 -o page.html/x.html
[[ ! -e tape.html ]] || fail "a refused command left a page"

[[ $failures == 0 ]] || exit 1
echo "tapes are recorded and shown"
