import json

import numpy as np
import pytest
import torch
from lightglue_world import random_state

from aliked_ros import matching
from aliked_ros.__main__ import main
from aliked_ros.datasets import DatasetError, open_sequence
from aliked_ros.evaluation.pose.pair_lists import read_pairs
from aliked_ros.evaluation.pose.sampling import Limits, sample_pairs
from aliked_ros.geometry import se3
from aliked_ros.network import released


@pytest.fixture(scope="module")
def made_pairs(tmp_path_factory):
    """Pairs of the rendered room, made by the command."""
    folder = tmp_path_factory.mktemp("pairs")
    arguments = ["--out", str(folder), "--count", "3", "--translation-m", "0.3", "0.6"]
    assert main(["evaluate", "make-pairs", "synthetic", *arguments]) == 0
    return folder


def test_made_pairs_keep_the_limits_and_name_images_that_exist(made_pairs):
    pairs = read_pairs(made_pairs / "pairs.txt")
    assert len(pairs) == 3
    for pair in pairs:
        assert 0.3 <= np.linalg.norm(pair.T_1_0[:3, 3]) <= 0.6
        assert se3.rotation_angle_deg(pair.T_1_0[:3, :3]) <= 40
        assert (made_pairs / pair.name0).is_file()
        assert (made_pairs / pair.name1).is_file()


def test_true_pairs_of_a_rendered_room_are_solved(made_pairs, tmp_path):
    out = tmp_path / "out"
    arguments = ["--out", str(out), "--methods", "sift", "--budgets", "500,1000"]
    assert main(["evaluate", "pairs", str(made_pairs / "pairs.txt"), *arguments]) == 0
    document = json.loads((out / "pairs.json").read_text())
    for budget in ("500", "1000"):
        rows = document["budgets"][budget]["sift"]
        assert len(rows) == 3
        assert np.median([row["poselib"] for row in rows]) < 3
        assert np.median([row["opencv"] for row in rows]) < 5
        assert min(row["precision"] for row in rows) > 0.3
    matches = [[row["matches"] for row in document["budgets"][b]["sift"]] for b in ("500", "1000")]
    assert sum(matches[0]) < sum(matches[1])
    assert "poselib AUC@5" in (out / "pairs.md").read_text()
    assert (out / "pairs_auc.png").is_file()


def test_limits_that_no_pair_keeps_are_an_error():
    with pytest.raises(DatasetError, match="no two frames"):
        sample_pairs(open_sequence("synthetic"), 5, Limits(500.0, 600.0))


def test_missing_list_is_one_line(tmp_path, capsys):
    missing = str(tmp_path / "nothing.txt")
    assert main(["evaluate", "pairs", missing, "--out", str(tmp_path)]) == 2
    assert "nothing.txt" in capsys.readouterr().err


def test_lightglue_pairs_the_features_of_its_method(made_pairs, tmp_path, monkeypatch):
    weights = tmp_path / "aliked_lightglue.pth"
    torch.save(random_state(1), weights)
    monkeypatch.setitem(released.RELEASE_SHA256, released.LIGHTGLUE, released.sha256_of(weights))
    monkeypatch.setenv("ALIKED_WEIGHTS", str(tmp_path))
    matching._lightglue.cache_clear()
    out, plain = tmp_path / "out", "aliked-n16:seed:0"
    arguments = ["--out", str(out), "--methods", f"{plain},{plain}+lightglue", "--budgets", "100"]
    try:
        assert main(["evaluate", "pairs", str(made_pairs / "pairs.txt"), *arguments]) == 0
    finally:
        matching._lightglue.cache_clear()
    rows = json.loads((out / "pairs.json").read_text())["budgets"]["100"]
    counts = {name: [row["matches"] for row in found] for name, found in rows.items()}
    assert len(counts[plain]) == len(counts[f"{plain}+lightglue"]) == 3
    assert counts[plain] != counts[f"{plain}+lightglue"]
    assert len([*(out / "features").iterdir()]) == 1  # they share what was extracted


def test_lightglue_is_refused_where_nothing_is_matched_by_it(tmp_path, capsys):
    arguments = ["--methods", "aliked-n16:seed:0+lightglue", "--out", str(tmp_path)]
    assert main(["evaluate", "hloc-features", str(tmp_path), *arguments]) == 2
    assert "lightglue" in capsys.readouterr().err
