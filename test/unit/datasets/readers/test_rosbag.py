import struct
from copy import copy

import cv2
import numpy as np
import pytest

from aliked_ros.datasets import Options, open_sequence
from aliked_ros.datasets.doubts import find_doubts
from aliked_ros.datasets.sequence import DatasetError, FrameError
from aliked_ros.geometry.camera import baseline_m

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


def _info(stamp_ns, baseline_m=0.0, **changes):
    roi = TYPES["sensor_msgs/msg/RegionOfInterest"](
        x_offset=0, y_offset=0, height=0, width=0, do_rectify=False
    )
    K = np.array([40.0, 0, 15.5, 0, 40.0, 11.5, 0, 0, 1])
    P = np.array([40.0, 0, 15.5, -40.0 * baseline_m, 0, 40.0, 11.5, 0, 0, 0, 1, 0])
    fields = {
        "height": 24,
        "width": 32,
        "distortion_model": "plumb_bob",
        "d": np.zeros(5),
        "k": K,
        "r": np.eye(3).ravel(),
        "p": P,
        "binning_x": 0,
        "binning_y": 0,
        "roi": roi,
    }
    return TYPES["sensor_msgs/msg/CameraInfo"](header=_header(stamp_ns), **(fields | changes))


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
    sequence = open_sequence(stereo)
    frames = list(sequence.frames("stereo"))
    assert [int(frame.image[0, 0]) for frame in frames] == [100, 101, 102, 103]
    assert [frame.right_image is None for frame in frames] == [False, False, True, False]
    assert "1 of 4 images have no right image within 20 ms" in sequence.remarks[0]


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
    assert "the driver leaves the stamps of /image empty" in sequence.remarks[0]


def _one_image(tmp_path, storage, info, topic="/camera/image_raw", **options):
    """Return the sequence of a bag with one image and its calibration."""
    messages = [
        ("/camera/camera_info", 1, info),
        (topic, 2, _image(1000, _grey(10), "mono8")),
    ]
    _write(tmp_path / "bag", storage, messages)
    return open_sequence(tmp_path / "bag", options=Options(**options))


def test_binning_is_read_as_rep_104_says(tmp_path, storage):
    full = np.array([80.0, 0, 31.5, 0, 80.0, 23.5, 0, 0, 1])
    P = np.array([80.0, 0, 31.5, 0, 0, 80.0, 23.5, 0, 0, 0, 1, 0])
    info = _info(0, width=64, height=48, k=full, p=P, binning_x=2, binning_y=2)
    camera = _one_image(tmp_path, storage, info).require_camera()
    np.testing.assert_allclose(camera.K, [[40, 0, 15.5], [0, 40, 11.5], [0, 0, 1]])


def test_a_region_is_read_as_rep_104_says(tmp_path, storage):
    roi = TYPES["sensor_msgs/msg/RegionOfInterest"](
        x_offset=10, y_offset=5, height=24, width=32, do_rectify=False
    )
    camera = _one_image(tmp_path, storage, _info(0, width=64, height=48, roi=roi)).require_camera()
    assert (camera.width, camera.K[0, 2], camera.K[1, 2]) == (32, 5.5, 6.5)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"d": np.array([0.1, 0, 0, 0, 0, 0.2])}, "plumb_bob needs 5 values, D has 6"),
        ({"k": np.zeros(9)}, r"K is zero and P is not.*--rectified-images"),
        ({"width": 640}, "camera_info is for 640x24.*images are 32x24"),
        ({"k": np.zeros(9), "p": np.zeros(12)}, "not calibrated"),
    ],
)
def test_a_calibration_that_cannot_be_used_is_named_when_it_is_needed(
    tmp_path, storage, changes, reason
):
    sequence = _one_image(tmp_path, storage, _info(0, **changes))
    assert sequence.read(0).image[0, 0] == 10
    with pytest.raises(DatasetError, match=rf"/camera/camera_info: .*{reason}"):
        sequence.require_camera()


def test_a_later_message_may_tell_what_the_first_did_not(tmp_path, storage):
    empty = _info(0, k=np.zeros(9), p=np.zeros(12))
    messages = [
        ("/camera/camera_info", 1, empty),
        ("/camera/camera_info", 2, _info(1000)),
        ("/camera/image", 3, _image(1000, _grey(10), "mono8")),
    ]
    _write(tmp_path / "bag", storage, messages)
    assert open_sequence(tmp_path / "bag").require_camera().K[0, 0] == 40.0


