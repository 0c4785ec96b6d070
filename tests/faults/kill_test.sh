#!/usr/bin/env bash
# A training that is killed outright (SIGKILL), at moments drawn at random, again and again: it can
# always go on, never loses more than the steps since the last checkpoint, and ends with the bytes of
# one that was left alone.
# usage: kill_test.sh TALWEG SCRATCH_FOLDER [KILLS [SEED]]
source "$(dirname "${BASH_SOURCE[0]}")/common.sh" "$1" "$2"
kills=${3:-20}
RANDOM=${4:-1}
model=killed.safetensors checkpoint=killed.checkpoint.safetensors

# What a run takes, in ms: the moments are drawn from that, so that some come before the first
# checkpoint and some after the end.
begin=$(date +%s%3N)
"$talweg" train "${training[@]}" -o timed.safetensors --quiet >/dev/null
longest=$(($(date +%s%3N) - begin))

# step_saved: how many steps the checkpoint has behind it; 0 where there is none.
step_saved() {
  [[ -e $checkpoint ]] || { echo 0; return; }
  "$talweg" inspect $checkpoint | sed -n 's/^learning_record .*"step":\([0-9]*\),.*/\1/p'
}

# finished: the model is there, and the run's checkpoint is not needed any more.
finished() {
  same_as_whole $model
  [[ ! -e $checkpoint ]] || fail "the checkpoint of a finished run stayed"
  rm -f $model
  models=$((models + 1)) saved=0
}

# killed: the checkpoint is a whole one, and no older than what was there before.
killed() {
  done_kills=$((done_kills + 1))
  if [[ -e $model && ! -e $checkpoint ]]; then finished && return; fi
  local step
  step=$(step_saved)
  [[ -n $step ]] && ((step >= saved && step % every == 0)) ||
    fail "after step $saved was saved, a checkpoint of step '$step'"
  saved=$step
}

done_kills=0 models=0 resumed=0 saved=0 status=1
while ((done_kills < kills || models == 0 || status != 0)); do # the last one is left alone
  start=("${training[@]}")
  if [[ -e $checkpoint ]]; then
    start=(--resume $checkpoint --threads $((resumed % 8 == 7 ? 2 : 1)))
    resumed=$((resumed + 1))
  fi
  "$talweg" train "${start[@]}" "${often[@]}" -o $model >/dev/null 2>err.txt &
  pid=$!
  if ((done_kills < kills)); then
    ms=$((RANDOM % longest))
    sleep "$((ms / 1000)).$(printf '%03d' $((ms % 1000)))"
    kill -KILL $pid 2>/dev/null || true
  fi
  ended $pid
  case $status in
    137) killed ;;
    0) finished ;;
    *) fail "exit code $status after $done_kills kills: $(tail -n 1 err.txt)" && break ;;
  esac
done
nothing_left .
finish "killed $done_kills times, resumed $resumed times, finished $models models bit for bit"
