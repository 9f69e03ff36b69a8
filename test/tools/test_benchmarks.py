"""Every benchmark runs, briefly, and prints its table."""

import json
import re

import pytest
import torch
from lightglue_world import random_state
from script_runs import NETWORK, ROOT, needs_ros, needs_triton, run

from aliked_ros.datasets.tum_writer import write_tum
from aliked_ros.network.trainable_lightglue import TrainableLightGlue
from aliked_ros.synthetic.room import SyntheticRoom


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
    for name in ("nearest neighbours", "ours, float32, all layers", "ours, float32, adaptive"):
        assert re.search(rf"{name} +[\d.]+ +[\d.]+ +[\d.]+ +\d+\n", printed)


def test_a_small_matcher_is_timed_with_the_features_that_it_takes(tmp_path):
    torch.save(TrainableLightGlue(64, 64, 1).state_dict(), tmp_path / "small.pth")
    printed = run(
        "bench/bench_lightglue.py", "--model", "aliked-t16", "--extractor-weights", "package",
        "--weights", tmp_path / "small.pth", "--keypoints", "40", "--repeats", "1",
    )  # fmt: skip
    assert "nothing to compare with" in printed
    assert re.search(r"ours, float32, all layers +[\d.]+ +[\d.]+ +[\d.]+ +[1-9]\d*\n", printed)


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
            "bench/bench_node_startup.py", ["--repeats", "1"],
            r"composed_node: made [\d.]+ s .*, answered [\d.]+ s .*, processor [\d.]+ s ",
            marks=needs_ros,
        ),
    ],
    ids=["messages", "nodes", "start-up of a node"],
)  # fmt: skip
def test_a_benchmark_of_the_nodes_gets_answers(script, arguments, printed):
    assert re.search(printed, run(script, *arguments))


@pytest.mark.ros
@pytest.mark.parametrize("layout", [[], ["--raw"]], ids=["as it is", "raw"])
def test_a_recording_is_played_live_and_answered(tmp_path, layout):
    pytest.importorskip("aliked_ros.msg", reason="the messages are not built: run make install")
    write_tum(SyntheticRoom(0, 160, 120, num_frames=30, texels_per_m=80.0), tmp_path / "room")
    options = ["--weights", "package", "--rate", "0.5", "--warm-up", "1", *layout]
    printed = run("bench/bench_live.py", tmp_path / "room", *options)
    assert re.search(r"[1-9]\d* of 30 images answered, [1-9]\d* with a pose", printed)


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


@pytest.mark.parametrize("folder", ["graf"])
@pytest.mark.ros
def test_short_descriptors_are_compared_with_long_ones(folder, shared, weights_dir):
    pytest.importorskip("aliked_ros.msg", reason="the messages are not built: run make install")
    arguments = ["--model", "aliked-t16", "--sequences", folder]
    printed = run("bench/bench_descriptor_types.py", *arguments)
    assert re.search(r"all +float32 +2 .*100.00%", printed)
    assert re.search(r"all +int8 +2 ", printed)
