#!/usr/bin/env bash
# usage: torch_agreement.sh TORCH_CASES FOLDER; runs torch_agreement.py by the first python3 that has
# torch (a hand-installed one often lacks what Debian's has); exits 77 where none does.
set -euo pipefail
readonly here=$(dirname "${BASH_SOURCE[0]}")
mkdir -p "$2"
"$1" "$2/torch_cases.json"
for python in python3 /usr/bin/python3; do
  if "$python" -c 'import torch' 2>/dev/null; then
    exec "$python" "$here/torch_agreement.py" "$2/torch_cases.json"
  fi
done
echo "SKIPPED: no python3 here has torch (Debian: python3-torch), so the aligner was not held against it"
exit 77
