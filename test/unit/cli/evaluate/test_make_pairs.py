import cv2
import numpy as np

from aliked_ros.__main__ import main
from aliked_ros.evaluation.pose.pair_lists import read_pairs


def test_a_seed_repeats_the_pairs_and_another_one_does_not(tmp_path):
    lists = []
    for number, seed in enumerate((3, 3, 4)):
        out = tmp_path / str(number)
        words = ["--out", str(out), "--count", "2", "--seed", str(seed)]
        assert main(["evaluate", "make-pairs", "synthetic", *words]) == 0
        lists.append((out / "pairs.txt").read_text())
    assert lists[0] == lists[1]
    assert lists[0] != lists[2]
    pair = read_pairs(tmp_path / "0" / "pairs.txt")[0]
    assert cv2.imread(str(tmp_path / "0" / pair.name0)).shape == (480, 640, 3)


def test_limits_that_no_pair_keeps_are_named(tmp_path, capsys):
    words = ["--out", str(tmp_path), "--translation-m", "50", "60"]
    assert main(["evaluate", "make-pairs", "synthetic", *words]) == 2
    assert "min_translation_m=50" in capsys.readouterr().err


def test_a_sequence_without_ground_truth_is_refused(tmp_path, capsys):
    folder = tmp_path / "walk"
    folder.mkdir()
    cv2.imwrite(str(folder / "a.png"), np.zeros((24, 32), np.uint8))
    (folder / "camera_info.yaml").write_text(
        "{image_width: 32, image_height: 24, "
        "camera_matrix: {data: [30, 0, 15.5, 0, 30, 11.5, 0, 0, 1]}}"
    )
    assert main(["evaluate", "make-pairs", str(folder), "--out", str(tmp_path / "out")]) == 2
    assert "has no ground truth" in capsys.readouterr().err
