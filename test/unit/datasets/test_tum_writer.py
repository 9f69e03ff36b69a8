import numpy as np
import pytest

from aliked_ros.datasets import open_sequence
from aliked_ros.datasets.tum_writer import write_tum
from aliked_ros.synthetic.room import SyntheticRoom


@pytest.fixture(scope="module")
def room():
    return SyntheticRoom(1, 64, 48, num_frames=3, texels_per_m=40.0)


def test_a_written_tum_folder_is_read_back(room, tmp_path):
    write_tum(room, tmp_path)
    again = open_sequence(tmp_path)
    assert again.layout == "tum"
    assert again.stamps_ns.tolist() == room.stamps_ns.tolist()
    np.testing.assert_allclose(again.camera.K, room.camera.K)
    for index in range(len(room)):
        written, frame = again.read(index, "rgbd"), room.read(index)
        np.testing.assert_array_equal(written.image, frame.image)
        np.testing.assert_allclose(written.depth_m, frame.depth_m, atol=1.1e-4)
        np.testing.assert_allclose(written.T_world_camera, frame.T_world_camera, atol=1e-8)
