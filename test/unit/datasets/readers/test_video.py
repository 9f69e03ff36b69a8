import cv2
import numpy as np
import pytest

from aliked_ros.datasets import Options, open_sequence
from aliked_ros.datasets.sequence import DatasetError


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "walk.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25.0, (32, 24))
    if not writer.isOpened():
        pytest.skip("this OpenCV cannot write Motion JPEG")
    for index in range(5):
        picture = np.zeros((24, 32, 3), np.uint8)
        picture[:, :, 2] = 40 * (index + 1)  # red, in OpenCV's order
        writer.write(picture)
    writer.release()
    return path


def test_a_video_is_decoded_in_order_with_stamps_at_its_rate(video):
    sequence = open_sequence(video)
    assert (sequence.layout, sequence.name, len(sequence)) == ("video", "walk", 5)
    assert sequence.stamps_ns.tolist() == [0, 40_000_000, 80_000_000, 120_000_000, 160_000_000]
    reds = [float(frame.image[:, :, 0].mean()) for frame in sequence]
    np.testing.assert_allclose(reds, [40, 80, 120, 160, 200], atol=6)


def test_a_frame_can_be_read_again(video):
    sequence = open_sequence(video)
    assert float(sequence.read(3).image[:, :, 0].mean()) == pytest.approx(160, abs=6)
    assert float(sequence.read(0).image[:, :, 0].mean()) == pytest.approx(40, abs=6)


def test_the_calibration_beside_a_video_is_found(video, save_camera_info):
    save_camera_info(video.with_name("camera_info.yaml"), 40.0)
    assert open_sequence(video).camera.K[0, 0] == 40.0
    save_camera_info(video.with_name("walk.yaml"), 50.0)
    assert open_sequence(video).camera.K[0, 0] == 50.0


def test_a_broken_video_is_named(tmp_path):
    (tmp_path / "broken.mp4").write_bytes(b"nothing")
    with pytest.raises(DatasetError, match=r"broken\.mp4 cannot be opened"):
        open_sequence(tmp_path / "broken.mp4")


@pytest.fixture
def times(monkeypatch):
    """Return a function that lets OpenCV tell other times of the frames, ms."""

    capture = cv2.VideoCapture

    class Wrapped:
        times_ms = ()

        def __init__(self, path):
            self._capture, self._num_grabbed = capture(path), 0

        def __getattr__(self, name):
            return getattr(self._capture, name)

        def grab(self):
            self._num_grabbed += 1
            return self._capture.grab()

        def get(self, what):
            if what == cv2.CAP_PROP_POS_MSEC:
                return self.times_ms[self._num_grabbed - 1]
            return self._capture.get(what)

    def tell(times_ms):
        Wrapped.times_ms = times_ms
        monkeypatch.setattr(cv2, "VideoCapture", Wrapped)

    return tell


def test_times_of_the_container_count(video, times):
    times([0.0, 33.0, 67.0, 167.0, 267.0])
    sequence = open_sequence(video)
    assert sequence.stamps_ns.tolist() == [0, 33_000_000, 67_000_000, 167_000_000, 267_000_000]
    assert sequence.has_stamps
    assert sequence.remarks == ()


def test_a_rate_that_contradicts_varying_times_is_said(video, times):
    times([0.0, 33.0, 67.0, 167.0, 267.0])
    sequence = open_sequence(video, rate_hz=25.0)
    assert sequence.stamps_ns[1] == 40_000_000
    assert "varies, from 10.0 to 30.3 Hz" in sequence.remarks[0]


def test_a_container_without_times_is_said(video, times):
    times([0.0] * 5)
    sequence = open_sequence(video)
    assert sequence.stamps_ns[1] == 40_000_000
    assert "no times of its frames: they are counted at 25 Hz" in sequence.remarks[0]


def test_images_larger_than_allowed_are_not_decoded(video):
    with pytest.raises(DatasetError, match=r"walk\.avi: image is 32x24.*max_megapixels"):
        open_sequence(video, options=Options(max_megapixels=1e-4))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"\0\0\0\x18ftypmp42" + 50 * b"\0", r"its index \(moov\) is missing"),
    ],
)
def test_why_a_video_cannot_be_opened_is_told(tmp_path, content, reason):
    (tmp_path / "cut.mp4").write_bytes(content)
    with pytest.raises(DatasetError, match=rf"cut\.mp4 cannot be opened: {reason}"):
        open_sequence(tmp_path / "cut.mp4")


def test_a_video_that_players_turn_is_used_as_stored_and_said(tmp_path):
    path = tmp_path / "phone.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 25.0, (64, 48))
    if not writer.isOpened():
        pytest.skip("this OpenCV cannot write MPEG-4")
    for value in range(3):
        writer.write(np.full((48, 64, 3), 40 * value, np.uint8))
    writer.release()
    data = bytearray(path.read_bytes())
    # The track header holds a matrix, 9 numbers in 16.16; this one turns by a quarter.
    at = data.find(b"tkhd") + 44
    turn = (0, 1 << 16, 0, -(1 << 16), 0, 0, 48 << 16, 0, 1 << 30)
    data[at : at + 36] = b"".join(number.to_bytes(4, "big", signed=True) for number in turn)
    path.write_bytes(data)
    sequence = open_sequence(path)
    assert sequence.read(0).image.shape[:2] == (48, 64)
    assert "turns its pictures by 90 deg" in " ".join(sequence.remarks)


def test_a_video_that_ends_in_the_middle_is_said(tmp_path):
    path = tmp_path / "damaged.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 25.0, (64, 48))
    if not writer.isOpened():
        pytest.skip("this OpenCV cannot write MPEG-4")
    generator = np.random.default_rng(0)
    for _ in range(20):
        writer.write(generator.integers(0, 256, (48, 64, 3), np.uint8))
    writer.release()
    assert open_sequence(path).remarks == ()
    data = path.read_bytes()
    begin, end = data.find(b"mdat") + 4, data.find(b"moov") - 4
    middle = begin + (end - begin) // 4
    path.write_bytes(data[:middle] + bytes(end - middle) + data[end:])
    sequence = open_sequence(path)
    assert 0 < len(sequence) < 16
    assert f"{len(sequence)} of about 20 frames can be decoded" in " ".join(sequence.remarks)
