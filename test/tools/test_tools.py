"""Every script of bench/ and scripts/ runs, briefly: what the documentation promises cannot rot."""

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
import torch
from lightglue_world import random_state
from training_world import write_photographs

from aliked_ros.datasets.tum_writer import write_tum
from aliked_ros.network.aliked import ALIKED
from aliked_ros.network.trainable_lightglue import TrainableLightGlue
from aliked_ros.network.weights import PACKAGED_FILE
from aliked_ros.synthetic.room import SyntheticRoom

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted(
    str(path.relative_to(ROOT))
    for folder in ("bench", "scripts")
    for path in (ROOT / folder).glob("*.py")
)
TIMEOUT_S = 300
NETWORK = ["--model", "aliked-t16", "--weights", "seed:0", "--max-keypoints", "50"]

needs_ros = [
    pytest.mark.ros,
    pytest.mark.skipif(
        importlib.util.find_spec("rclpy") is None, reason="ROS is not installed: run make install"
    ),
]


needs_triton = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None, reason="triton is not installed"
)


def run(script, *arguments, returncode=0, **environment):
    """Run a script as a user does; return what it printed, or said on stderr if it failed."""
    process = subprocess.Popen(
        [sys.executable, str(ROOT / script), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "ROS_DOMAIN_ID": str(1 + os.getpid() % 100), **environment},
        start_new_session=True,
    )
    try:
        printed, said = process.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        # With Ctrl-C a script ends the nodes that it has started.
        os.killpg(process.pid, signal.SIGINT)
        printed, said = process.communicate(timeout=60)
        pytest.fail(f"{script} did not end within {TIMEOUT_S} s: {said}")
    assert process.returncode == returncode, said
    assert "Traceback" not in said
    return printed if returncode == 0 else said


def test_every_script_has_a_run_here():
    text = Path(__file__).read_text()
    assert [script for script in SCRIPTS if f'"{script}"' not in text] == []


@pytest.mark.parametrize(
    ("script", "arguments", "printed"),
    [
        (
            "bench/bench_bundle_adjustment.py",
            ["--windows", "1", "--keyframes", "4", "--landmarks", "100"],
            r"(?s)half with depth.*compiled +median [\d.]+ ms.*position error.*numpy / compiled",
        ),
        (
            "bench/bench_extractor.py",
            [*NETWORK, "--size", "128x96", "--repeats", "1"],
            r"aliked_ros, plain torch: [\d.]+ times as long per image",
        ),
        (
            "bench/bench_extractor.py",
            [*NETWORK, "--size", "64x64", "--repeats", "1", "--batch", "2"],
            r"aliked_ros, float32, one image",
        ),
        (
            "bench/bench_contention.py",
            [*NETWORK, "--size", "128x96", "--repeats", "2", "--busy", "1"],
            r"aliked_ros, \D+0 +[\d.]+ .*\n.*aliked_ros, \D+1 +[\d.]+ ",
        ),
        (
            "bench/bench_large_images.py",
            [*NETWORK, "--sizes", "1280x720", "--repeats", "1"],
            r"aliked-t16 +1280x720 +[1-9]\d+ +\d+ +\d+ +[\d.]+ +[\d.]+\n",
        ),
        ("bench/bench_matching.py", ["--num", "64", "--repeats", "1"], r"ratio [\d.]+"),
        (
            "bench/bench_pose.py",
            ["--landmarks", "50", "--keypoints", "60", "--repeats", "1"],
            r"(?s)pose refinement .*search by place .* numpy / compiled [\d.]+",
        ),
        (
            "bench/bench_startup.py",
            ["--repeats", "1"],
            r"warm( +[\d.]+){8}\ncold( +[\d.]+){8}\n",
        ),
    ],
    ids=[
        "bundle adjustment",
        "extractor",
        "extractor with batches",
        "contention",
        "large images",
        "matching",
        "pose",
        "start-up",
    ],
)
def test_a_benchmark_prints_its_table(script, arguments, printed):
    assert re.search(printed, run(script, *arguments))


def test_lightglue_is_timed_beside_nearest_neighbours(tmp_path):
    weights = tmp_path / "own.pth"
    torch.save(random_state(1), weights)
    printed = run(
        "bench/bench_lightglue.py", "--extractor-weights", "seed:0", "--weights", weights,
        "--keypoints", "20", "--repeats", "1",
    )  # fmt: skip
    for name in ("nearest neighbours", "ours, all layers", "ours, adaptive"):
        assert re.search(rf"{name} +[\d.]+ +[\d.]+ +\d+", printed)


