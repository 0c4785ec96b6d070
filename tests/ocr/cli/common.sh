# What the program's tests share; to be sourced: `source common.sh TALWEG SCRATCH_FOLDER`. Leaves the
# caller in an empty scratch folder, with $talweg, fail and expect.
set -euo pipefail
talweg=$1
rm -rf "$2"
mkdir -p "$2"
cd "$2"
failures=0

fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

# expect CODE PATTERN COMMAND...: the exit code, and a pattern in stdout and stderr together.
expect() {
  local code=$1 pattern=$2 status=0
  shift 2
  "$@" >out.txt 2>&1 || status=$?
  [[ $status == "$code" ]] || fail "exit code $status, expected $code: $* ($(head -c 300 out.txt))"
  grep -q -- "$pattern" out.txt || fail "no '$pattern' in: $(head -c 300 out.txt) ($*)"
}
