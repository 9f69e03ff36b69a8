"""Every script of bench/ and scripts/ runs, briefly: what the documentation promises cannot rot."""

import ctypes
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
import torch
from script_runs import ROOT, TIMEOUT_S, needs_triton, run
from training_world import write_photographs

from aliked_ros.datasets.tum_writer import write_tum
from aliked_ros.network.aliked import ALIKED
from aliked_ros.network.weights import PACKAGED_FILE
from aliked_ros.synthetic.room import SyntheticRoom

SCRIPTS = sorted(
    str(path.relative_to(ROOT))
    for folder in ("bench", "scripts")
    for path in (ROOT / folder).glob("*.py")
)


def test_every_script_has_a_run_here():
    text = "".join(path.read_text() for path in Path(__file__).parent.glob("*.py"))
    assert [script for script in SCRIPTS if f'"{script}"' not in text] == []


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
        "batch_pairs": 1, "accumulate": 1,
    }  # fmt: skip
    options = [word for name, value in changes.items() for word in ("--set", f"{name}={value}")]
    printed = run(
        "scripts/ablate_training.py", ROOT / "config" / "train_t16.yaml",
        "--steps", "1", "--out", tmp_path / "out", *options, OMP_NUM_THREADS="1",
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


def test_a_wheel_holds_the_kernels_of_cmake_and_is_checked_where_it_was_installed(tmp_path):
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
    # What CMake builds.
    builds = [platform.machine()]
    if builds == ["x86_64"]:
        builds = re.findall(r"x86-64-v\d", (ROOT / "CMakeLists.txt").read_text())
    libraries = sorted(wheel.glob("aliked_ros/lib/*.so"))
    assert [path.name for path in libraries] == [
        f"libaliked_kernels_{build}.so" for build in sorted(builds)
    ]
    assert ctypes.CDLL(str(libraries[0])).aliked_convolve

    where = ["--prefix", wheel, "--scripts", wheel / "bin"]
    printed = run("scripts/check_wheel.py", *where, PYTHONPATH=str(wheel))
    assert re.search(r"aliked_ros [\d.]+ \(py3-none-linux_\w+\) works: \d+ keypoints", printed)
    (tag,) = wheel.glob("*.dist-info/WHEEL")
    tag.write_text(tag.read_text().replace("py3-none", "cp311-cp311"))
    said = run("scripts/check_wheel.py", *where, returncode=1, PYTHONPATH=str(wheel))
    assert "it must serve every Python 3" in said
    tag.write_text(tag.read_text().replace("cp311-cp311", "py3-none"))
    for kernels in libraries:
        kernels.unlink()  # loaded here: not to be overwritten
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