def test_a_small_matcher_is_timed_with_the_features_that_it_takes(tmp_path):
    torch.save(TrainableLightGlue(64, 64, 1).state_dict(), tmp_path / "small.pth")
    printed = run(
        "bench/bench_lightglue.py", "--model", "aliked-t16", "--extractor-weights", "package",
        "--weights", tmp_path / "small.pth", "--keypoints", "40", "--repeats", "1",
    )  # fmt: skip
    assert "nothing to compare with" in printed
    assert re.search(r"ours, all layers +[\d.]+ +[\d.]+ +[1-9]\d*\n", printed)


@pytest.mark.parametrize(
    ("script", "arguments", "printed"),
    [
        pytest.param(
            "bench/bench_messages.py", ["--repeats", "3"], r"median of 3, [1-3] received",
            marks=needs_ros,
        ),
        pytest.param(
            "bench/bench_nodes.py",
            ["--images", "20", "--memory-images", "10"],
            r"(?s)20 images sent, [1-9].*odometry received \(composed\).*"
            r"20 images sent, [1-9].*[1-9]\d* of 10 answered.*[1-9]\d* of 10 answered",
            marks=needs_ros,
        ),
        pytest.param(
            "bench/bench_live.py",
            ["synthetic", "--weights", "package", "--rate", "5", "--warm-up", "1"],
            r"[1-9]\d* of 300 images answered, [1-9]\d* with a pose",
            marks=needs_ros,
        ),
    ],
    ids=["messages", "nodes", "live"],
)  # fmt: skip
def test_a_benchmark_of_the_nodes_gets_answers(script, arguments, printed):
    assert re.search(printed, run(script, *arguments))


@needs_triton
def test_a_dry_run_finds_mistakes_in_the_benchmark_of_the_gpu(tmp_path):
    printed = run("bench/bench_gpu.py", "--dry", "--steps", "machine,matching", "--out", tmp_path)
    assert re.search(r"== matching: ok .*\n  64:\n    same: True\n    matches: [1-9]", printed)
    assert "ERROR" not in printed
    assert set(json.loads((tmp_path / "gpu.json").read_text())) == {"machine", "matching", "whole"}


@needs_triton
def test_every_cut_that_the_benchmark_of_the_gpu_tries_is_one_of_a_launch(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "bench"))
    from gpu import kernels

    from aliked_ros.inference.cuda.tuning import choices

    known = {name: set(choice) for name, choice in choices().items()}
    tried = [*kernels.VARIANTS.items(), ("match", kernels.MATCHING_CUTS)]
    wrong = [(name, cut) for name, cuts in tried for cut in cuts if not set(cut) <= known[name]]
    assert tried
    assert wrong == []


@needs_triton
def test_kernels_are_compiled_for_a_card_that_is_not_here():
    options = ["--model", "aliked-t16", "--target", "90", "--precision", "float32"]
    printed = run("scripts/compile_kernels.py", *options, "--launch", "normalise", "keep")
    rows = [line.split() for line in printed.splitlines()[1:]]
    assert [row[0] for row in rows] == ["keep", "normalise"]
    for row in rows:
        registers, spilled = int(row[5]), int(row[6])
        assert 0 < registers <= 255
        assert spilled == 0


@pytest.mark.parametrize("script", ["bench/bench_gpu.py", "scripts/compile_kernels.py"])
def test_a_script_of_the_gpu_says_that_triton_is_missing(tmp_path, script):
    (tmp_path / "triton.py").write_text("raise ImportError('hidden')")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    said = run(script, returncode=2, PYTHONPATH=path, OUT=str(tmp_path))
    assert 'needs triton (hidden): pip install "aliked_ros[gpu]"' in said


@pytest.mark.parametrize("folder", ["graf"])
@pytest.mark.ros
def test_short_descriptors_are_compared_with_long_ones(folder, shared, weights_dir):
    pytest.importorskip("aliked_ros.msg", reason="the messages are not built: run make install")
    arguments = ["--model", "aliked-t16", "--sequences", folder]
    printed = run("bench/bench_descriptor_types.py", *arguments)
    assert re.search(r"all +float32 +2 .*100.00%", printed)
    assert re.search(r"all +int8 +2 ", printed)


@pytest.mark.ros
def test_the_demo_plays_a_sequence_and_leaves_figures_and_pictures(tmp_path):
    pytest.importorskip("aliked_ros.msg", reason="the messages are not built: run make install")
    write_tum(SyntheticRoom(0, 320, 240, num_frames=8, texels_per_m=80.0), tmp_path / "room")
    network = ["--model", "aliked-t16", "--weights", PACKAGED_FILE, "--device", "cpu"]
    printed = run(
        "scripts/demo.py", tmp_path / "room", "--sensor", "rgbd", *network, "--out", tmp_path
    )
    assert "with a measured pose   8" in printed
    assert "ate_rmse_m" in printed
    for name in ("summary.json", "trajectory.txt", "trajectory.png", "tracks.png"):
        assert (tmp_path / name).is_file()


