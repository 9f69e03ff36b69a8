"""The rooms of the package: who may import whom, and that the library lives without ROS."""

import ast
import graphlib
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "aliked_ros"

# A module imports rooms further up, or its own. Rendered rooms are one more data set.
ORDER = [
    {"structs", "extras", "interruption"},
    {"view"},
    {"config", "images", "pacing", "spreading"},
    {"starting"},
    {"native"},
    {"network", "geometry", "drawing", "plotting"},
    {"inference"},
    {"matching"},
    {"extractor", "odometry", "datasets"},
    {"evaluation", "onnx_export"},
    {"training", "onnx_comparison"},
    {"onnx_matcher"},
    {"nodes", "cli"},
    {"__main__"},
]
SAME_ROOM = {"synthetic": "datasets"}
# The folders of a room, each of which imports the ones before it; "." is the files beside them.
FOLDERS = {
    "cli": [{"."}, {"evaluate", "report", "track"}],
    "datasets": [{"."}, {"readers"}],
    "evaluation": [{"."}, {"homography", "methods", "reports"}, {"odometry", "pose"}],
    "training": [{"."}, {"pairs"}, {"losses"}, {"matcher"}, {"loop"}],
}
# Rooms within nodes/ -> the rooms that they may import; the node files may import them all.
NODE_ROOMS = {
    "base": set(),
    "extractor": {"base"},
    "overlay": {"base"},
    "player": {"base"},
    "recorder": {"base"},
    "tracker": {"base"},
    "view": {"base"},
    "node files": {
        "base",
        "extractor",
        "overlay",
        "player",
        "recorder",
        "tracker",
        "view",
        "node files",
    },
}
MAX_CHAIN = 8  # modules, each of which imports the next as soon as it is imported
LONGER_CHAINS = {"odometry": 11, "nodes": 15}  # what stands on a whole method
WITHOUT_TORCH = ("overlay_node", "player_node", "recorder_node", "view_node")
DISK = {"io", "json", "os", "pathlib", "shutil", "subprocess", "tempfile", "urllib"}
MAY_USE_DISK = {"datasets", "evaluation", "training", "nodes", "cli", "__main__"}
MAY_USE_DISK |= {"onnx_comparison", "onnx_export", "onnx_matcher"}
MAY_USE_DISK |= {"view"}  # a process of its own
MAY_USE_DISK |= {"interruption"}  # of os, it takes what ends a process
LOADERS = {
    "aliked_ros.native",
    "aliked_ros.network.lightglue_weights",
    "aliked_ros.network.released",
    "aliked_ros.network.weights",
    "aliked_ros.inference.kernels",
    "aliked_ros.inference.machine",
    "aliked_ros.inference.cuda.record",
    "aliked_ros.starting.transport",
}

LIBRARY_WITHOUT_ROS = """
import importlib, importlib.abc, importlib.util, pkgutil, sys

class NoRos(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        room = name.split(".")[0]
        if room in {"rclpy", "rosidl_parser", "cv_bridge", "tf2_ros", "message_filters"} or (
            room.endswith(("_msgs", "_interfaces")) or name in {"aliked_ros.msg", "aliked_ros.srv"}
        ):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, NoRos())
import torch
import aliked_ros

skipped = ("aliked_ros.nodes", "aliked_ros.msg", "aliked_ros.srv", "aliked_ros.__main__")
if importlib.util.find_spec("triton") is None:
    skipped += ("aliked_ros.inference.cuda.",)
for module in pkgutil.walk_packages(aliked_ros.__path__, "aliked_ros."):
    if not module.name.startswith(skipped) and "_s__rosidl_" not in module.name:
        importlib.import_module(module.name)

from aliked_ros.matching import mutual_nearest_neighbours

matches, _ = mutual_nearest_neighbours(torch.eye(4), torch.eye(4).flip(0))
print(aliked_ros.Extractor.__name__, matches.tolist())
"""


def _modules() -> dict[str, Path]:
    """Return the dotted name and the file of every module of the package."""
    names = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


MODULES = _modules()


def _imports(path: Path) -> set[str]:
    """Return every dotted name that a file imports, at its top or inside a function."""
    return _names(ast.walk(ast.parse(path.read_text())))


def _names(nodes: Iterable[ast.AST]) -> set[str]:
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            full = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else str(node.module) for name in full}
    return found


