"""Options that the evaluations share."""

import argparse

import numpy as np
import pytest

from aliked_ros.cli.evaluate.method_options import add_options, measure_speed, open_contestants

IMAGE = np.random.default_rng(0).integers(0, 256, (96, 128), np.uint8)


def parse(tmp_path, *words):
    parser = argparse.ArgumentParser()
    add_options(parser, max_keypoints=40)
    return parser.parse_args(["--out", str(tmp_path / "out"), *map(str, words)])


def test_methods_are_opened_with_the_budget_of_the_options(tmp_path):
    (orb,) = open_contestants(parse(tmp_path, "--methods", "orb", "--max-keypoints", 7))
    assert 0 < len(orb.extract(IMAGE)) <= 7


def test_a_command_may_have_a_budget_of_its_own(tmp_path):
    options = parse(tmp_path, "--methods", "orb", "--max-keypoints", 7)
    (orb,) = open_contestants(options, max_keypoints=3)
    assert 0 < len(orb.extract(IMAGE)) <= 3


@pytest.mark.parametrize("named", [False, True])
def test_features_are_kept_below_the_output_or_where_the_options_say(tmp_path, named):
    folder = tmp_path / "kept" if named else tmp_path / "out" / "features"
    options = parse(tmp_path, "--methods", "orb", *(["--cache", folder] if named else []))
    (orb,) = open_contestants(options)
    orb.extract(IMAGE)
    assert any(path.is_file() for path in folder.rglob("*"))


def test_speed_is_measured_per_method(tmp_path):
    speeds = measure_speed(IMAGE, parse(tmp_path, "--methods", "orb,sift"), repeats=1)
    assert set(speeds) == {"orb", "sift"}
    assert all(np.isfinite(speed) and speed > 0 for speed in speeds.values())


@pytest.mark.parametrize("number", ["0", "-3"])
def test_a_budget_below_one_is_refused(tmp_path, capsys, number):
    with pytest.raises(SystemExit):
        parse(tmp_path, f"--max-keypoints={number}")
    assert f"{number}: must be at least 1" in capsys.readouterr().err
