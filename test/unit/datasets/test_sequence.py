import numpy as np
import pytest

from aliked_ros.datasets.sequence import (
    Calibration,
    DatasetError,
    FrameError,
    Pictures,
    Sequence,
)
from aliked_ros.structs import Camera


class FakeSequence(Sequence):
    layout = "fake"

    def __init__(self, stamps=(0, 10, 20, 30), broken=(), calibration=None, without_depth=()):
        self.reads = []
        self._broken, self._without_depth = broken, without_depth
        super().__init__(
            "fake0",
            np.array(stamps, np.int64),
            calibration or Calibration(),
            sensors=("mono", "rgbd"),
        )

    def _load(self, index, with_right, with_depth):
        self.reads.append(index)
        if index in self._broken:
            raise FrameError(index, "broken file")
        has_depth = with_depth and index not in self._without_depth
        depth_m = np.ones((24, 32), np.float32) if has_depth else None
        return Pictures(np.zeros((24, 32), np.uint8), None, depth_m)


def test_frames_come_in_order_with_their_stamps():
    assert [frame.stamp_ns for frame in FakeSequence()] == [0, 10, 20, 30]


def test_a_range_of_frames_can_be_asked_for():
    sequence = FakeSequence()
    assert [frame.stamp_ns for frame in sequence.frames(start=1, limit=2)] == [10, 20]
    assert list(sequence.frames(start=4)) == []


def test_a_broken_frame_is_reported_and_skipped():
    errors = []
    frames = list(FakeSequence(broken=(0, 2)).frames(on_error=errors.append))
    assert [frame.stamp_ns for frame in frames] == [10, 30]
    assert [error.index for error in errors] == [0, 2]
    assert "frame 0: broken file" in str(errors[0])


def test_a_broken_frame_is_raised_to_a_caller_who_does_not_listen():
    with pytest.raises(FrameError, match="frame 1"):
        list(FakeSequence(broken=(1,)))


def test_no_frame_is_read_twice_or_far_ahead():
    sequence = FakeSequence()
    frames = sequence.frames()
    next(frames)
    assert len(sequence.reads) <= 2
    list(frames)
    assert sequence.reads == [0, 1, 2, 3]


def test_only_what_the_sensor_needs_is_loaded():
    sequence = FakeSequence()
    assert sequence.read(0, "mono").depth_m is None
    assert sequence.read(0, "rgbd").depth_m is not None
    assert sequence.read(0).depth_m is not None


def test_a_frame_without_its_depth_comes_without_it():
    sequence = FakeSequence(without_depth=(0,))
    assert sequence.read(0).depth_m is None
    assert sequence.read(0, "rgbd").depth_m is None
    assert sequence.read(1, "rgbd").depth_m is not None


def test_depth_of_another_size_than_the_image_is_left_out_and_counted():
    sequence = FakeSequence()
    sequence._load = lambda *_: Pictures(
        np.zeros((24, 32), np.uint8), None, np.ones((12, 16), np.float32)
    )
    assert [frame.depth_m for frame in sequence.frames("rgbd")] == [None] * 4
    assert sequence.left_out == {
        "the depth image is 16x12, the image is 32x24: register the depth to the image": 4
    }


def test_a_sensor_that_cannot_be_served_is_named():
    with pytest.raises(DatasetError, match="serves mono, rgbd; sensor 'stereo'"):
        list(FakeSequence().frames("stereo"))
    why = Calibration(right_problem="/right/camera_info holds no message")
    with pytest.raises(DatasetError, match="/right/camera_info holds no message"):
        FakeSequence(calibration=why).require("stereo")


def test_why_there_is_no_camera_is_told():
    with pytest.raises(DatasetError, match="K is zero"):
        FakeSequence(calibration=Calibration(problem="K is zero")).require_camera()


def test_a_picture_of_another_size_than_the_camera_is_an_error():
    camera = Camera(640, 480, np.diag([500.0, 500.0, 1.0]))
    with pytest.raises(FrameError, match="image is 32x24, the calibration is for 640x480: give"):
        FakeSequence(calibration=Calibration(camera)).read(0)


def test_stamps_must_increase():
    with pytest.raises(DatasetError, match="stamp of frame 2"):
        FakeSequence(stamps=(0, 10, 10))


def test_a_sequence_without_frames_is_an_error():
    with pytest.raises(DatasetError, match="no frames"):
        FakeSequence(stamps=())


@pytest.mark.parametrize("index", [-1, 4])
def test_outside_the_sequence_there_is_nothing(index):
    with pytest.raises(IndexError):
        FakeSequence().read(index)


def test_missing_calibration_says_what_to_do():
    with pytest.raises(DatasetError, match=r"camera_info\.yaml.*--camera-info"):
        FakeSequence().require_camera()


@pytest.mark.parametrize(
    ("sensors", "best"),
    [(("mono",), "mono"), (("mono", "stereo"), "stereo"), (("mono", "stereo", "rgbd"), "rgbd")],
)
def test_the_best_sensor_measures_most(sensors, best):
    sequence = FakeSequence()
    sequence.sensors = sensors
    assert sequence.best_sensor == best
