import cv2
import numpy as np
import pytest

from aliked_ros.datasets import open_sequence
from aliked_ros.datasets.sequence import DatasetError

rosbags = pytest.importorskip("rosbags.rosbag2")
from rosbags.rosbag2 import StoragePlugin, Writer  # noqa: E402 - after the check that it is there
from rosbags.typesys import Stores, get_typestore  # noqa: E402

STORE = get_typestore(Stores.ROS2_JAZZY)
TYPES = STORE.types
START_S = 1_700_000_000


def _header(stamp_ns):
    time = TYPES["builtin_interfaces/msg/Time"](sec=START_S, nanosec=stamp_ns)
    return TYPES["std_msgs/msg/Header"](stamp=time, frame_id="camera")


def _image(stamp_ns, pixels, encoding):
    height, width = pixels.shape[:2]
    data = np.frombuffer(np.ascontiguousarray(pixels).tobytes(), np.uint8)
    return TYPES["sensor_msgs/msg/Image"](
        header=_header(stamp_ns),
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=0,
        step=len(data) // height,
        data=data,
    )


def _compressed(stamp_ns, pixels):
    encoded = cv2.imencode(".png", pixels)[1].ravel()
    return TYPES["sensor_msgs/msg/CompressedImage"](
        header=_header(stamp_ns), format="png", data=encoded
    )


def _info(stamp_ns, baseline_m=0.0):
    roi = TYPES["sensor_msgs/msg/RegionOfInterest"](
        x_offset=0, y_offset=0, height=0, width=0, do_rectify=False
    )
    K = np.array([40.0, 0, 15.5, 0, 40.0, 11.5, 0, 0, 1])
    P = np.array([40.0, 0, 15.5, -40.0 * baseline_m, 0, 40.0, 11.5, 0, 0, 0, 1, 0])
    return TYPES["sensor_msgs/msg/CameraInfo"](
        header=_header(stamp_ns),
        height=24,
        width=32,
        distortion_model="plumb_bob",
        d=np.zeros(5),
        k=K,
        r=np.eye(3).ravel(),
        p=P,
        binning_x=0,
        binning_y=0,
        roi=roi,
    )


def _write(path, storage, messages):
    """Write (topic, recording time ns, message); recorded later than stamped, as always."""
    with Writer(path, version=9, storage_plugin=storage) as writer:
        connections = {}
        for topic, time_ns, message in messages:
            if topic not in connections:
                kind = message.__msgtype__
                connections[topic] = writer.add_connection(topic, kind, typestore=STORE)
            data = STORE.serialize_cdr(message, message.__msgtype__)
            writer.write(connections[topic], START_S * 10**9 + time_ns, data)


def _grey(value):
    return np.full((24, 32), value, np.uint8)


@pytest.fixture(params=[StoragePlugin.SQLITE3, StoragePlugin.MCAP], ids=["sqlite3", "mcap"])
def storage(request):
    return request.param


@pytest.fixture
def stereo(tmp_path, storage):
    messages = [("/left/camera_info", 0, _info(0)), ("/right/camera_info", 0, _info(0, 0.25))]
    for index in range(4):
        stamp_ns = index * 50_000_000
        left, right = _image(stamp_ns, _grey(100 + index), "mono8"), _grey(200 + index)
        messages.append(("/left/image_raw", stamp_ns + 7_000_000, left))
        if index != 2:
            late = _image(stamp_ns + 1_000_000, right, "mono8")
            messages.append(("/right/image_raw", stamp_ns + 9_000_000, late))
    _write(tmp_path / "bag", storage, messages)
    return tmp_path / "bag"


def test_a_stereo_bag_is_read_by_its_header_stamps(stereo):
    sequence = open_sequence(stereo)
    assert (sequence.layout, sequence.name, len(sequence)) == ("rosbag2", "bag", 4)
    assert sequence.sensors == ("mono", "stereo")
    assert sequence.stamps_ns[1] == START_S * 10**9 + 50_000_000
    frame = sequence.read(3)
    assert frame.image[0, 0] == 103
    assert frame.right_image[0, 0] == 203
    assert sequence.camera.K[0, 0] == 40.0
    assert sequence.right_camera.P[0, 3] == pytest.approx(-10.0)
    assert sequence.T_left_right is None


def test_a_bag_is_read_ahead_by_another_thread(stereo):
    errors = []
    frames = list(open_sequence(stereo).frames("stereo", on_error=errors.append))
    assert [int(frame.image[0, 0]) for frame in frames] == [100, 101, 103]
    assert [error.index for error in errors] == [2]


def test_colour_and_depth_are_decoded(tmp_path, storage):
    colour = np.zeros((24, 32, 3), np.uint8)
    colour[:, :, 0] = 200  # blue in bgr8
    depth = np.full((24, 32), 1500, np.uint16)
    depth[0, 0] = 0
    messages = [
        ("/camera/color/image_raw", 5, _image(0, colour, "bgr8")),
        ("/camera/aligned_depth_to_color/image_raw", 6, _image(0, depth, "16UC1")),
    ]
    _write(tmp_path / "bag", storage, messages)
    sequence = open_sequence(tmp_path / "bag")
    assert sequence.sensors == ("mono", "rgbd")
    assert sequence.camera is None
    frame = sequence.read(0)
    assert frame.image[0, 0].tolist() == [0, 0, 200]
    assert frame.depth_m[1, 1] == pytest.approx(1.5)
    assert np.isnan(frame.depth_m[0, 0])


def test_compressed_images_are_decoded(tmp_path, storage):
    messages = [("/image_raw/compressed", i, _compressed(i * 1000, _grey(90 + i))) for i in (1, 2)]
    _write(tmp_path / "bag", storage, messages)
    assert open_sequence(tmp_path / "bag").read(1).image[0, 0] == 92


def test_a_broken_image_costs_only_its_frame(tmp_path, storage):
    broken = _compressed(1000, _grey(1))
    broken.data = np.arange(50, dtype=np.uint8)
    messages = [
        ("/image/compressed", 1, broken),
        ("/image/compressed", 2, _compressed(2000, _grey(9))),
    ]
    _write(tmp_path / "bag", storage, messages)
    errors = []
    frames = list(open_sequence(tmp_path / "bag").frames(on_error=errors.append))
    assert len(frames) == 1
    assert "frame 0" in str(errors[0])


def test_topics_can_be_chosen(tmp_path, storage):
    messages = [
        ("/front/image", 1, _image(1000, _grey(10), "mono8")),
        ("/rear/image", 1, _image(1000, _grey(20), "mono8")),
    ]
    _write(tmp_path / "bag", storage, messages)
    sequence = open_sequence(tmp_path / "bag", topics={"image": "/rear/image"})
    assert sequence.read(0).image[0, 0] == 20


def test_empty_stamps_fall_back_to_the_time_of_recording(tmp_path, storage):
    message = _image(0, _grey(10), "mono8")
    message.header.stamp.sec = 0
    _write(tmp_path / "bag", storage, [("/image", 123, message)])
    sequence = open_sequence(tmp_path / "bag")
    assert sequence.stamps_ns.tolist() == [START_S * 10**9 + 123]
    assert sequence.read(0).image[0, 0] == 10


def test_a_broken_bag_is_named(tmp_path):
    (tmp_path / "bag").mkdir()
    (tmp_path / "bag" / "metadata.yaml").write_text("nonsense")
    with pytest.raises(DatasetError, match=r"bag .* cannot be opened"):
        open_sequence(tmp_path / "bag")
