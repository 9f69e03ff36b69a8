"""What a bag says of its cameras."""

import numpy as np
import pytest
from bag_messages import TYPES, grey, image_message, info_message, write_bag

from aliked_ros.datasets import Options, open_sequence
from aliked_ros.datasets.sequence import DatasetError
from aliked_ros.geometry.camera import baseline_m


def _one_image(tmp_path, storage, info, topic="/camera/image_raw", **options):
    """Return the sequence of a bag with one image and its calibration."""
    messages = [
        ("/camera/camera_info", 1, info),
        (topic, 2, image_message(1000, grey(10), "mono8")),
    ]
    write_bag(tmp_path / "bag", storage, messages)
    return open_sequence(tmp_path / "bag", options=Options(**options))


def test_binning_is_read_as_rep_104_says(tmp_path, storage):
    full = np.array([80.0, 0, 31.5, 0, 80.0, 23.5, 0, 0, 1])
    P = np.array([80.0, 0, 31.5, 0, 0, 80.0, 23.5, 0, 0, 0, 1, 0])
    info = info_message(0, width=64, height=48, k=full, p=P, binning_x=2, binning_y=2)
    camera = _one_image(tmp_path, storage, info).require_camera()
    np.testing.assert_allclose(camera.K, [[40, 0, 15.5], [0, 40, 11.5], [0, 0, 1]])


def test_a_region_is_read_as_rep_104_says(tmp_path, storage):
    roi = TYPES["sensor_msgs/msg/RegionOfInterest"](
        x_offset=10, y_offset=5, height=24, width=32, do_rectify=False
    )
    camera = _one_image(
        tmp_path, storage, info_message(0, width=64, height=48, roi=roi)
    ).require_camera()
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
    sequence = _one_image(tmp_path, storage, info_message(0, **changes))
    assert sequence.read(0).image[0, 0] == 10
    with pytest.raises(DatasetError, match=rf"/camera/camera_info: .*{reason}"):
        sequence.require_camera()


def test_a_later_message_may_tell_what_the_first_did_not(tmp_path, storage):
    empty = info_message(0, k=np.zeros(9), p=np.zeros(12))
    messages = [
        ("/camera/camera_info", 1, empty),
        ("/camera/camera_info", 2, info_message(1000)),
        ("/camera/image", 3, image_message(1000, grey(10), "mono8")),
    ]
    write_bag(tmp_path / "bag", storage, messages)
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
    info = info_message(0, d=np.array([-0.2, 0.05, 0, 0, 0]))
    sequence = _one_image(tmp_path, storage, info, topic, rectified_images=asked)
    assert sequence.require_camera().is_distorted is is_distorted


def test_the_calibration_may_lie_anywhere(tmp_path, storage):
    messages = [
        ("/a/camera_info", 1, info_message(0)),
        ("/b/info", 1, info_message(0, k=np.array([50.0, 0, 15.5, 0, 50.0, 11.5, 0, 0, 1]))),
        ("/image", 2, image_message(1000, grey(10), "mono8")),
    ]
    write_bag(tmp_path / "bag", storage, messages)
    with pytest.raises(DatasetError, match=r"/a/camera_info, /b/info; name it with --camera-info-"):
        open_sequence(tmp_path / "bag").require_camera()
    chosen = open_sequence(tmp_path / "bag", topics={"camera_info": "/b/info"})
    assert chosen.require_camera().K[0, 0] == 50.0
    with pytest.raises(DatasetError, match=r"no topic '/c' of type CameraInfo"):
        open_sequence(tmp_path / "bag", topics={"camera_info": "/c"})


def test_right_images_without_calibration_are_named(tmp_path, storage):
    messages = [("/left/camera_info", 0, info_message(0))]
    for side in ("left", "right"):
        messages.append((f"/{side}/image_raw", 1, image_message(1000, grey(1), "mono8")))
    write_bag(tmp_path / "bag", storage, messages)
    sequence = open_sequence(tmp_path / "bag")
    assert sequence.sensors == ("mono",)
    assert "the right images of /right/image_raw are not used: no CameraInfo" in sequence.remarks[0]
    with pytest.raises(DatasetError, match="sensor 'stereo' was asked for: no CameraInfo topic"):
        sequence.require("stereo")


def test_both_projections_tell_the_baseline(tmp_path, storage):
    messages = []
    for side, shift_m in (("left", -0.1), ("right", 0.15)):
        messages.append((f"/{side}/camera_info", 0, info_message(0, shift_m)))
        messages.append((f"/{side}/image_raw", 1, image_message(1000, grey(1), "mono8")))
    write_bag(tmp_path / "bag", storage, messages)
    sequence = open_sequence(tmp_path / "bag")
    assert "stereo" in sequence.sensors
    assert baseline_m(sequence.right_camera, sequence.camera) == pytest.approx(0.25)


def test_a_calibration_that_changes_along_the_recording_is_said(tmp_path, storage):
    messages = []
    for index in range(6):
        K = info_message(0).k.copy()
        K[0] = 40.0 if index < 3 else 44.0
        at_ns = index * 100_000_000
        messages.append(("/camera/camera_info", at_ns, info_message(at_ns, k=K)))
        messages.append(("/camera/image_raw", at_ns, image_message(at_ns, grey(9), "mono8")))
    write_bag(tmp_path / "bag", storage, messages)
    sequence = open_sequence(tmp_path / "bag")
    assert sequence.camera.K[0, 0] == 40.0
    (remark,) = sequence.remarks
    assert "/camera/camera_info changes along the recording (focal length 40.00 px" in remark
    assert "later 44.00" in remark


def test_a_driver_that_knows_its_camera_late_has_one_calibration(tmp_path, storage):
    nothing = info_message(0, k=np.zeros(9), p=np.zeros(12))
    messages = [("/camera/camera_info", 0, nothing)]
    for index in range(4):
        at_ns = index * 100_000_000
        messages.append(("/camera/camera_info", at_ns + 1, info_message(at_ns)))
        messages.append(("/camera/image_raw", at_ns, image_message(at_ns, grey(9), "mono8")))
    write_bag(tmp_path / "bag", storage, messages)
    sequence = open_sequence(tmp_path / "bag")
    assert (sequence.camera.K[0, 0], sequence.remarks) == (40.0, ())
