import json
from dataclasses import fields, replace

import pytest

from aliked_ros.config import OdometryConfig, StereoConfig
from aliked_ros.evaluation.odometry.feature_choice import FeatureChoice
from aliked_ros.evaluation.odometry.run_spec import RunSpec, load_run, store_run

SPEC = RunSpec(
    "/data/lane", "stereo", FeatureChoice("sift", "sift", 500, 0.7), "none",
    OdometryConfig(sensor="stereo", seed=4), StereoConfig(),
)  # fmt: skip
OTHERS = {
    "sequence": "/other/lane", "sensor": "mono", "feature": replace(SPEC.feature, max_keypoints=9),
    "disturbance": "blur", "odometry": replace(SPEC.odometry, min_inliers=9),
    "stereo": StereoConfig(max_disparity_px=64), "max_frames": 7, "rpe_frames": 3,
    "disturbance_seed": 1, "is_pairs": True, "configuration": "wide",
}  # fmt: skip


def test_the_folder_says_what_a_reader_looks_for(tmp_path):
    folder = SPEC.folder(tmp_path)
    assert folder.parent == tmp_path
    assert folder.name.startswith("lane-stereo-none-sift-seed4-")


def test_every_knob_decides_the_folder(tmp_path):
    assert set(OTHERS) == {field.name for field in fields(RunSpec)}
    folders = {replace(SPEC, **{name: value}).folder(tmp_path) for name, value in OTHERS.items()}
    assert len(folders - {SPEC.folder(tmp_path)}) == len(OTHERS)


def test_a_run_is_loaded_when_it_is_finished(tmp_path):
    assert load_run(SPEC, tmp_path) is None
    SPEC.folder(tmp_path).mkdir()
    (SPEC.folder(tmp_path) / "run.json.part").write_text("{")
    assert load_run(SPEC, tmp_path) is None
    store_run(SPEC, tmp_path, SPEC.labels() | {"score": 0.5})
    figures = load_run(SPEC, tmp_path)
    assert (figures["method"], figures["seed"], figures["score"]) == ("sift", 4, 0.5)
    assert figures["config"]["odometry"]["seed"] == 4
    assert [path.name for path in SPEC.folder(tmp_path).iterdir()] == ["run.json"]


def test_figures_that_are_no_json_leave_the_run_unfinished(tmp_path):
    SPEC.folder(tmp_path).mkdir()
    with pytest.raises(TypeError):
        store_run(SPEC, tmp_path, {"score": object()})
    assert load_run(SPEC, tmp_path) is None
    store_run(SPEC, tmp_path, {"score": None})
    assert json.loads((SPEC.folder(tmp_path) / "run.json").read_text()) == {"score": None}
