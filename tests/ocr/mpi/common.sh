# What the tests of jobs of several processes share; to be sourced: `source common.sh TALWEG SCRATCH_FOLDER`.
# Beside what tests/faults/common.sh gives: job, talweg in so many processes.
source "$(dirname "${BASH_SOURCE[0]}")/../../faults/common.sh" "$1" "$2"

# As root, in a container, and with more processes than processors, which users should not do.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
export OMPI_MCA_hwloc_base_binding_policy=none OMPI_MCA_btl_vader_single_copy_mechanism=none
export OMP_NUM_THREADS=1

# job PROCESSES ARGUMENT...
job() {
  local processes=$1
  shift
  mpirun -n "$processes" "$talweg" "$@" </dev/null
}

# pid_of_rank MPIRUN RANK: a process of the job that this mpirun started.
pid_of_rank() {
  local pid
  for pid in $(pgrep -P "$1"); do
    if tr '\0' '\n' <"/proc/$pid/environ" | grep -q "^OMPI_COMM_WORLD_RANK=$2$"; then echo "$pid"; fi
  done
}

# without_clock LOG: its lines without what the clock says.
without_clock() { sed -e 's/,"seconds":[^,}]*//' -e 's/,"words_per_second":[^,}]*//' "$1"; }
