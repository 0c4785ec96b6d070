#!/usr/bin/env bash
# Disks that fill up or become read-only under a training: it says so and ends, what was there stays,
# and once there is room it goes on to the bytes of an undisturbed run.
# usage: disk_test.sh TALWEG SCRATCH_FOLDER
# Needs a mount namespace of its own, where it can mount a small disk: skipped where that is forbidden.
if [[ -z ${TALWEG_OWN_MOUNTS:-} ]]; then
  alone=(unshare --mount)
  (($(id -u) == 0)) || alone=(unshare --user --map-root-user --mount)
  if ! "${alone[@]}" mount -t tmpfs talweg /mnt 2>/dev/null; then
    echo "SKIPPED: full and read-only disks: no small disk can be mounted here"
    exit 77
  fi
  exec env TALWEG_OWN_MOUNTS=1 "${alone[@]}" bash "$0" "$@"
fi
source "$(dirname "${BASH_SOURCE[0]}")/common.sh" "$1" "$2"
mkdir disk
mount -t tmpfs -o size=4m talweg disk
model=disk/small.safetensors checkpoint=disk/small.checkpoint.safetensors

fill() { dd if=/dev/zero of=disk/filler bs=4k status=none 2>/dev/null || true; }
free() { rm -f disk/filler; }

# interrupted_by SENTENCE BREAK: a training whose disk breaks once a checkpoint is there.
interrupted_by() {
  "$talweg" train "${training[@]}" "${often[@]}" -o $model --quiet >/dev/null 2>err.txt &
  local pid=$!
  frozen $pid test -e $checkpoint
  "$2"
  thawed $pid
  ended $pid
  [[ $status == 1 ]] || fail "exit code $status after '$1'"
  grep -q "can't be written: $1.*the last checkpoint is $checkpoint" err.txt ||
    fail "no '$1' in: $(cat err.txt)"
}

# goes_on: from the checkpoint to the end.
goes_on() {
  expect 0 'resume goes on' "$talweg" inspect $checkpoint
  expect 0 'model: ' "$talweg" train --threads 1 --resume $checkpoint -o $model
  same_as_whole $model
  nothing_left disk
}

# --- full ---
interrupted_by 'No space left on device; free some space' fill
nothing_left disk
expect 1 'No space left on device' "$talweg" train --threads 1 --resume $checkpoint -o $model
free
goes_on

# An older model is not lost to one that there is no room for.
fill
expect 1 'No space left on device' "$talweg" train "${training[@]}" --checkpoint-every 200 -o $model
same_as_whole $model
expect 1 'No space left on device' "$talweg" render --count 3 --out disk/pictures
[[ ! -e disk/pictures/labels.tsv ]] || fail "labels of pictures that are not there"
free
rm $model

# --- read-only ---
# As another mount over the same place: a disk with open files can't be made read-only itself.
protect() { mount --bind disk disk && mount -o remount,bind,ro disk; }
interrupted_by 'Read-only file system; choose a place' protect
expect 1 'Read-only file system' "$talweg" train "${training[@]}" -o disk/other.safetensors
expect 1 'Read-only file system' "$talweg" render --count 3 --out disk/pictures
expect 0 'resume goes on' "$talweg" inspect $checkpoint
umount disk
goes_on
finish "full and read-only disks: nothing lost"
