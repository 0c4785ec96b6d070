#!/usr/bin/env bash
# Looks for bytes that break a promise: builds the targets beside this file with libFuzzer,
# AddressSanitizer and UndefinedBehaviorSanitizer (clang), writes their seeds, runs each for a while
# and prints a table. What a target stumbles over is saved in build-fuzz/findings/TARGET, with its log.
# usage: fuzz.sh [TARGET...] [--seconds N] [--jobs N]   exit code 1 on a finding, 2 if misused
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
readonly build=build-fuzz cmake=${CMAKE:-cmake}

# A file of a few kB must not take more at once, whatever it promises.
readonly malloc_limit_mb=512 rss_limit_mb=2048 timeout_seconds=30

seconds=600
jobs=$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)
targets=()
all_targets() { for source in tests/fuzz/*_fuzz.cpp; do basename "$source" _fuzz.cpp; done; }

misused() {
  printf 'fuzz: %s\n' "$*" >&2
  exit 2
}

number() { [[ $1 =~ ^[1-9][0-9]*$ ]] || misused "'$1' is no number above 0"; }

while [[ $# -gt 0 ]]; do
  case $1 in
    --seconds | --jobs)
      [[ $# -gt 1 ]] || misused "$1 needs a number"
      number "$2"
      if [[ $1 == --jobs ]]; then jobs=$2; else seconds=$2; fi
      shift
      ;;
    *)
      [[ -f tests/fuzz/$1_fuzz.cpp ]] ||
        misused "there is no target '$1'; there are $(all_targets | tr '\n' ' ')"
      targets+=("$1")
      ;;
  esac
  shift
done
[[ ${#targets[@]} -gt 0 ]] || mapfile -t targets < <(all_targets)

configure_and_build() {
  local options=()
  if [[ ! -f $build/CMakeCache.txt ]]; then
    command -v ninja >/dev/null && options+=(-G Ninja)
    command -v ccache >/dev/null && options+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  fi
  "$cmake" --preset fuzz "${options[@]}" >&2
  "$cmake" --build $build --parallel "$jobs" --target "${targets[@]/#/test_fuzz_}" >&2
}

longest_input() {
  case $1 in
    expression) echo 600 ;;  # every character may be an op
    *) echo 4096 ;;
  esac
}

# run_target TARGET: leaves its row of the table in findings/TARGET/row.
run_target() {
  local corpus=$build/corpus/$1 findings=$build/findings/$1 program=$build/tests/fuzz/test_fuzz_$1
  rm -rf "$findings"
  mkdir -p "$corpus" "$findings/scratch"
  "$program" --write-corpus "$corpus"
  TMPDIR=$root/$findings/scratch UBSAN_OPTIONS=print_stacktrace=1 "$program" \
    -max_total_time="$seconds" -timeout=$timeout_seconds -max_len="$(longest_input "$1")" \
    -malloc_limit_mb=$malloc_limit_mb -rss_limit_mb=$rss_limit_mb -print_final_stats=1 \
    -artifact_prefix="$findings/" "$corpus" >"$findings/log" 2>&1 || true
  rm -rf "$findings/scratch"

  local found executions rate inputs
  found=$(find "$findings" -name 'crash-*' -o -name 'timeout-*' -o -name 'oom-*' -o -name 'leak-*' |
    wc -l)
  # A target that ended before its time, and left nothing, is a finding too.
  grep -q 'DONE' "$findings/log" || [[ $found != 0 ]] || found=1
  executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$findings/log")
  rate=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$findings/log")
  inputs=$(sed -n 's/.*corp: \([0-9]*\).*/\1/p' "$findings/log" | tail -n 1)
  printf '%-14s %11s %8s %7s %9s\n' "$1" "${executions:-?}" "${rate:-?}" "${inputs:-?}" "$found" \
    >"$findings/row"
}

configure_and_build
printf 'fuzz: %d targets, %d s each, %d at a time\n' "${#targets[@]}" "$seconds" "$jobs" >&2
for target in "${targets[@]}"; do
  while [[ $(jobs -rp | wc -l) -ge $jobs ]]; do wait -n; done
  run_target "$target" &
done
wait

printf '%-14s %11s %8s %7s %9s\n' target executions 'a second' corpus findings
status=0
for target in "${targets[@]}"; do
  cat $build/findings/"$target"/row
  [[ $(awk '{ print $NF }' $build/findings/"$target"/row) == 0 ]] || status=1
done
[[ $status == 0 ]] || printf 'fuzz: logs and inputs are in %s/findings\n' "$build" >&2
exit $status
