# What the tests of faults share; to be sourced: `source common.sh TALWEG SCRATCH_FOLDER`. Beside what
# tests/ocr/cli/common.sh gives, a small set of images to train on, and what a run that was left alone
# makes of it: whole.safetensors.
source "$(dirname "${BASH_SOURCE[0]}")/../ocr/cli/common.sh" "$1" "$2"

"$talweg" render --count 24 --seed 7 --out words --quiet >/dev/null
small=(--seed 3 --part 1 --architecture net/4p-8p-8v-8-c16 --threads 1) # a second or so
training=(-t words --steps 200 "${small[@]}")
every=5
often=(--checkpoint-every $every)
"$talweg" train "${training[@]}" -o whole.safetensors --quiet >/dev/null

# wait_for PID CONDITION...: until the command succeeds, or the process has ended.
wait_for() {
  local pid=$1
  shift
  until "$@" 2>/dev/null; do
    kill -0 "$pid" 2>/dev/null || return 0
    sleep 0.01
  done
}

# frozen PID CONDITION...: the same, and then the process stands still, until thawed.
frozen() {
  wait_for "$@"
  kill -STOP "$1"
}
thawed() { kill -CONT "$1"; }

# ended PID: waits for a process; its exit code goes to $status.
ended() {
  status=0
  { wait "$1"; } 2>/dev/null || status=$? # without the shell's own word of a killed one
}

# nothing_left FOLDER: no temporary file and no lock stayed there.
nothing_left() {
  local left
  left=$(find "$1" -name '.*.talweg-tmp' -o -name '.*.lock')
  [[ -z $left ]] || fail "left behind: $left"
}

# same_as_whole MODEL: is it, byte for byte, what an undisturbed run makes?
same_as_whole() { cmp -s whole.safetensors "$1" || fail "$1 differs from the model of an undisturbed run"; }

finish() {
  ((failures == 0)) || exit 1
  echo "$*"
}
