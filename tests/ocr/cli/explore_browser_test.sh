#!/usr/bin/env bash
# The pages of talweg explore: small, of themselves, and in a browser: they load, the keys change what is
# shown, nothing goes wrong. The browser's part is skipped, with code 77, where there is no Chromium.
# usage: explore_browser_test.sh TALWEG SCRATCH_FOLDER
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/common.sh" "$1" "$2"
cp "$here/pictures/gray.png" valley.png
cp "$here/pictures/one-pixel.png" .
printf 'P5 1 400 255\n' >narrow.pgm
head -c 400 /dev/zero >>narrow.pgm
{
  printf 'P5 4000 40 255\n'
  head -c 160000 /dev/zero | tr '\0' '\376'
} >blank.pgm

expect 0 'word.html' "$talweg" explore valley.png --text volley -o word.html
expect 0 'many.html' "$talweg" explore valley.png blank.pgm one-pixel.png narrow.pgm -o many.html
expect 0 'odd.html' "$talweg" explore valley.png --text 'nаive</script>' -o odd.html
expect 2 'alternatives' "$talweg" explore valley.png --alternatives 0 -o none.html
expect 1 'missing.png: no such file' "$talweg" explore missing.png -o none.html
[[ ! -e none.html ]] || fail "a refused page was written"
[[ $(stat -c %s word.html) -lt 300000 ]] || fail "a word's page has $(stat -c %s word.html) bytes"
for page in word many odd; do
  tail -n 1 $page.html | grep -q '</html>' || fail "$page.html is not whole"
  # Pictures are data; nothing else is fetched.
  ! grep -oE '(src|href)="[^"]*"|url\([^)]*\)|fetch\(|import\(' $page.html | grep -v '="data:' ||
    fail "$page.html leads out of itself"
done
"$talweg" explore valley.png -o again.html --threads 1 >/dev/null
"$talweg" explore valley.png -o once-more.html --threads 2 >/dev/null
cmp -s again.html once-more.html || fail "1 and 2 threads write different pages"
[[ $failures == 0 ]] || exit 1

browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || {
  echo "SKIPPED: no Chromium on this machine; install it to test the pages of talweg explore"
  exit 77
}

# look PAGE WIDTH: loads it with #selftest, which walks through all of it and writes what it found.
look() {
  timeout 120 "$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$PWD/profile" \
    --window-size="$2",900 --enable-logging=stderr --virtual-time-budget=60000 --dump-dom \
    "file://$PWD/$1.html#selftest" >"$1.dom" 2>"$1.log"
  if grep -qF CONSOLE "$1.log"; then fail "$1 writes to the console: $(grep CONSOLE "$1.log")"; fi
  local found
  found=$(grep -o '<pre id="selftest">[^<]*' "$1.dom") || found="nothing"
  echo "$1 at $2 px: ${found#*>}"
  [[ $found == *"selftest passed: "* ]] || fail "$1 does not pass its own test: $found"
}
for page in word many odd; do
  for width in 1200 500; do look $page $width; done
done
grep -q 'valley | ' many.dom || fail "the pages do not show the word"

# The test must be able to fail: a script that is broken has to be noticed.
sed 's/function drawMap() {/function drawMap() { undefined_name();/' word.html >broken.html
(look broken 1200) >broken.out || true
grep -qF FAILED broken.out || fail "a broken page passes"

[[ $failures == 0 ]] || exit 1
echo "the pages show what they should"
