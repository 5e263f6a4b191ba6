#!/usr/bin/env bash
# with_gpu.sh COUNT COMMAND...: run COMMAND with one GPU of its own if COUNT is 1.
# Waits for a free one. Under SLURM, or where CUDA_VISIBLE_DEVICES is set already
# to one device, the scheduler has chosen and nothing is done here.
set -euo pipefail
count=$1
shift
if [ "$count" = 0 ] || [ -n "${SLURM_JOB_ID:-}" ]; then exec "$@"; fi
devices=${CUDA_VISIBLE_DEVICES:-$(nvidia-smi --query-gpu=index --format=csv,noheader | paste -sd,)}
while true; do
    for device in ${devices//,/ }; do
        exec 9>"${TMPDIR:-/tmp}/repalign-gpu-$(id -u)-$device.lock"
        if flock --nonblock 9; then CUDA_VISIBLE_DEVICES=$device exec "$@"; fi
    done
    sleep 1
done