@pytest.mark.parametrize(
    ("topic", "asked", "is_distorted"),
    [
        ("/camera/image_raw", None, True),
        ("/camera/image_rect", None, False),
        ("/camera/image_raw", True, False),
        ("/camera/image_rect", False, True),
    ],
)
def test_of_rectified_images_the_projection_alone_counts(
    tmp_path, storage, topic, asked, is_distorted
):
    info = _info(0, d=np.array([-0.2, 0.05, 0, 0, 0]))
    sequence = _one_image(tmp_path, storage, info, topic, rectified_images=asked)
    assert sequence.require_camera().is_distorted is is_distorted


def test_the_calibration_may_lie_anywhere(tmp_path, storage):
    messages = [
        ("/a/camera_info", 1, _info(0)),
        ("/b/info", 1, _info(0, k=np.array([50.0, 0, 15.5, 0, 50.0, 11.5, 0, 0, 1]))),
        ("/image", 2, _image(1000, _grey(10), "mono8")),
    ]
    _write(tmp_path / "bag", storage, messages)
    with pytest.raises(DatasetError, match=r"/a/camera_info, /b/info; name it with --camera-info-"):
        open_sequence(tmp_path / "bag").require_camera()
    chosen = open_sequence(tmp_path / "bag", topics={"camera_info": "/b/info"})
    assert chosen.require_camera().K[0, 0] == 50.0
    with pytest.raises(DatasetError, match=r"no topic '/c' of type CameraInfo"):
        open_sequence(tmp_path / "bag", topics={"camera_info": "/c"})


def _depth_bag(tmp_path, storage, depth, topic="/camera/depth/image", offset_ns=0):
    messages = [("/camera/camera_info", 1, _info(0))]
    for index in (1, 2):
        stamp_ns = index * 100_000_000
        messages.append(("/camera/image", stamp_ns, _image(stamp_ns, _grey(9), "mono8")))
        depth.header = _header(stamp_ns + offset_ns)
        messages.append((topic, stamp_ns, copy(depth)))
    _write(tmp_path / "bag", storage, messages)
    return open_sequence(tmp_path / "bag")


def test_compressed_depth_is_decoded(tmp_path, storage):
    encoded = cv2.imencode(".png", np.full((24, 32), 1500, np.uint16))[1].tobytes()
    data = np.frombuffer(struct.pack("<iff", 0, 0, 0) + encoded, np.uint8)
    depth = TYPES["sensor_msgs/msg/CompressedImage"](
        header=_header(0), format="16UC1; compressedDepth png", data=data
    )
    sequence = _depth_bag(tmp_path, storage, depth, "/camera/depth/image/compressedDepth")
    assert sequence.read(0, "rgbd").depth_m[0, 0] == pytest.approx(1.5)


def test_broken_depth_costs_the_depth_alone_and_is_counted(tmp_path, storage):
    depth = TYPES["sensor_msgs/msg/CompressedImage"](
        header=_header(0), format="16UC1; compressedDepth png", data=np.arange(40, dtype=np.uint8)
    )
    sequence = _depth_bag(tmp_path, storage, depth, "/camera/depth/image/compressedDepth")
    assert [frame.depth_m for frame in sequence.frames("rgbd")] == [None, None]
    ((reason, count),) = sequence.left_out.items()
    assert "/camera/depth/image/compressedDepth" in reason
    assert count == 2


def test_how_far_depth_is_away_in_time_is_told(tmp_path, storage):
    depth = _image(0, np.full((24, 32), 1500, np.uint16), "16UC1")
    sequence = _depth_bag(tmp_path, storage, depth, offset_ns=21_000_000)
    assert sequence.sensors == ("mono",)
    assert "2 of 2 images have no depth image within 20 ms" in sequence.remarks[0]
    assert "the nearest is 21.0 ms off; sync_slop_s is the limit" in sequence.remarks[0]
    wider = open_sequence(tmp_path / "bag", options=Options(sync_slop_s=0.03))
    assert wider.read(0, "rgbd").depth_m[0, 0] == pytest.approx(1.5)


