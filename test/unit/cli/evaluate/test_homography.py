import json

import cv2
import numpy as np
import pytest

from aliked_ros.__main__ import main

H_1_0 = np.array([[1.02, 0.03, -2.0], [-0.02, 0.99, 3.0], [5e-5, 0, 1.0]])


@pytest.fixture
def hpatches(tmp_path):
    """One sequence of two images that show the same corners."""
    folder = tmp_path / "v_boxes"
    folder.mkdir()
    generator = np.random.default_rng(0)
    image = np.full((200, 260, 3), 120, np.uint8)
    for _ in range(120):
        corner = (int(generator.integers(240)), int(generator.integers(180)))
        size = generator.integers(6, 25, 2)
        grey = [int(value) for value in generator.integers(0, 255, 3)]
        cv2.rectangle(image, corner, (corner[0] + int(size[0]), corner[1] + int(size[1])), grey, -1)
    image = cv2.GaussianBlur(image, (0, 0), 1.0)
    cv2.imwrite(str(folder / "1.ppm"), image)
    cv2.imwrite(str(folder / "2.ppm"), cv2.warpPerspective(image, H_1_0, (260, 200)))
    np.savetxt(folder / "H_1_2", H_1_0)
    return tmp_path


def evaluate(root, out, *more):
    methods = ["--methods", "sift,orb", "--max-keypoints", "500"]
    return main(["evaluate", "homography", str(root), "--out", str(out), *methods, *more])


def test_known_homography_gives_table_json_and_plots(hpatches, tmp_path, capsys):
    out = tmp_path / "out"
    assert evaluate(hpatches, out, "--sizes", "0,160") == 0
    document = json.loads((out / "homography.json").read_text())
    for size in ("0", "160"):
        summary = document["sizes"][size]["sift"]["summary"]
        assert summary["pairs"] == 1
        assert summary["MMA@3"] > 80
        assert summary["MHA@3"] == 100
    assert document["frames_per_second"]["orb"] > 0
    text = (out / "homography.md").read_text()
    assert "| sift" in text
    assert "commit" in document["provenance"]
    assert "MMA@3" in capsys.readouterr().out
    assert cv2.imread(str(out / "homography_mma.png")) is not None
    assert cv2.imread(str(out / "homography_pareto.png")) is not None


def test_second_run_takes_features_from_the_first_and_gives_the_same(hpatches, tmp_path):
    out = tmp_path / "out"
    evaluate(hpatches, out, "--no-speed")
    files = {path: path.stat().st_mtime_ns for path in (out / "features").rglob("*.npz")}
    assert len(files) == 4  # two methods, two images
    first = json.loads((out / "homography.json").read_text())["sizes"]
    evaluate(hpatches, out, "--no-speed")
    assert {path: path.stat().st_mtime_ns for path in (out / "features").rglob("*.npz")} == files
    assert json.loads((out / "homography.json").read_text())["sizes"] == first


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (("--sizes", "0,big"), "--sizes is '0,big'"),
        (("--estimator", "magsac"), "magsac"),
        (("--methods", "surf"), "surf"),
    ],
)
def test_bad_option_is_one_line_that_names_it(hpatches, tmp_path, capsys, more, reason):
    assert evaluate(hpatches, tmp_path / "out", *more) == 2
    assert reason in capsys.readouterr().err
