"""The kernels' thread pool: `pool_check.cpp`, as it is and where the compiler watches for races."""

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SOURCES = HERE.parents[2] / "src"
COMPILER = shutil.which("c++")
CHECKS = ["small_loops", "callers_at_once", "threads_help", "exceptions", "one_thread"]

pytestmark = pytest.mark.skipif(COMPILER is None, reason="there is no C++ compiler")


def build(folder, *options):
    program = folder / "pool_check"
    sources = [str(HERE / "pool_check.cpp"), str(SOURCES / "pool.cpp")]
    subprocess.run(
        [COMPILER, "-std=c++17", "-O1", "-g", "-pthread", f"-I{SOURCES}", *options, *sources,
         "-o", str(program)],
        check=True,
    )  # fmt: skip
    return program


def run(program, check):
    return subprocess.run(
        [str(program), check], timeout=240, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return build(tmp_path_factory.mktemp("pool"))


@pytest.fixture(scope="module")
def watched_program(tmp_path_factory):
    try:
        program = build(tmp_path_factory.mktemp("watched_pool"), "-fsanitize=thread")
    except subprocess.CalledProcessError:
        pytest.skip("the compiler has no thread sanitizer")
    if run(program, "one_thread").returncode:
        pytest.skip("the thread sanitizer does not run on this kernel")
    return program


@pytest.mark.parametrize("check", [*CHECKS, "fork_safety"])
def test_the_pool_holds(program, check):
    assert run(program, check).returncode == 0


@pytest.mark.parametrize("check", CHECKS)
def test_the_pool_has_no_races(watched_program, check):
    done = run(watched_program, check)
    assert done.returncode == 0, done.stderr
