#!/usr/bin/env bash
# same_hash.sh PAWL-SIM: two runs of a seed, in two processes, must say the same to the last byte.
set -euo pipefail

for seed in 7 8; do
  first=$("$1" --seed "$seed" --steps 20000 2>/dev/null)
  second=$("$1" --seed "$seed" --steps 20000 2>/dev/null)
  if [[ $first != "$second" ]]; then
    echo "seed $seed: two runs differ"
    diff <(echo "$first") <(echo "$second") || true
    exit 1
  fi
done
other=$("$1" --seed 9 --steps 20000 2>/dev/null)
if [[ ${first##*trace hash} == "${other##*trace hash}" ]]; then
  echo "two seeds have the same hash"
  exit 1
fi
echo "same seed, same hash; other seed, other hash"