def _runs_at_import(statements: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that run when their module is imported."""
    for statement in statements:
        yield statement
        is_for_types = isinstance(statement, ast.If) and (
            isinstance(statement.test, ast.Name) and statement.test.id == "TYPE_CHECKING"
        )
        if is_for_types or isinstance(statement, ast.FunctionDef):
            continue
        for part in ("body", "orelse", "handlers", "finalbody"):
            yield from _runs_at_import(getattr(statement, part, []))


def _room(module: str) -> str:
    room = [*module.split("."), "__init__"][1]
    return SAME_ROOM.get(room, room)


def _rank(room: str) -> int:
    ranks = [rank for rank, rooms in enumerate(ORDER) if room in rooms]
    assert ranks, f"aliked_ros.{room} has no place in ORDER: say which rooms it may import"
    return ranks[0]


# The package's own __init__ holds the public names and is looked up by name only.
GRAPH = {
    module: {name for name in _imports(path) if name in MODULES and name != "aliked_ros"}
    for module, path in MODULES.items()
    if module != "aliked_ros"
}


@pytest.mark.parametrize("module", sorted(GRAPH))
def test_imports_point_towards_the_nouns(module):
    room = _room(module)
    for imported in GRAPH[module]:
        allowed = _room(imported) == room or _rank(_room(imported)) < _rank(room)
        assert allowed, f"{module} may not import {imported}"


def _folder(module: str) -> str:
    """Return the folder of a module inside its room."""
    parents = MODULES[module].relative_to(PACKAGE).parts[1:-1]
    return parents[0] if parents else "."


@pytest.mark.parametrize("room", FOLDERS)
def test_folders_of_a_room_import_the_ones_before_them(room):
    rank = {name: number for number, names in enumerate(FOLDERS[room]) for name in names}
    modules = [module for module in GRAPH if module.split(".")[1] == room]
    assert {_folder(module) for module in modules} <= set(rank), "say where a new folder stands"
    for module in modules:
        own = _folder(module)
        others = {name for name in GRAPH[module] & set(modules) if _folder(name) != own}
        for imported in others:
            assert rank[_folder(imported)] < rank[own], f"{module} may not import {imported}"


def _node_room(module: str) -> str:
    """Return the room of aliked_ros.nodes that a module is in."""
    parts = module.split(".")[2:]
    return parts[0] if parts[0] in NODE_ROOMS else "node files"


NODE_MODULES = sorted(name for name in GRAPH if name.startswith("aliked_ros.nodes."))


@pytest.mark.parametrize("module", NODE_MODULES)
def test_imports_within_nodes_point_from_the_nodes_to_their_parts_to_the_base(module):
    room = _node_room(module)
    for imported in GRAPH[module].intersection(NODE_MODULES):
        allowed = _node_room(imported) == room or _node_room(imported) in NODE_ROOMS[room]
        assert allowed, f"{module} may not import {imported}"


def test_nodes_holds_node_files_and_rooms_alone():
    files = {path.stem for path in (PACKAGE / "nodes").glob("*.py")} - {"__init__"}
    assert all(name.endswith("_node") for name in files), files
    folders = {path.parent.name for path in (PACKAGE / "nodes").glob("*/__init__.py")}
    assert folders == NODE_ROOMS.keys() - {"node files"}


@pytest.mark.parametrize("module", WITHOUT_TORCH)
def test_nodes_without_a_network_do_not_import_torch(module, tmp_path):
    pytest.importorskip("aliked_ros.msg", reason="the messages are not built: run make install")
    program = f"import sys, aliked_ros.nodes.{module}; sys.exit('torch' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{PACKAGE.parent}:{os.environ.get('PYTHONPATH', '')}"},
        check=False,
    )
    assert result.returncode == 0


def test_chains_of_imports_are_short():
    graph = {
        module: _names(_runs_at_import(ast.parse(MODULES[module].read_text()).body)) & GRAPH.keys()
        for module in GRAPH
    }
    chains: dict[str, list[str]] = {}
    for module in graphlib.TopologicalSorter(graph).static_order():
        longest = max((chains[name] for name in graph.get(module, ())), key=len, default=[])
        chains[module] = [module, *longest]
    for module, chain in chains.items():
        assert len(chain) <= LONGER_CHAINS.get(_room(module), MAX_CHAIN), " > ".join(chain)


def test_no_modules_import_each_other():
    graphlib.TopologicalSorter(GRAPH).prepare()  # raises CycleError with the cycle


@pytest.mark.parametrize(
    "module",
    sorted(name for name in GRAPH if _room(name) not in MAY_USE_DISK and name not in LOADERS),
)
def test_the_algorithms_do_not_touch_the_disk(module):
    touched = {name.split(".")[0] for name in _imports(MODULES[module])} & DISK
    assert not touched, f"{module} imports {', '.join(sorted(touched))}"


def test_the_library_works_where_ros_cannot_be_imported(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    result = subprocess.run(
        [sys.executable, "-c", LIBRARY_WITHOUT_ROS],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.split("\n")[-2] == "Extractor [[0, 3], [1, 2], [2, 1], [3, 0]]"


def exit_code(program, folder):
    """Return what a program ends with that imports the package, in a folder of its own."""
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
        check=False,
    )
    return result.returncode


def test_a_tracker_starts_without_scipy(tmp_path):
    program = "import sys; from aliked_ros import *; sys.exit('scipy' in sys.modules)"
    assert exit_code(program, tmp_path) == 0


def test_importing_a_message_does_not_import_torch(tmp_path):
    program = "import sys, aliked_ros; sys.exit('torch' in sys.modules)"
    assert exit_code(program, tmp_path) == 0


def test_the_cpu_path_does_not_import_triton(tmp_path):
    program = """
import sys, numpy, torch
from aliked_ros import Extractor, ExtractorConfig
from aliked_ros.matching import match
config = ExtractorConfig(model="aliked-t16", weights="seed:0", device="cpu", max_keypoints=9)
features = Extractor(config)(numpy.random.default_rng(0).integers(0, 255, (40, 50), numpy.uint8))
match(features, features)
sys.exit("triton" in sys.modules)
"""
    assert exit_code(program, tmp_path) == 0
