#!/usr/bin/env bash
# Jobs that end before their time, by a process's death, a failure or a signal: they say so, and what
# is left goes on, in any number of processes, to the bytes of one that was left alone.
# usage: faults_test.sh TALWEG SCRATCH_FOLDER
source "$(dirname "${BASH_SOURCE[0]}")/common.sh" "$1" "$2"
shared=(-t words --steps 80 "${small[@]}" --micro-batches 4)
"$talweg" train "${shared[@]}" -o whole.safetensors --quiet >/dev/null
model=job.safetensors checkpoint=job.checkpoint.safetensors

# begin PROCESSES: a job, under way when this returns; its mpirun is $pid.
begin() {
  rm -f $model $checkpoint
  mpirun -n "$1" "$talweg" train "${shared[@]}" "${often[@]}" -o $model --quiet >out.txt 2>err.txt </dev/null &
  pid=$!
  wait_for $pid test -e $checkpoint
}

# goes_on PROCESSES: from the checkpoint to the end; one process needs no mpirun.
goes_on() {
  expect 0 'resume goes on' "$talweg" inspect $checkpoint
  local run=(job "$1")
  (($1 == 1)) && run=("$talweg")
  "${run[@]}" train --resume $checkpoint -o $model --quiet >out.txt 2>err.txt ||
    fail "going on in $1 processes: $(tail -n 3 err.txt)"
  same_as_whole $model
  nothing_left .
}

# --- a process dies ---
for victim in 2 0; do
  begin 4
  kill -KILL "$(pid_of_rank $pid $victim)"
  ended $pid
  [[ $status != 0 ]] || fail "the job went on without process $victim"
  grep -q 'exited on signal 9' err.txt || fail "no word of the dead: $(cat err.txt)"
  goes_on 2
done

# --- signals: what mpirun hands on leaves a checkpoint of the last step, and so does one to process 0;
# what makes mpirun kill the job leaves the last checkpoint there was ---
for signal in USR1 TERM INT; do
  begin 4
  if [[ $signal == TERM ]]; then
    kill -s $signal "$(pid_of_rank $pid 0)"
  else
    kill -s $signal $pid
  fi
  ended $pid
  [[ $status != 0 ]] || fail "the job went on after SIG$signal"
  [[ $signal == INT ]] ||
    grep -q "interrupted at step .*; go on with: talweg train --resume '$checkpoint'" err.txt ||
    fail "SIG$signal: $(cat err.txt)"
  goes_on $([[ $signal == USR1 ]] && echo 2 || echo 1)
done

# --- a run of one process goes on in several, and the other way round ---
"$talweg" train "${shared[@]}" "${often[@]}" -o $model --quiet >/dev/null 2>err.txt &
pid=$!
wait_for $pid test -e $checkpoint
kill -INT $pid
ended $pid
expect 2 "5 processes can't share 4 micro-batches" job 5 train --resume $checkpoint -o $model
goes_on 3

# --- one process fails: process 0 says why and for whom ---
# failed PATTERN MPIRUN_ARGUMENT...
failed() {
  expect 1 "$1" mpirun "${@:2}"
  [[ $(grep -c '^talweg: ' out.txt) == 1 ]] || fail "more than one sentence: $(cat out.txt)"
}
mkdir empty
options=(--steps 9 "${small[@]}" --micro-batches 2 -o none.safetensors --quiet)
failed '^talweg: process 1 of 2: .*empty' -n 1 "$talweg" train -t words "${options[@]}" : \
  -n 1 "$talweg" train -t empty "${options[@]}"
failed "^talweg: process 1 of 2: the plan: .*0.5.* here, .* in process 0" \
  -n 1 "$talweg" train -t words "${options[@]}" : \
  -n 1 "$talweg" train -t words --guide 0.5 "${options[@]}"
failed "^talweg: process 1 of 2: the instruction set: 'portable' here" \
  -n 1 "$talweg" train -t words "${options[@]}" : \
  -n 1 -x TALWEG_ISA=portable "$talweg" train -t words "${options[@]}"
cp -r words others
printf 'zebra' >others/0003.gt.txt
failed "^talweg: process 1 of 2: the data: " -n 1 "$talweg" train -t words --charset a-z "${options[@]}" : \
  -n 1 "$talweg" train -t others --charset a-z "${options[@]}"

# --- numbers that are not finite: the checkpoint before them stays ---
wild=(-t words --steps 40 "${small[@]}" --loss hinge --margin 1e300 --micro-batches 2 --checkpoint-every 1
  --quiet -o wild.safetensors) # the words' loss is beyond a float
expect 1 '^talweg: .*step 4, micro-batch [12] of 2: the loss is inf.*the last checkpoint is wild.checkpoint' \
  job 2 train "${wild[@]}"
[[ $(grep -c '^talweg: ' out.txt) == 1 ]] || fail "more than one sentence: $(cat out.txt)"
expect 0 'resume goes on' "$talweg" inspect wild.checkpoint.safetensors

finish "dead processes, signals, failures: all told, and the bytes of a whole run afterwards"
