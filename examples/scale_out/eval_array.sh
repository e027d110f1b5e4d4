#!/bin/bash
# An evaluation as a job array of Slurm: every task runs one share of the list, and a last job adds them up.
#
#   MODEL=deit8.bin LIST=val.txt OUT=results TASKS=8 bash eval_array.sh
#
# Model, list, pictures and OUT are in folders that all nodes see; vitrun is on the PATH, or VITRUN names it. A share that
# has a complete result is not run again, so that a second call does what failed in the first.
#SBATCH --cpus-per-task=1
set -euo pipefail
: "${MODEL:?the model file}" "${LIST:?the list of pictures}" "${OUT:?the folder of results}"
vitrun=${VITRUN:-vitrun}

if [ -n "${SLURM_ARRAY_TASK_ID:-}" ]; then
  share=$OUT/$SLURM_ARRAY_TASK_ID-of-$SLURM_ARRAY_TASK_COUNT.jsonl
  [ ! -e "$share" ] || exit 0
  code=0
  "$vitrun" "$MODEL" --eval "$LIST" --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" --format jsonl \
    --threads "${SLURM_CPUS_PER_TASK:-1}" >"$share.part" || code=$?
  [ "$code" -le 1 ] || exit "$code"  # 1: some pictures cannot be read, which the summary counts
  mv "$share.part" "$share"
else
  tasks=${TASKS:-8}
  mkdir -p "$OUT"
  export MODEL LIST OUT
  # sbatch keeps a copy of this script, so the path is of no matter there.
  job=$(sbatch --parsable --array="1-$tasks" --output="$OUT/%a.log" "$0")
  sbatch --dependency="afterok:$job" --output="$OUT/summary.txt" --wait \
    --wrap "'$vitrun' --summarise '$OUT'/*-of-$tasks.jsonl || [ \$? -eq 1 ]"
  cat "$OUT/summary.txt"
fi