def test_depth_in_millimetres_that_says_metres_is_doubted(tmp_path, storage):
    depth = _image(0, np.full((24, 32), 1500, np.float32), "32FC1")
    sequence = _depth_bag(tmp_path, storage, depth)
    assert "median depth is 1500 m: 32FC1 is in metres" in find_doubts(sequence, "rgbd")[0]
    assert sequence.left_out == {}
    asked = open_sequence(tmp_path / "bag", options=Options(depth_scale=0.001))
    assert asked.read(0).depth_m[0, 0] == pytest.approx(1.5)
    assert find_doubts(asked, "rgbd") == []


def test_images_of_10_bits_are_stretched_and_doubted(tmp_path, storage):
    pixels = np.tile(np.arange(0, 1024, 32, dtype=np.uint16), (24, 1))
    _write(tmp_path / "bag", storage, [("/image", 1, _image(1000, pixels, "mono16"))])
    sequence = open_sequence(tmp_path / "bag")
    (doubt,) = find_doubts(sequence, "mono")
    assert "brightest value is 992 of 65535" in doubt
    assert sequence.read(0).image.max() == 255
    fixed = open_sequence(tmp_path / "bag", options=Options(grey_range="full"))
    assert fixed.read(0).image.max() == 4


def test_images_larger_than_allowed_are_not_decoded(tmp_path, storage):
    _write(tmp_path / "bag", storage, [("/image", 1, _image(1000, _grey(1), "mono8"))])
    sequence = open_sequence(tmp_path / "bag", options=Options(max_megapixels=0.0001))
    with pytest.raises(FrameError, match=r"/image: image is 32x24.*max_megapixels is 0\.0001"):
        sequence.read(0)


def test_right_images_without_calibration_are_named(tmp_path, storage):
    messages = [("/left/camera_info", 0, _info(0))]
    for side in ("left", "right"):
        messages.append((f"/{side}/image_raw", 1, _image(1000, _grey(1), "mono8")))
    _write(tmp_path / "bag", storage, messages)
    sequence = open_sequence(tmp_path / "bag")
    assert sequence.sensors == ("mono",)
    assert "the right images of /right/image_raw are not used: no CameraInfo" in sequence.remarks[0]
    with pytest.raises(DatasetError, match="sensor 'stereo' was asked for: no CameraInfo topic"):
        sequence.require("stereo")


def test_both_projections_tell_the_baseline(tmp_path, storage):
    messages = []
    for side, shift_m in (("left", -0.1), ("right", 0.15)):
        messages.append((f"/{side}/camera_info", 0, _info(0, shift_m)))
        messages.append((f"/{side}/image_raw", 1, _image(1000, _grey(1), "mono8")))
    _write(tmp_path / "bag", storage, messages)
    sequence = open_sequence(tmp_path / "bag")
    assert "stereo" in sequence.sensors
    assert baseline_m(sequence.right_camera, sequence.camera) == pytest.approx(0.25)


def test_a_folder_without_metadata_is_read(stereo):
    (stereo / "metadata.yaml").unlink()
    assert open_sequence(stereo).sensors == ("mono", "stereo")


def test_several_files_without_metadata_say_what_mends_them(stereo):
    (stereo / "metadata.yaml").unlink()
    (file,) = stereo.iterdir()
    file.with_name(f"second{file.suffix}").write_bytes(file.read_bytes())
    with pytest.raises(DatasetError, match=r"2 files, but no metadata\.yaml.*ros2 bag reindex bag"):
        open_sequence(stereo)


def test_a_file_that_was_cut_off_says_what_mends_it(stereo):
    (file,) = [file for file in stereo.iterdir() if file.suffix != ".yaml"]
    file.write_bytes(file.read_bytes()[:-40])
    if file.suffix == ".db3":
        pytest.skip("sqlite3 reads what there is")
    for path in (file, stereo):
        with pytest.raises(DatasetError, match=r"is cut off.*mcap recover bag\.mcap"):
            open_sequence(path)


def test_a_bag_of_ros_1_says_what_converts_it(tmp_path):
    (tmp_path / "walk.bag").write_bytes(b"#ROSBAG V2.0\n")
    with pytest.raises(
        DatasetError, match=r"ROS 1 bag.*rosbags-convert --src walk\.bag --dst walk"
    ):
        open_sequence(tmp_path / "walk.bag")


