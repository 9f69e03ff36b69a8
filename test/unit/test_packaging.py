"""The manifests agree with each other and with the tree."""

import ast
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

import aliked_ros

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
CMAKE = (ROOT / "CMakeLists.txt").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
MANIFEST = ET.parse(ROOT / "package.xml").getroot()
DECLARED = {str(item.text) for item in MANIFEST if item.tag.endswith("depend")}
NODES = ROOT / "aliked_ros" / "nodes"
EXECUTABLES = re.findall(r"\w+_node\b", CMAKE)
MESSAGES = sorted([*(ROOT / "msg").glob("*.msg"), *(ROOT / "srv").glob("*.srv")])

ROSDEP_KEYS = {
    "cv2": "python3-opencv",
    "numpy": "python3-numpy",
    "scipy": "python3-scipy",
    "torch": "python3-torch",
    "tqdm": "python3-tqdm",
    "yaml": "python3-yaml",
}
WITHOUT_ROSDEP_KEY = {"poselib"}
# Of some commands or of a GPU only: pyproject's optional groups.
OPTIONAL = {
    "evo", "h5py", "kornia", "matplotlib", "onnxruntime", "pycolmap", "rerun", "rosbags",
    "tensorboardX", "triton",
}  # fmt: skip
TESTED = {"evo", "onnxruntime", "rosbags", "tensorboardX", "triton"}
LISTS = [
    "requirements.txt",
    *(f"scripts/{name}_from_pypi.txt" for name in ("tools", "jazzy", "kilted")),
]
PYPI_NAMES = {"cv2": "opencv-python-headless", "rerun": "rerun-sdk", "yaml": "PyYAML"}


def _third_party(folder: Path, skip: Path | None = None) -> set[str]:
    """Return the top-level names that the files of a folder import from elsewhere."""
    found = set()
    for path in folder.rglob("*.py"):
        if skip is None or skip not in path.parents:
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    found |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module:
                    found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - {"aliked_ros"}


def _requirements(path: Path) -> list[str]:
    lines = (line.split("#")[0].strip() for line in path.read_text().splitlines())
    return [line for line in lines if line]


def test_every_manifest_has_the_same_version():
    versions = {MANIFEST.findtext("version"), PROJECT["version"], aliked_ros.__version__}
    assert len(versions) == 1, versions


def test_every_message_is_generated():
    listed = re.findall(r'"((?:msg|srv)/\w+\.(?:msg|srv))"', CMAKE)
    assert sorted(listed) == sorted(f"{path.parent.name}/{path.name}" for path in MESSAGES)


@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: path.stem)
def test_every_field_of_a_message_is_explained(path):
    # Constants (NAME=value) are explained by the field that uses them.
    fields = [line for line in path.read_text().splitlines() if re.match(r"\w", line)]
    unexplained = [line for line in fields if "#" not in line and "=" not in line]
    assert fields
    assert not unexplained


@pytest.mark.parametrize("executable", EXECUTABLES)
def test_every_executable_is_a_node_module_with_a_main(executable):
    module = ast.parse((NODES / f"{executable}.py").read_text())
    functions = {item.name for item in module.body if isinstance(item, ast.FunctionDef)}
    assert "main" in functions


def test_every_node_module_is_an_executable():
    assert sorted(EXECUTABLES) == sorted(path.stem for path in NODES.glob("*_node.py"))


def test_package_xml_declares_every_import():
    imported = _third_party(ROOT / "aliked_ros") | _third_party(ROOT / "launch")
    keys = {ROSDEP_KEYS.get(name, name) for name in imported - WITHOUT_ROSDEP_KEY - OPTIONAL}
    assert keys - DECLARED == set()


def _names(requirements: list[str]) -> set[str]:
    return {re.split(r"[>=\[ ;]", requirement)[0] for requirement in requirements}


def test_pip_installs_what_the_library_imports_and_nothing_else():
    imported = _third_party(ROOT / "aliked_ros", skip=NODES) - OPTIONAL
    assert _names(PROJECT["dependencies"]) == {PYPI_NAMES.get(name, name) for name in imported}


def test_every_optional_import_belongs_to_an_extra():
    listed = set().union(*map(_names, PROJECT["optional-dependencies"].values()))
    assert listed >= {PYPI_NAMES.get(name, name) for name in OPTIONAL}


def test_requirements_hold_what_has_no_rosdep_key_and_the_extras_that_are_tested():
    names = {line.split("==")[0] for line in _requirements(ROOT / "requirements.txt")}
    assert names >= WITHOUT_ROSDEP_KEY | TESTED


def test_the_runtime_list_is_what_apt_lacks_in_the_ranges_of_pyproject():
    lines = _requirements(ROOT / "requirements-runtime.txt")
    assert _names(lines) == WITHOUT_ROSDEP_KEY | {"torch"}  # apt's torch is older than we need
    assert set(lines) <= set(PROJECT["dependencies"])


