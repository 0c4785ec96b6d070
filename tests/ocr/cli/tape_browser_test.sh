#!/usr/bin/env bash
# The pages of talweg tape in a browser: they load, every step changes what is shown, nothing goes
# wrong. Skipped, with code 77, where there is no Chromium.
# usage: tape_browser_test.sh <talweg> <scratch folder>
set -u
talweg=$1 work=$2
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || {
  echo "SKIPPED: no Chromium on this machine; install it to test the pages of talweg tape"
  exit 77
}
rm -rf "$work" && mkdir -p "$work" && cd "$work" || exit 1
failed=0
fail() { echo "FAILED: $1"; failed=1; }

# look <page>: loads it with #selftest, which steps through all of it and writes what it found.
look() {
  local page=$1
  timeout 120 "$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$work/profile" \
    --enable-logging=stderr --virtual-time-budget=60000 --dump-dom "file://$work/$page#selftest" \
    >"$page.dom" 2>"$page.log"
  if grep -qF CONSOLE "$page.log"; then fail "$page writes to the console:"; grep CONSOLE "$page.log"; fi
  local found
  found=$(grep -o '<pre id="selftest">[^<]*' "$page.dom") || found="nothing"
  echo "$page: ${found#*>}"
  case $found in
  *"selftest passed: "*) ;;
  *) fail "$page does not pass its own test" ;;
  esac
}

"$talweg" tape -e 'y = relu(w*x + b); l = (y-1)^2' --set w=2,x=3,b=-1 -o scalar.html >/dev/null &&
  "$talweg" tape -e 'sum((m @ v)^2)' --set 'm=[1,2;3,4],v=[1;-1]' --order 2 -o matrix.html >/dev/null &&
  "$talweg" tape --quiet --after 2 -o step.html >/dev/null || fail "the pages could not be made"
for page in scalar matrix step; do look $page.html; done

# The test must be able to fail: a script that is broken has to be noticed.
sed 's/function stateAt(i) {/function stateAt(i) { undefined_name();/' scalar.html >broken.html
(look broken.html) >broken.out
grep -qF FAILED broken.out || { echo "FAILED: a broken page passes"; exit 1; }
exit $failed
