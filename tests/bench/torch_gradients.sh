#!/usr/bin/env bash
# usage: torch_gradients.sh TORCH_GRADIENTS FOLDER; runs torch_gradients.py by the first python3 that has
# torch (a hand-installed one often lacks what Debian's has); exits 77 where none does.
set -euo pipefail
readonly here=$(dirname "${BASH_SOURCE[0]}")
mkdir -p "$2"
"$1" "$2/torch_gradients.json"
for python in python3 /usr/bin/python3; do
  if "$python" -c 'import torch' 2>/dev/null; then
    exec "$python" "$here/torch_gradients.py" "$2/torch_gradients.json"
  fi
done
echo "SKIPPED: no python3 here has torch (Debian: python3-torch), so no gradient was held against it"
exit 77