def test_a_node_without_its_modules_says_so_in_one_line(tmp_path):
    template = (ROOT / "scripts" / "node.py.in").read_text().replace("@node@", "tracker_node")
    (tmp_path / "tracker_node").write_text(template)
    result = subprocess.run(
        [sys.executable, "-I", "-S", tmp_path / "tracker_node"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert re.fullmatch(
        r"cannot start: \S+ has no module 'aliked_ros': source the environment.*\n", result.stderr
    )


@pytest.mark.parametrize("name", LISTS)
def test_every_requirement_is_pinned(name):
    lines = _requirements(ROOT / name)
    assert lines
    assert [line for line in lines if not re.match(r"[\w.\[\]-]+==[\w.]+(;|$)", line)] == []


def test_no_requirement_is_pinned_twice():
    # These are, but never for one Python: the last of an old Python's, and a newer one.
    for distribution in ("jazzy", "kilted"):
        files = [
            name for name in LISTS if distribution in name or "_" not in name or "tools" in name
        ]
        lines = [line for file in files for line in _requirements(ROOT / file)]
        names = [re.split(r"[=\[]", line)[0] for line in lines]
        assert {name for name in names if names.count(name) > 1} == {"numpy", "onnxruntime"}


@pytest.mark.parametrize("name", LISTS)
def test_the_hashes_are_of_everything_that_is_pinned_and_of_nothing_else(name):
    text = (ROOT / "scripts" / "hashes" / Path(name).name).read_text()
    assert "://" not in text
    entries = text.replace(" \\\n", "").splitlines()[1:]
    pins = [entry.partition("    --hash=")[0] for entry in entries]
    pinned = [re.sub(r"\s*;\s*", "; ", line) for line in _requirements(ROOT / name)]
    assert pins == pinned, "run python3 scripts/write_hashes.py"
    for entry in entries:
        hashes = re.findall(r"    --hash=sha256:(\S+)", entry)
        assert hashes, entry
        assert all(re.fullmatch("[0-9a-f]{64}", one) for one in hashes), entry


@pytest.mark.parametrize("distribution", ["jazzy", "kilted"])
def test_wheels_are_pinned_of_one_distribution_alone(distribution):
    lines = _requirements(ROOT / "scripts" / f"{distribution}_from_pypi.txt")
    named = {
        name for name in ("humble", "jazzy", "kilted") for line in lines if f"ros-{name}-" in line
    }
    assert named == {distribution}


def test_a_distribution_without_wheels_is_refused():
    environment = {**os.environ, "DISTRO": "noetic"}
    result = subprocess.run(
        [ROOT / "scripts" / "install.sh"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr == "install: DISTRO is 'noetic': give jazzy or kilted\n"


def test_an_installation_that_is_neither_with_hashes_nor_without_is_refused():
    result = subprocess.run(
        [ROOT / "scripts" / "install.sh"],
        env={**os.environ, "HASHES": "maybe"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr == "install: HASHES is 'maybe': give true or false\n"


def _build_kernels(folder: Path, **environment: str) -> list[str]:
    """Build the kernels as `pip install` does; return the names of what came of it."""
    subprocess.run(
        [sys.executable, "setup.py", "-q", "build_ext", f"--build-lib={folder}/lib",
         f"--build-temp={folder}/temp"],
        cwd=ROOT, env={**os.environ, **environment}, check=True, timeout=280, capture_output=True,
    )  # fmt: skip
    return sorted(path.name for path in folder.glob("lib/aliked_ros/lib/*.so"))


def test_pip_installs_without_a_compiler_too(tmp_path):
    assert _build_kernels(tmp_path, CC="/missing/cc", CXX="/missing/c++") == []


def _run_stub_node(folder: Path, program: str, **environment: str) -> list[str]:
    """Run the executable of a node whose module is a program; return the words that it prints."""
    template = (ROOT / "scripts" / "node.py.in").read_text()
    (folder / "node.py").write_text(template.replace("@node@", "stub_node"))
    rooms = folder / "aliked_ros" / "nodes"
    rooms.mkdir(parents=True, exist_ok=True)
    (rooms / "stub_node.py").write_text(program)
    others = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    return subprocess.check_output(
        [sys.executable, str(folder / "node.py")],
        env={**others, "PYTHONPATH": str(folder), **environment},
        text=True,
    ).split()


def test_blas_of_a_node_has_one_thread(tmp_path):
    at_import = "import os\nthreads = os.environ['OPENBLAS_NUM_THREADS']\n"
    program = at_import + "def main():\n    print(threads)\n"
    assert _run_stub_node(tmp_path, program) == ["1"]
    assert _run_stub_node(tmp_path, program, OPENBLAS_NUM_THREADS="4") == ["4"]


def test_a_node_collects_no_garbage_among_its_modules(tmp_path):
    program = """
import gc, sys
at_import, module = gc.isenabled(), sys.modules[__name__]

def main():
    print(at_import, gc.isenabled(), any(found is module for found in gc.get_objects()))
"""
    assert _run_stub_node(tmp_path, program) == ["False", "True", "False"]
