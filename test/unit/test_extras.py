"""What runs on a robot needs no extra, and a missing extra is one clear sentence."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from aliked_ros.__main__ import main
from aliked_ros.datasets import open_sequence
from aliked_ros.datasets.tum_writer import write_tum
from aliked_ros.extras import MissingPackageError, require
from aliked_ros.synthetic.room import SyntheticRoom

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
NETWORK = ["--model", "aliked-t16", "--weights", "seed:0", "--max-keypoints", "200"]
NETWORK += ["--detection-threshold", "0.0"]

WITHOUT_EXTRAS = """
import importlib, importlib.abc, pkgutil, sys, time

class NoExtras(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"evo", "rosbags", "matplotlib", "rerun"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, NoExtras())
import aliked_ros
"""
EVERY_NODE = """
import aliked_ros.nodes

for module in pkgutil.walk_packages(aliked_ros.nodes.__path__, "aliked_ros.nodes."):
    importlib.import_module(module.name)
print("aliked_ros.nodes.composed_node" in sys.modules)
"""
FROM_IMAGES_TO_POSES = """
skipped = ("aliked_ros.nodes", "aliked_ros.msg", "aliked_ros.srv", "aliked_ros.__main__")
for module in pkgutil.walk_packages(aliked_ros.__path__, "aliked_ros."):
    if not module.name.startswith(skipped) and "_s__rosidl_" not in module.name:
        importlib.import_module(module.name)

from aliked_ros.config import ExtractorConfig, MatcherConfig, OdometryConfig
from aliked_ros.extractor import Extractor
from aliked_ros.odometry.pipeline import FramePipeline
from aliked_ros.odometry.rig import make_rig
from aliked_ros.odometry.visual_odometry import VisualOdometry
from aliked_ros.synthetic.room import SyntheticRoom

room = SyntheticRoom(0, 160, 120, num_frames=3, texels_per_m=60.0)
config = ExtractorConfig(
    model="aliked-t16", weights="seed:0", max_keypoints=300, detection_threshold=0.0, device="cpu"
)
rig = make_rig("rgbd", room.require_camera())
odometry = VisualOdometry(OdometryConfig(sensor="rgbd"), MatcherConfig(), rig.camera)
pipeline = FramePipeline(rig, odometry, time.perf_counter, Extractor(config))
print([pipeline.process(frame).result.state.value for frame in room.frames("rgbd")])
"""


def run_without_extras(program, folder):
    """Run a program where no extra can be imported; return its last line."""
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT_EXTRAS + program],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}"},
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.split("\n")[-2]


def test_images_become_poses_where_evo_rosbags_and_matplotlib_cannot_be_imported(tmp_path):
    assert run_without_extras(FROM_IMAGES_TO_POSES, tmp_path) == str(["tracking"] * 3)


def test_no_node_imports_evo_rosbags_or_matplotlib(tmp_path):
    pytest.importorskip("aliked_ros.msg", reason="the messages are not built: run make install")
    assert run_without_extras(EVERY_NODE, tmp_path) == "True"


def test_a_package_that_is_there_is_not_spoken_of():
    require("numpy", extra="plots", feature="this test")


def test_a_missing_package_is_one_sentence_with_feature_extra_and_command(hide_package):
    hide_package("evo")
    with pytest.raises(MissingPackageError) as error:
        require("evo", extra="evaluation", feature="scoring")
    text = str(error.value)
    assert text.startswith("scoring needs evo (")
    assert text.endswith('): pip install "aliked_ros[evaluation]"')


def _calls_of_require():
    for path in sorted((ROOT / "aliked_ros").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "require":
                extra = next(keyword.value for keyword in node.keywords if keyword.arg == "extra")
                yield path.stem, ast.unparse(node.args[0]), ast.literal_eval(extra)


@pytest.mark.parametrize(("module", "package", "extra"), list(_calls_of_require()))
def test_the_extra_that_a_sentence_names_installs_the_package(module, package, extra):
    if package == "package":  # these go through onnx and onnxscript
        assert module in ("onnx_export", "onnx_matcher")
        assert {line.partition(">=")[0] for line in EXTRAS[extra]} >= {"onnx", "onnxscript"}
        return
    assert any(line.startswith(f"{ast.literal_eval(package)}>=") for line in EXTRAS[extra])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A rendered room on disk."""
    path = tmp_path_factory.mktemp("room")
    write_tum(SyntheticRoom(0, 160, 120, num_frames=4, texels_per_m=60.0), path)
    return path


def _track(folder, out):
    return main(["track", str(folder), "--sensor", "rgbd", "--out", str(out), *NETWORK])


def test_without_evo_a_sequence_is_tracked_and_the_score_left_out(
    folder, hide_package, tmp_path, capsys
):
    hide_package("evo")
    assert _track(folder, tmp_path) == 0
    printed = capsys.readouterr().out.split("\n")
    assert "4 of 4 frames tracked" in printed[0]
    assert printed[1].startswith("latency: median")
    (sentence,) = [line for line in printed if "needs evo" in line]
    assert sentence.startswith("no score: scoring a trajectory (ATE, RPE) needs evo")
    assert 'pip install "aliked_ros[evaluation]"' in sentence
    report = yaml.safe_load((tmp_path / "report.json").read_text())
    assert report["score"] is None
    for name in ("trajectory.txt", "groundtruth.txt", "trajectory.png", "tracks.png"):
        assert (tmp_path / name).is_file()


def test_without_matplotlib_the_plot_is_left_out_and_an_older_one_does_not_stay(
    folder, hide_package, tmp_path, capsys
):
    (tmp_path / "trajectory.png").write_bytes(b"of an earlier run")
    hide_package("matplotlib")
    hide_package("evo")  # which needs matplotlib
    assert _track(folder, tmp_path) == 0
    printed = capsys.readouterr().out
    assert "no trajectory.png: drawing a plot needs matplotlib" in printed
    assert 'pip install "aliked_ros[plots]"' in printed
    assert not (tmp_path / "trajectory.png").exists()
    assert (tmp_path / "tracks.png").is_file()


@pytest.mark.parametrize(
    ("command", "package"),
    [
        (["homography", "nowhere"], "matplotlib"),
        (["pairs", "nowhere"], "matplotlib"),
        (["robustness", "nowhere"], "matplotlib"),
        (["speed", "nowhere"], "matplotlib"),
        (["odometry", "nowhere"], "matplotlib"),
        (["odometry", "nowhere"], "evo"),
    ],
)
def test_an_evaluation_says_at_the_beginning_what_its_end_needs(
    command, package, hide_package, tmp_path, capsys
):
    hide_package(package)
    assert main(["evaluate", *command, "--out", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert f"evaluate {command[0]} needs {package}" in error
    assert 'pip install "aliked_ros[evaluation]"' in error


def test_a_bag_without_rosbags_is_one_sentence(hide_package, tmp_path):
    (tmp_path / "metadata.yaml").write_text("")
    hide_package("rosbags")
    with pytest.raises(MissingPackageError, match=r"reading the bag .* needs rosbags .*\[bags\]"):
        open_sequence(tmp_path)