def test_every_variant_of_the_ablation_has_a_row(tmp_path):
    photographs = write_photographs(tmp_path / "photographs")
    changes = {
        "photographs": photographs, "validation": photographs, "validation_pairs": 1,
        "size_px": 64, "num_detected": 16, "num_random": 16, "num_workers": 0, "device": "cpu",
    }  # fmt: skip
    options = [word for name, value in changes.items() for word in ("--set", f"{name}={value}")]
    printed = run(
        "scripts/ablate_training.py", ROOT / "config" / "train_t16.yaml",
        "--steps", "1", "--out", tmp_path / "out", *options,
    )  # fmt: skip
    rows = [line for line in printed.splitlines() if line.startswith("| ")]
    assert len(rows) == 2 + 5
    assert rows[3].startswith("| triplet loss | ")


def test_a_checkpoint_is_packaged_in_half_precision(tmp_path):
    network = ALIKED.from_seed("aliked-t16", 3)
    torch.save(network.state_dict(), tmp_path / "best.pth")
    packaged = tmp_path / "packaged.pth"
    printed = run("scripts/package_weights.py", tmp_path / "best.pth", "--out", packaged)
    assert re.search(r"packaged\.pth: \d+ kB, SHA-256 [0-9a-f]{64}", printed)
    halves = torch.load(packaged, weights_only=True)
    for name, value in network.state_dict().items():
        torch.testing.assert_close(halves[name].to(value), value, rtol=1e-3, atol=1e-4)
    assert halves["block1.conv1.weight"].dtype == torch.float16


def test_the_picture_of_the_readme_moves(tmp_path):
    out = tmp_path / "overview.webp"
    # The weights that come along: an untrained network finds nothing again.
    own = ["--model", "aliked-t16", "--weights", "package"]
    printed = run("scripts/readme_picture.py", *own, "--frames", 4, "--every", 2, "--out", out)
    assert "2 pictures" in printed
    is_read, animation = cv2.imreadanimation(str(out))
    assert is_read
    assert [frame.shape[:2] for frame in animation.frames] == [(330, 770)] * 2


def test_the_map_of_files_in_the_architecture_is_new():
    run("scripts/file_map.py", "--check")


def test_the_map_of_files_is_written_from_docstrings(tmp_path):
    document = tmp_path / "docs" / "architecture.md"
    (tmp_path / "aliked_ros" / "room").mkdir(parents=True)
    (tmp_path / "aliked_ros" / "room" / "thing.py").write_text('"""What it does.\n\nMore."""\n')
    document.parent.mkdir()
    document.write_text("# Kept\n<!-- from here on written by scripts/file_map.py -->\nold\n")
    check = ["--check", "--root", tmp_path]
    assert "is old" in run("scripts/file_map.py", *check, returncode=1)
    run("scripts/file_map.py", "--root", tmp_path)
    run("scripts/file_map.py", *check)
    text = document.read_text()
    assert text.startswith("# Kept\n")
    assert text.endswith("### `aliked_ros/room/`\n\n| file | what |\n|---|---|\n"
                         "| `thing.py` | What it does. |\n")  # fmt: skip


