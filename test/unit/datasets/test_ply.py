import numpy as np

from aliked_ros.datasets import ply


def test_points_are_read_back_as_they_were_written(tmp_path):
    points = np.array([[1.5, -2.25, 3.0], [0.001, 1000.0, -1e-5]])
    ply.write(tmp_path / "some.ply", points, np.array([3, 7]))
    lines = (tmp_path / "some.ply").read_text().splitlines()
    end = lines.index("end_header")
    assert lines[:3] == ["ply", "format ascii 1.0", "element vertex 2"]
    assert sum(line.startswith("property") for line in lines[:end]) == 4
    rows = np.array([line.split() for line in lines[end + 1 :]], float)
    np.testing.assert_allclose(rows, np.column_stack([points, [3, 7]]), rtol=1e-5)


def test_no_points_are_a_file_without_rows(tmp_path):
    ply.write(tmp_path / "none.ply", np.zeros((0, 3)), np.zeros(0, int))
    assert (tmp_path / "none.ply").read_text().endswith("end_header\n")
