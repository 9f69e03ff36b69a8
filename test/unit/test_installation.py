"""What `make install` and pip do with a torch that is there already, such as a Jetson's own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pip
import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
PINNED = next(
    line.split()[0]
    for line in (ROOT / "requirements.txt").read_text().splitlines()
    if line.startswith("torch==")
)
JETSONS = "2.5.0a0+872d972e41.nv24.08"
# Stands in for the environment's Python: pip is noted and not run, the rest is real.
PYTHON = """#!/usr/bin/env bash
case "$1 $2" in
  "-c ") ;;
  "-m pip")
    echo "$*" >>"{log}"
    for word in "$@"; do case $word in --*=*.txt) cat "${{word#*=}}" >>"{log}" ;; esac; done ;;
  *) PYTHONPATH="{site}" exec "{python}" -S "$@" ;;
esac
"""


def _write_torch(site: Path, version: str, cuda: str | None) -> None:
    (site / "torch").mkdir(parents=True)
    (site / "torch" / "__init__.py").write_text('raise OSError("libcudnn.so.9: cannot open")\n')
    lines = f"__version__ = {version!r}\ncuda = {cuda!r}\n"
    (site / "torch" / "version.py").write_text(lines)


def _install(folder: Path, site: Path) -> tuple[str, str]:
    """Run install.sh in a copy of what it needs; return what it says and what pip was told."""
    log = folder / "pip.log"
    for name in ("msg", "srv", "interfaces", "src", "aliked_ros", "config", "launch"):
        (folder / name).mkdir()
    for name in ("src/a", "CMakeLists.txt", "package.xml"):
        (folder / name).touch()
    scripts = folder / "scripts"
    shutil.copytree(ROOT / "scripts", scripts, ignore=shutil.ignore_patterns("*.py"))
    (scripts / "relocate_cmake_exports.py").touch()
    shutil.copy(ROOT / "requirements.txt", folder)
    venv = folder / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "pyvenv.cfg").write_text("include-system-site-packages = true\n")
    programs = {
        "pip": f"#!{venv}/bin/python\n",
        "python": PYTHON.format(log=log, site=site, python=sys.executable),
        "colcon": '#!/bin/sh\nmkdir -p "$PWD/install"\n',
    }
    for name, text in programs.items():
        (venv / "bin" / name).write_text(text)
        (venv / "bin" / name).chmod(0o755)
    result = subprocess.run(
        [scripts / "install.sh"],
        env={
            **os.environ,
            "ROS_DISTRO": "jazzy",
            "PATH": "/usr/bin:/bin",
            "PYTHON": sys.executable,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout, log.read_text()


@pytest.mark.parametrize("where", ["system", ".venv"])
def test_a_torch_with_cuda_that_is_there_is_not_replaced(where, tmp_path):
    site = tmp_path / where / "site-packages"
    _write_torch(site, JETSONS, "12.6")
    said, told = _install(tmp_path, site)
    assert f"torch {JETSONS} with CUDA is here and stays" in said
    assert PINNED not in told
    assert "triton==" not in told
    assert f"torch=={JETSONS}" in told  # a constraint
    assert "poselib==" in told


@pytest.mark.parametrize("is_there", [False, True], ids=["absent", "apt's, without CUDA"])
def test_without_such_a_torch_the_pinned_one_is_installed(is_there, tmp_path):
    site = tmp_path / "system"
    if is_there:
        _write_torch(site, "2.1.0", None)
    said, told = _install(tmp_path, site)
    assert "stays" not in said
    assert PINNED in told
    assert "poselib==" in told


def test_the_one_that_we_installed_follows_its_pin(tmp_path):
    site = tmp_path / ".venv" / "lib"
    _write_torch(site, "2.12.0+cu130", "13.0")
    (tmp_path / ".venv" / ".torch").write_text("2.12.0\n")
    said, told = _install(tmp_path, site)
    assert "stays" not in said
    assert PINNED in told
    assert f"torch=={(tmp_path / '.venv' / '.torch').read_text().strip()}" == PINNED


def _wanted(name: str) -> list[str]:
    """Return what a list wants of torch."""
    text = (ROOT / name).read_text()
    if name == "pyproject.toml":
        lines = tomllib.loads(text)["project"]["dependencies"]
    else:
        lines = [line.split("#")[0].strip() for line in text.splitlines()]
    return [line for line in lines if line.startswith("torch")]


@pytest.mark.parametrize("name", ["pyproject.toml", "requirements-runtime.txt"])
@pytest.mark.parametrize(("version", "is_kept"), [(JETSONS, True), ("2.1.0", False)])
def test_pip_is_content_with_a_jetsons_torch(version, is_kept, name, tmp_path):
    """Without an index, pip can only take what is here or refuse."""
    information = tmp_path / f"torch-{version}.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: torch\nVersion: {version}\n"
    )
    (wanted,) = _wanted(name)
    result = subprocess.run(
        [sys.executable, "-S", "-m", "pip", "install", "--no-index", "--dry-run", wanted],
        # The first torch on the path is the one that is installed.
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{tmp_path}:{Path(pip.__file__).parents[1]}",
            "PIP_CONFIG_FILE": os.devnull,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (f"Requirement already satisfied: {wanted}" in result.stdout) == is_kept, result
    assert (result.returncode == 0) == is_kept