def test_the_parameters_are_written_to_readme_and_file(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(
        "a\n<!-- parameters: scripts/write_parameters.py -->\nbygone\n<!-- end -->\nb\n"
    )
    (tmp_path / "config").mkdir()
    for _ in range(2):  # safe to repeat
        run("scripts/write_parameters.py", tmp_path)
    text = readme.read_text()
    assert (text[:2], text[-2:], "bygone" in text) == ("a\n", "b\n", False)
    assert "`odometry.sensor`" in text
    assert "odometry:" in (tmp_path / "config" / "aliked.yaml").read_text()


def test_the_reference_of_the_messages_is_written_from_them(tmp_path):
    for folder in ("msg", "srv", "docs"):
        (tmp_path / folder).mkdir()
    (tmp_path / "msg" / "A.msg").write_text("# About.\nuint8 X=1\nfloat32 y  # m\n   # more\n")
    (tmp_path / "srv" / "B.srv").write_text("# Sets.\nbool a  # on\n---\nbool b  # done\n")
    run("scripts/write_messages.py", tmp_path)
    page = (tmp_path / "docs" / "messages.md").read_text()
    assert "## A.msg\n\nAbout.\n" in page
    assert "| `X = 1` | uint8 |  |\n| `y` | float32 | m more |\n" in page
    assert "| `a` | bool | on |\n| **answer** |  |  |\n| `b` | bool | done |\n" in page


PIP = """
import json, re, sys
from pathlib import Path
words = sys.argv[1:]
python = words[words.index("--python-version") + 1] if "--python-version" in words else "source"
pins = [re.fullmatch(r"([\\w.-]+)==(.+)", word) for word in words]
items = [
    {
        "metadata": {"name": pin[1].replace("-", "_")},
        "download_info": {"archive_info": {"hashes": {"sha256": f"{pin[1]}-{pin[2]}-{python}"}}},
    }
    for pin in pins
    if pin
]
Path(words[words.index("--report") + 1]).write_text(json.dumps({"install": items}))
"""


def test_hashes_are_those_of_the_files_that_pip_would_take(tmp_path):
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip" / "__init__.py").touch()
    (tmp_path / "pip" / "__main__.py").write_text(PIP)
    run("scripts/write_hashes.py", "--out", tmp_path / "hashes", PYTHONPATH=str(tmp_path))
    text = (tmp_path / "hashes" / "tools_from_pypi.txt").read_text()
    assert (
        'numpy==2.1.3; python_version >= "3.13" \\\n    --hash=sha256:numpy-2.1.3-3.13\n'
    ) in text
    assert "empy==3.3.4 \\\n    --hash=sha256:empy-3.3.4-source\n" in text
    assert "tqdm-4.67.1-3.10" in text
    assert "torch-2.13.0-3.13" in (tmp_path / "hashes" / "requirements.txt").read_text()
    cpu = (tmp_path / "hashes" / "torch_cpu.txt").read_text()
    assert cpu == (ROOT / "scripts" / "hashes" / "torch_cpu.txt").read_text()
    assert len(re.findall("--hash=sha256:[0-9a-f]{64}", cpu)) == 3


def test_a_wheel_is_checked_where_it_was_installed(tmp_path):
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    tree = tmp_path / "tree"  # what lies in build/ is of other builds
    tree.mkdir()
    for name in (
        "aliked_ros",
        "src",
        "setup.py",
        "pyproject.toml",
        "MANIFEST.in",
        "README.md",
        "LICENSE",
    ):
        (tree / name).symlink_to(ROOT / name)
    wheel = tmp_path / "wheel"
    subprocess.run(
        [*pip, "--no-build-isolation", "--target", wheel, tree], check=True, timeout=TIMEOUT_S
    )
    where = ["--prefix", wheel, "--scripts", wheel / "bin"]
    printed = run("scripts/check_wheel.py", *where, PYTHONPATH=str(wheel))
    assert re.search(r"aliked_ros [\d.]+ works: \d+ keypoints", printed)
    for kernels in wheel.glob("aliked_ros/lib/*.so"):
        kernels.write_bytes(b"")
    without = {"PYTHONPATH": str(wheel), "LD_LIBRARY_PATH": ""}
    said = run("scripts/check_wheel.py", *where, returncode=1, **without)
    assert "the wheel runs without compiled kernels" in said


def test_exports_of_a_foreign_machine_get_the_folders_of_this_one(tmp_path):
    export = tmp_path / "share" / "some_msgs" / "cmake" / "export.cmake"
    export.parent.mkdir(parents=True)
    export.write_text('INCLUDE "/opt/python/cp312-cp312/include/python3.12;/usr/include"\n')
    for _ in range(2):  # safe to repeat
        run("scripts/relocate_cmake_exports.py", "--prefix", tmp_path)
        named = re.findall(r'"(.*);/usr/include"', export.read_text())
        assert [Path(folder).is_dir() for folder in named] == [True]


@pytest.mark.parametrize(
    ("script", "arguments", "reason"),
    [
        ("scripts/ablate_training.py", ["nowhere.yaml"], "nowhere.yaml"),
        ("scripts/package_weights.py", ["nowhere.pth"], "nowhere.pth"),
        ("scripts/readme_picture.py", ["--frames", 0], "give 1 <= every <= frames"),
        ("scripts/readme_picture.py", ["--out", "picture.txt"], "name that ends in .webp"),
        ("scripts/ablate_training.py", [], "arguments are required"),
        ("scripts/package_weights.py", [], "arguments are required"),
        ("bench/bench_gpu.py", ["--dry", "--steps", "speed"], "no step is called speed"),
        pytest.param(
            "scripts/compile_kernels.py",
            ["--launch", "x"],
            "no launch is called x",
            marks=needs_triton,
        ),
    ],
)
def test_what_is_missing_is_said_without_a_traceback(script, arguments, reason):
    assert reason in run(script, *arguments, returncode=2)
