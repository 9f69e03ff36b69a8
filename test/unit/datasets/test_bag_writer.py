import numpy as np
import pytest

pytest.importorskip("rosbags.rosbag2")

from bag_world import DEFINITIONS, STORE, differing, make, stamped, write

from aliked_ros.datasets.bag_writer import BagWriter
from aliked_ros.datasets.readers.bag_file import BagFile
from aliked_ros.extras import MissingPackageError

TYPES = [*sorted(DEFINITIONS), "nav_msgs/msg/Odometry", "sensor_msgs/msg/CameraInfo"]


@pytest.mark.parametrize("type_name", TYPES)
def test_every_field_comes_back_as_it_was(type_name, tmp_path):
    generator = np.random.default_rng(0)
    messages = [make(type_name, generator, header=stamped(number + 1)) for number in range(5)]
    rows = [("/a/topic", type_name, 7 + number, one) for number, one in enumerate(messages)]
    write(tmp_path / "bag", rows)
    # A process of its own would know our types from the bag alone; so must this one.
    bag = BagFile(tmp_path / "bag")
    assert bag.topic_types == {"/a/topic": type_name}
    read = list(bag.messages("/a/topic"))
    assert len(read) == 5
    for message, other in zip(messages, read, strict=True):
        assert differing(message, other) == []
    table, _ = bag.index("/a/topic", "header")
    assert table.tolist() == [[(number + 1) * 10**9, 7 + number] for number in range(5)]
    assert differing(messages[2], bag.message("/a/topic", 9, 3 * 10**9)) == []


def test_the_comparison_sees_a_difference_in_depth():
    one = make("nav_msgs/msg/Odometry", np.random.default_rng(0))
    other = STORE.deserialize_cdr(
        STORE.serialize_cdr(one, "nav_msgs/msg/Odometry"), "nav_msgs/msg/Odometry"
    )
    assert differing(one, other) == []
    other.pose.pose.position.x += 1e-9
    assert differing(one, other) == ["pose.pose.position.x"]


def test_a_bag_is_one_mcap_file_that_says_it_is_whole(tmp_path):
    write(tmp_path / "a" / "bag", [("/x", TYPES[0], 1, make(TYPES[0], np.random.default_rng(0)))])
    files = sorted(path.name for path in (tmp_path / "a" / "bag").iterdir())
    assert files == ["bag.mcap", "metadata.yaml"]
    assert (tmp_path / "a" / "bag" / "bag.mcap").read_bytes().endswith(b"\x89MCAP0\r\n")


def test_what_was_written_is_on_disk_before_the_bag_is_closed(tmp_path):
    name = "aliked_ros/msg/Matches"
    large = np.zeros(200_000, np.float32)
    message = make(name, np.random.default_rng(0), keypoints_current=large)
    data = bytes(STORE.serialize_cdr(message, name))
    bag = BagWriter(tmp_path / "bag", DEFINITIONS)
    bag.add_topic("/matches", name)
    for number in range(10):
        bag.write("/matches", number, data)
    assert (tmp_path / "bag" / "bag.mcap").stat().st_size > 8 * len(data)
    bag.close()


def test_a_latched_topic_is_played_as_one(tmp_path):
    bag = BagWriter(tmp_path / "bag", {})
    bag.add_topic("/tf_static", "tf2_msgs/msg/TFMessage", is_latched=True)
    bag.close()
    assert "transient_local" in (tmp_path / "bag" / "metadata.yaml").read_text()


def test_a_bag_that_is_there_is_not_written_over(tmp_path):
    with pytest.raises(FileExistsError, match="is there already: give a folder that is not"):
        BagWriter(tmp_path, {})


def test_without_rosbags_one_sentence_says_so(hide_package, tmp_path):
    hide_package("rosbags")
    with pytest.raises(MissingPackageError, match=r"recording a bag needs rosbags .*\[bags\]"):
        BagWriter(tmp_path / "bag", {})
    assert not (tmp_path / "bag").exists()
