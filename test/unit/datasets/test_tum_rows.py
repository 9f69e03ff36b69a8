import numpy as np
import pytest

from aliked_ros.datasets import tum_rows
from aliked_ros.geometry import se3


def test_rows_are_read_in_order_with_exact_stamps(tmp_path):
    file = tmp_path / "groundtruth.txt"
    file.write_text(
        "# a comment\n"
        "1311868169.163498 1 2 3 0 0 0 1\n"
        "\n"
        "1311868168.9034, 4, 5, 6, 0, 0, 0.70710678, 0.70710678\n"
    )
    truth = tum_rows.read(file)
    assert truth.stamps_ns.tolist() == [1311868168903400000, 1311868169163498000]
    np.testing.assert_allclose(truth.T_world_camera[1][:3, 3], [1, 2, 3])
    # A quarter turn about z takes x to y.
    np.testing.assert_allclose(truth.T_world_camera[0][:3, 0], [0, 1, 0], atol=1e-7)


def test_rows_without_a_pose_are_left_out(tmp_path):
    file = tmp_path / "rows.txt"
    file.write_text("1 nan nan nan 0 0 0 1\n2 0 0 0 0 0 0 0\n3 0 0 0 0 0 0 1\n")
    assert tum_rows.read(file).stamps_ns.tolist() == [3_000_000_000]


@pytest.mark.parametrize(
    "row", ["1 2 3", "1 a b c d e f g", "x 0 0 0 0 0 0 1", "1 0 0 0 0 1 0 0 0 0 1 0"]
)
def test_a_bad_row_is_named_with_file_and_line(tmp_path, row):
    file = tmp_path / "rows.txt"
    file.write_text(f"0 0 0 0 0 0 0 1\n{row}\n")
    with pytest.raises(ValueError, match=r"rows\.txt, line 2"):
        tum_rows.read(file)


def test_an_empty_file_gives_no_poses(tmp_path):
    file = tmp_path / "rows.txt"
    file.write_text("# nothing\n")
    assert len(tum_rows.read(file)) == 0


def test_what_was_written_is_read_back(tmp_path):
    T = se3.exp(np.array([1.0, -2.0, 3.0, 0.3, -2.0, 1.2]))
    tum_rows.write(tmp_path / "rows.txt", [(1403715276262142976, T)])
    truth = tum_rows.read(tmp_path / "rows.txt")
    assert truth.stamps_ns.tolist() == [1403715276262142976]
    np.testing.assert_allclose(truth.T_world_camera[0], T, atol=2e-9)