def test_a_broken_bag_is_named(tmp_path):
    (tmp_path / "bag").mkdir()
    (tmp_path / "bag" / "metadata.yaml").write_text("nonsense")
    with pytest.raises(DatasetError, match=r"bag .* cannot be opened"):
        open_sequence(tmp_path / "bag")


def test_depth_of_another_frame_than_the_image_is_said(tmp_path, storage):
    depth = _image(1000, np.full((24, 32), 1500, np.uint16), "16UC1")
    depth.header.frame_id = "depth_camera"
    messages = [("/image", 1, _image(1000, _grey(1), "mono8")), ("/depth", 1, depth)]
    _write(tmp_path / "bag", storage, messages)
    (remark,) = open_sequence(tmp_path / "bag").remarks
    assert "/depth has the frame_id 'depth_camera', /image has 'camera'" in remark


def test_a_calibration_that_changes_along_the_recording_is_said(tmp_path, storage):
    messages = []
    for index in range(6):
        K = _info(0).k.copy()
        K[0] = 40.0 if index < 3 else 44.0
        at_ns = index * 100_000_000
        messages.append(("/camera/camera_info", at_ns, _info(at_ns, k=K)))
        messages.append(("/camera/image_raw", at_ns, _image(at_ns, _grey(9), "mono8")))
    _write(tmp_path / "bag", storage, messages)
    sequence = open_sequence(tmp_path / "bag")
    assert sequence.camera.K[0, 0] == 40.0
    (remark,) = sequence.remarks
    assert "/camera/camera_info changes along the recording (focal length 40.00 px" in remark
    assert "later 44.00" in remark


@pytest.mark.parametrize(("sec", "nanosec"), [(START_S, 4_294_967_295), (-5, 0)])
def test_a_stamp_that_is_no_time_costs_only_its_image(tmp_path, storage, sec, nanosec):
    messages = []
    for index in range(5):
        image = _image(index * 33_000_000, _grey(100 + index), "mono8")
        if index == 2:
            image.header.stamp.sec, image.header.stamp.nanosec = sec, nanosec
        messages.append(("/image_raw", index * 33_000_000, image))
    _write(tmp_path / "bag", storage, messages)
    sequence = open_sequence(tmp_path / "bag")
    assert sequence.stamps_ns.tolist() == [START_S * 10**9 + i * 33_000_000 for i in (0, 1, 3, 4)]
    assert "1 of 5 stamps of /image_raw are no time" in sequence.remarks[0]


def test_a_driver_that_knows_its_camera_late_has_one_calibration(tmp_path, storage):
    nothing = _info(0, k=np.zeros(9), p=np.zeros(12))
    messages = [("/camera/camera_info", 0, nothing)]
    for index in range(4):
        at_ns = index * 100_000_000
        messages.append(("/camera/camera_info", at_ns + 1, _info(at_ns)))
        messages.append(("/camera/image_raw", at_ns, _image(at_ns, _grey(9), "mono8")))
    _write(tmp_path / "bag", storage, messages)
    sequence = open_sequence(tmp_path / "bag")
    assert (sequence.camera.K[0, 0], sequence.remarks) == (40.0, ())


def test_depth_in_numbers_that_are_not_read_is_not_dropped_for_a_single_camera(tmp_path, storage):
    depth = _image(0, np.ones((24, 32)), "64FC1")
    messages = [("/camera/camera_info", 0, _info(0)), ("/camera/depth/image", 0, depth)]
    messages.append(("/camera/image_raw", 0, _image(0, _grey(9), "mono8")))
    _write(tmp_path / "bag", storage, messages)
    sequence = open_sequence(tmp_path / "bag")
    assert sequence.best_sensor == "rgbd"
    assert sequence.read(0).depth_m is None
    assert "depth encoding is '64FC1'" in next(iter(sequence.left_out))


def test_a_folder_with_a_dot_keeps_its_whole_name(tmp_path, storage):
    image = _image(0, _grey(9), "mono8")
    _write(tmp_path / "run_2026.11", storage, [("/image_raw", 0, image)])
    assert open_sequence(tmp_path / "run_2026.11").name == "run_2026.11"
