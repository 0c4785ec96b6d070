#!/usr/bin/env bash
# Do the tests notice? Each record of the *.txt files beside this script is one small wrong change of
# the sources and the test that must fail on it. In a copy of the tree each is made, the test's
# program built, that test run, and the change taken back.
# usage: mutate.sh [NAME...]   all records, or those named (a room's name, as "core", names all of it)
#        mutate.sh --list      the records: room, name, file, test
#        mutate.sh --check     nothing is built: every text to be replaced stands in its file exactly
#                              once, and every test named exists
# Exit code: 0 all caught, 1 not all, 2 misused. README.md says what a record looks like.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
source "$here/records.sh"

readonly work=build-mutations tree=build-mutations/tree objects=build-mutations/tree/build
readonly cmake=${CMAKE:-cmake} limit=${TALWEG_MUTATION_SECONDS:-900}
jobs=$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)

# --- the copy ------------------------------------------------------------------------------------------

# Only what differs is copied, so that a second run builds what has changed since the first. Time stamps
# are those of the copying: an object of a changed source is never taken for one of the source restored.
copy_tree() {
  mkdir -p "$tree"
  local parts=(CMakeLists.txt LICENSE README.md run cmake core nn ebm ocr bench tests models) file
  find "${parts[@]}" -type f ! -path '*/.*' | sort >"$work/files"
  (cd "$tree" && find . -path ./build -prune -o -type f -print | sed 's|^\./||' | sort) | comm -13 "$work/files" - |
    (cd "$tree" && xargs -r -d '\n' rm -f)
  while IFS= read -r file; do
    cmp -s "$file" "$tree/$file" && continue
    mkdir -p "$tree/$(dirname "$file")"
    cp "$file" "$tree/$file"
  done <"$work/files"
}

configure() {
  local options=(-DCMAKE_BUILD_TYPE=Release -DTALWEG_TESTS=ON -DTALWEG_BENCH=OFF)
  if [[ ! -f $objects/CMakeCache.txt ]]; then
    if command -v ninja >/dev/null; then options+=(-G Ninja); else options+=(-G "Unix Makefiles"); fi
    ! command -v ccache >/dev/null || options+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  fi
  "$cmake" -S "$tree" -B "$objects" "${options[@]}" >"$work/configure.log" 2>&1 ||
    die "the copy could not be configured; see $work/configure.log"
}

# What has to be built for a record's test.
target_of() { if [[ ${program[$1]} == ctest ]]; then echo talweg; else echo "test_${program[$1]}"; fi; }

build() { "$cmake" --build "$objects" --parallel "$jobs" --target "$@" >"$work/build.log" 2>&1; }

# run_test I: the exit code of record I's test, which is not 0 either where no such test was run.
run_test() {
  local log=$work/test.log
  if [[ ${program[$1]} == ctest ]]; then
    timeout "$limit" ctest --test-dir "$objects" --no-tests=error -R "^${test[$1]}\$" >"$log" 2>&1
    return
  fi
  # doctest takes a comma for the end of a name; ? stands for any one character.
  timeout "$limit" "$objects/tests/test_${program[$1]}" -tc="${test[$1]//,/?}" >"$log" 2>&1 &&
    ! grep -q 'test cases: *0 ' "$log"
}

# --- one mutation --------------------------------------------------------------------------------------

restored=1
restore() {
  [[ $restored == 1 ]] || cp "$work/original" "$tree/$1" # a new time stamp: it is to be built again
  restored=1
}

# try I: makes the change, builds, tests, restores; the outcome goes to $outcome.
try() {
  local file=${path[$1]} begun=$SECONDS code=0
  cp "$tree/$file" "$work/original"
  (cd "$tree" && mutated "$1") >"$work/mutated"
  restored=0
  trap 'restore "'"$file"'"' EXIT
  cp "$work/mutated" "$tree/$file"
  if ! build "$(target_of "$1")"; then
    outcome='did not build'
  else
    run_test "$1" || code=$?
    case $code in
      0) outcome=SURVIVED ;;
      124) outcome='caught (hung)' ;;
      *) outcome=caught ;;
    esac
  fi
  restore "$file"
  trap - EXIT
  seconds=$((SECONDS - begun))
}

row() { printf '%-28s %-34s %-13s %5s  %s\n' "$@"; }

# A change of nothing, which must survive: else the table below it would prove nothing.
try_nothing() {
  local i=${#name[@]}
  name+=(nothing) path+=(core/edit_distance.h) program+=(core)
  test+=('the edit distance counts insertions, deletions and substitutions')
  old+=('namespace talweg {') new+=('/* nothing */ namespace talweg {')
  build "$(target_of "$i")" || die "the tests could not be built; see $work/build.log"
  try "$i"
  [[ $outcome == SURVIVED ]] || die "a change of nothing was reported as '$outcome'; see $work"
  row nothing "${path[$i]}" "$outcome" "$seconds" 'as it must: this tool can fail'
}

# --- the commands --------------------------------------------------------------------------------------

check() {
  local i problem failed=0
  for i in "${!name[@]}"; do
    problem=$(fault "$i")
    [[ -z $problem ]] || { echo "${room[$i]}.txt: ${name[$i]}: $problem" && failed=1; }
  done
  [[ $failed == 0 ]] || exit 1
  ((${#name[@]} >= 40)) || die "only ${#name[@]} records were read: is the pattern still right?"
  echo "mutations: ${#name[@]} records, each applies once and names a test that exists"
}

list() {
  local i
  for i in "${!name[@]}"; do
    printf '%-8s %-28s %-34s %s: %s\n' "${room[$i]}" "${name[$i]}" "${path[$i]}" "${program[$i]}" "${test[$i]}"
  done
}

# select NAME...: the numbers of the records go to $chosen.
select_records() {
  local wanted i found
  chosen=("${!name[@]}")
  [[ $# == 0 ]] && return
  chosen=()
  for wanted in "$@"; do
    found=0
    for i in "${!name[@]}"; do
      if [[ $wanted == "${name[$i]}" || $wanted == "${room[$i]}" ]]; then chosen+=("$i") && found=1; fi
    done
    [[ $found == 1 ]] || misused "there is no mutation or room $wanted; --list shows them"
  done
}

main() {
  read_records "$here"/*.txt
  case ${1:-} in
    --check) check && exit ;;
    --list) list && exit ;;
    -*) misused "unknown option $1" ;;
  esac
  select_records "$@"
  local i problem
  for i in "${chosen[@]}"; do
    problem=$(fault "$i")
    [[ -z $problem ]] || die "${name[$i]}: $problem"
  done

  copy_tree
  configure
  row mutation file outcome s test
  try_nothing
  # A test that fails without any change would catch everything.
  local targets
  mapfile -t targets < <(for i in "${chosen[@]}"; do target_of "$i"; done | sort -u)
  build "${targets[@]}" || die "the tests could not be built; see $work/build.log"
  for i in "${chosen[@]}"; do
    run_test "$i" || die "${program[$i]}: '${test[$i]}' fails without a mutation; see $work/test.log"
  done

  local not_caught=()
  for i in "${chosen[@]}"; do
    try "$i"
    row "${name[$i]}" "${path[$i]}" "$outcome" "$seconds" "${program[$i]}: ${test[$i]}"
    [[ $outcome == caught* ]] || not_caught+=("${name[$i]}")
  done
  echo "${#chosen[@]} mutations, $((${#chosen[@]} - ${#not_caught[@]})) caught, $SECONDS s"
  [[ ${#not_caught[@]} == 0 ]] || die "not caught: ${not_caught[*]}"
}

main "$@"
