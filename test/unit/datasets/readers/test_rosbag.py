import numpy as np
import pytest
from bag_messages import (
    START_S,
    compressed_message,
    grey,
    image_message,
    info_message,
    write_bag,
)

from aliked_ros.datasets import Options, open_sequence
from aliked_ros.datasets.doubts import find_doubts
from aliked_ros.datasets.sequence import DatasetError, FrameError


@pytest.fixture
def stereo(tmp_path, storage):
    messages = [
        ("/left/camera_info", 0, info_message(0)),
        ("/right/camera_info", 0, info_message(0, 0.25)),
    ]
    for index in range(4):
        stamp_ns = index * 50_000_000
        left, right = image_message(stamp_ns, grey(100 + index), "mono8"), grey(200 + index)
        messages.append(("/left/image_raw", stamp_ns + 7_000_000, left))
        if index != 2:
            late = image_message(stamp_ns + 1_000_000, right, "mono8")
            messages.append(("/right/image_raw", stamp_ns + 9_000_000, late))
    write_bag(tmp_path / "bag", storage, messages)
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
        ("/camera/color/image_raw", 5, image_message(0, colour, "bgr8")),
        ("/camera/aligned_depth_to_color/image_raw", 6, image_message(0, depth, "16UC1")),
    ]
    write_bag(tmp_path / "bag", storage, messages)
    sequence = open_sequence(tmp_path / "bag")
    assert sequence.sensors == ("mono", "rgbd")
    assert sequence.camera is None
    frame = sequence.read(0)
    assert frame.image[0, 0].tolist() == [0, 0, 200]
    assert frame.depth_m[1, 1] == pytest.approx(1.5)
    assert np.isnan(frame.depth_m[0, 0])


def test_compressed_images_are_decoded(tmp_path, storage):
    messages = [
        ("/image_raw/compressed", i, compressed_message(i * 1000, grey(90 + i))) for i in (1, 2)
    ]
    write_bag(tmp_path / "bag", storage, messages)
    assert open_sequence(tmp_path / "bag").read(1).image[0, 0] == 92


def test_a_broken_image_costs_only_its_frame(tmp_path, storage):
    broken = compressed_message(1000, grey(1))
    broken.data = np.arange(50, dtype=np.uint8)
    messages = [
        ("/image/compressed", 1, broken),
        ("/image/compressed", 2, compressed_message(2000, grey(9))),
    ]
    write_bag(tmp_path / "bag", storage, messages)
    errors = []
    frames = list(open_sequence(tmp_path / "bag").frames(on_error=errors.append))
    assert len(frames) == 1
    assert "frame 0" in str(errors[0])


def test_topics_can_be_chosen(tmp_path, storage):
    messages = [
        ("/front/image", 1, image_message(1000, grey(10), "mono8")),
        ("/rear/image", 1, image_message(1000, grey(20), "mono8")),
    ]
    write_bag(tmp_path / "bag", storage, messages)
    sequence = open_sequence(tmp_path / "bag", topics={"image": "/rear/image"})
    assert sequence.read(0).image[0, 0] == 20


def test_empty_stamps_fall_back_to_the_time_of_recording(tmp_path, storage):
    message = image_message(0, grey(10), "mono8")
    message.header.stamp.sec = 0
    write_bag(tmp_path / "bag", storage, [("/image", 123, message)])
    sequence = open_sequence(tmp_path / "bag")
    assert sequence.stamps_ns.tolist() == [START_S * 10**9 + 123]
    assert sequence.read(0).image[0, 0] == 10
    assert "the driver leaves the stamps of /image empty" in sequence.remarks[0]


def test_images_of_10_bits_are_stretched_and_doubted(tmp_path, storage):
    pixels = np.tile(np.arange(0, 1024, 32, dtype=np.uint16), (24, 1))
    write_bag(tmp_path / "bag", storage, [("/image", 1, image_message(1000, pixels, "mono16"))])
    sequence = open_sequence(tmp_path / "bag")
    (doubt,) = find_doubts(sequence, "mono")
    assert "brightest value is 992 of 65535" in doubt
    assert sequence.read(0).image.max() == 255
    fixed = open_sequence(tmp_path / "bag", options=Options(grey_range="full"))
    assert fixed.read(0).image.max() == 4


def test_images_larger_than_allowed_are_not_decoded(tmp_path, storage):
    write_bag(tmp_path / "bag", storage, [("/image", 1, image_message(1000, grey(1), "mono8"))])
    sequence = open_sequence(tmp_path / "bag", options=Options(max_megapixels=0.0001))
    with pytest.raises(FrameError, match=r"/image: image is 32x24.*max_megapixels is 0\.0001"):
        sequence.read(0)


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


@pytest.mark.parametrize(("sec", "nanosec"), [(START_S, 4_294_967_295), (-5, 0)])
def test_a_stamp_that_is_no_time_costs_only_its_image(tmp_path, storage, sec, nanosec):
    messages = []
    for index in range(5):
        image = image_message(index * 33_000_000, grey(100 + index), "mono8")
        if index == 2:
            image.header.stamp.sec, image.header.stamp.nanosec = sec, nanosec
        messages.append(("/image_raw", index * 33_000_000, image))
    write_bag(tmp_path / "bag", storage, messages)
    sequence = open_sequence(tmp_path / "bag")
    assert sequence.stamps_ns.tolist() == [START_S * 10**9 + i * 33_000_000 for i in (0, 1, 3, 4)]
    assert "1 of 5 stamps of /image_raw are no time" in sequence.remarks[0]


def test_a_folder_with_a_dot_keeps_its_whole_name(tmp_path, storage):
    image = image_message(0, grey(9), "mono8")
    write_bag(tmp_path / "run_2026.11", storage, [("/image_raw", 0, image)])
    assert open_sequence(tmp_path / "run_2026.11").name == "run_2026.11"
