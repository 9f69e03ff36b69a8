import numpy as np
import pytest

from aliked_ros.evaluation.pose.pair_lists import (
    PairListError,
    PosedPair,
    read_pairs,
    turn_upright,
    write_pairs,
)
from aliked_ros.geometry import se3
from aliked_ros.geometry.camera import project

K0 = np.array([[500.0, 0, 310.0], [0, 510.0, 250.0], [0, 0, 1]])
K1 = np.array([[600.0, 0, 300.0], [0, 590.0, 200.0], [0, 0, 1]])
T_1_0 = se3.exp(np.array([0.3, -0.1, 0.05, 0.1, -0.2, 0.05]))


def test_long_form_is_read_as_it_was_written(tmp_path):
    pairs = [
        PosedPair("a/0.png", "b/1.png", (1, 3), K0, K1, T_1_0),
        PosedPair("a/2.png", "b/3.png", (0, 0), K1, K0, np.eye(4)),
    ]
    write_pairs(tmp_path / "pairs.txt", pairs)
    assert {len(line.split()) for line in (tmp_path / "pairs.txt").open()} == {38}
    for written, read in zip(pairs, read_pairs(tmp_path / "pairs.txt"), strict=True):
        assert (read.name0, read.name1) == (written.name0, written.name1)
        assert read.quarter_turns == written.quarter_turns
        assert np.allclose(read.K0, written.K0)
        assert np.allclose(read.K1, written.K1)
        assert np.allclose(read.T_1_0, written.T_1_0, atol=1e-10)


def test_short_form_has_no_rotations(tmp_path):
    write_pairs(tmp_path / "long.txt", [PosedPair("a", "b", (0, 0), K0, K1, T_1_0)])
    columns = (tmp_path / "long.txt").read_text().split()
    (tmp_path / "short.txt").write_text(" ".join(columns[:2] + columns[4:]) + "\n\n")
    pair = read_pairs(tmp_path / "short.txt")[0]
    assert pair.quarter_turns == (0, 0)
    assert np.allclose(pair.K1, K1)
    assert np.allclose(pair.T_1_0, T_1_0, atol=1e-10)


@pytest.mark.parametrize("turns", [(0, 0), (1, 0), (2, 3), (3, 1)])
def test_upright_pair_sees_every_point_where_the_turned_pixels_are(turns):
    generator = np.random.default_rng(0)
    points0 = np.column_stack([generator.uniform(-1, 1, (50, 2)), generator.uniform(2, 5, 50)])
    images = []
    for K, points in ((K0, points0), (K1, se3.transform(T_1_0, points0))):
        image = np.zeros((480, 640, 3), np.uint8)
        x, y = np.round(project(points, K)).astype(int).T
        seen = (x >= 0) & (x < 640) & (y >= 0) & (y < 480)
        image[y[seen], x[seen]] = 255
        images.append(image)
    pair, upright0, upright1 = turn_upright(PosedPair("", "", turns, K0, K1, T_1_0), *images)
    R = np.linalg.matrix_power(np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]]), turns[0])
    upright_points0 = points0 @ R.T
    upright_points1 = se3.transform(pair.T_1_0, upright_points0)
    for image, K, points in (
        (upright0, pair.K0, upright_points0), (upright1, pair.K1, upright_points1)
    ):  # fmt: skip
        height, width = image.shape[:2]
        x, y = project(points, K).T
        seen = (x >= 1) & (x < width - 2) & (y >= 1) & (y < height - 2)
        assert seen.sum() > 10
        near = [image[int(v) : int(v) + 2, int(u) : int(u) + 2].any()
                for u, v in zip(x[seen], y[seen], strict=True)]  # fmt: skip
        assert all(near)
    assert pair.quarter_turns == (0, 0)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a b 1 2 3\n", "line 1 has 5 columns"),
        ("", "no pairs"),
        ("a b " + "x " * 34, "line 1"),
        ("a b " + "0 " * 34, "rigid"),
    ],
)
def test_broken_list_is_named_with_its_line(tmp_path, text, reason):
    (tmp_path / "pairs.txt").write_text(text)
    with pytest.raises(PairListError, match=reason):
        read_pairs(tmp_path / "pairs.txt")


def test_missing_list_is_named(tmp_path):
    with pytest.raises(PairListError, match="no such file"):
        read_pairs(tmp_path / "nothing.txt")
