"""What becomes of the arguments of the launch file and of `aliked run`."""

import pytest

from aliked_ros.inference.device_loss import EXIT_DEVICE_LOST
from aliked_ros.starting.arguments import ARGUMENTS, read_arguments
from aliked_ros.starting.plan import make_plan, parameter_sections


def plan(**given):
    return make_plan({item.name: item.default for item in ARGUMENTS} | given)


def tracker(**given):
    return plan(**given).parameters["aliked_tracker"]


def test_arguments_that_are_not_given_set_nothing():
    assert tracker() == {"use_sim_time": False}
    assert all(source == target for source, target in plan().remappings.items())


def test_an_argument_that_gives_the_scale_chooses_its_source():
    assert tracker(camera_height_m="1")["scale_source"] == "camera_height"
    height_m = tracker(camera_height_m="1")["camera_height_m"]
    assert height_m == 1.0
    assert isinstance(height_m, float)  # ROS takes no integer for it
    assert tracker(scale_odometry_topic="/x")["scale_source"] == "odometry"


def test_an_imu_topic_turns_the_prior_on():
    assert tracker(imu_topic="/imu")["use_imu"] is True


def test_a_mask_topic_turns_masks_on():
    masked = plan(mask_topic="/segmenter/mask")
    assert masked.parameters["aliked_extractor"]["use_mask_topic"] is True
    assert masked.remappings["mask"] == "/segmenter/mask"
    assert "use_mask_topic" not in plan().parameters["aliked_extractor"]


def test_rectified_images_can_be_said_and_denied():
    assert tracker(rectified_images="true")["rectified_images"] is True
    assert tracker(rectified_images="false")["rectified_images"] is False


def test_a_calibration_for_a_dataset_reaches_the_player():
    given = plan(dataset="walk.mp4", camera_info="camera.yaml")
    assert given.parameters["aliked_player"]["camera_info"] == "camera.yaml"
    assert given.parameters["aliked_tracker"]["camera_transform"] == "optical"


def test_a_dataset_is_played_once_all_take_it_who_need_the_whole():
    def num(**given):
        return plan(dataset="room", **given).parameters["aliked_player"]["num_subscribers"]

    assert (num(), num(record="text"), num(record="bag"), num(record="bag", view="true")) == (
        1, 1, 2, 3,
    )  # fmt: skip


def test_two_sources_of_scale_are_refused():
    with pytest.raises(ValueError, match=r"'/x' and camera_height_m is '1.65': give one of them"):
        plan(camera_height_m="1.65", scale_odometry_topic="/x")


@pytest.mark.parametrize("sensor", ["stereo", "rgbd"])
@pytest.mark.parametrize("name", ["camera_height_m", "scale_odometry_topic"])
def test_a_scale_for_a_sensor_that_measures_it_is_refused(sensor, name):
    with pytest.raises(ValueError, match=f"sensor is '{sensor}', .*leave out .*camera_height_m"):
        plan(**{"sensor": sensor, name: "1"})


@pytest.mark.parametrize("name", ["camera_height_m", "rate"])
def test_a_number_that_is_none_is_named(name):
    with pytest.raises(ValueError, match=f"{name} is 'high': give a number"):
        plan(**{name: "high"})


def test_a_dataset_as_compressed_images_is_refused():
    with pytest.raises(ValueError, match="image_transport is 'compressed' and a dataset is played"):
        plan(dataset="synthetic", image_transport="compressed")


def test_what_others_need_ends_them_and_a_lost_gpu_is_a_new_start():
    processes = {item.executable: item for item in plan(dataset="x").processes}
    assert list(processes) == ["composed_node", "overlay_node", "player_node"]
    composed, overlay, player = processes.values()
    assert composed.is_main
    assert player.is_main  # what was played to its end is over
    assert not overlay.is_main
    assert composed.starts_again(EXIT_DEVICE_LOST)
    assert not composed.starts_again(1)
    assert not player.starts_again(EXIT_DEVICE_LOST)


def test_nodes_of_their_own_replace_the_composed_one():
    names = [item.executable for item in plan(composed="false", overlay="false").processes]
    assert names == ["extractor_node", "tracker_node"]


def test_the_parameter_file_names_nodes_in_any_namespace():
    written = parameter_sections(plan(sensor="rgbd").parameters)
    parameters = written["/**/aliked_tracker"]["ros__parameters"]
    assert parameters == {"odometry.sensor": "rgbd", "use_sim_time": False}


def test_words_are_read_as_the_launch_file_reads_them():
    given = read_arguments(["sensor:=rgbd", "camera_transform:=0 0 1 0 0 0 1"])
    assert given["sensor"] == "rgbd"
    assert given["camera_transform"] == "0 0 1 0 0 0 1"
    assert given["overlay"] == "true"


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("sensor=rgbd", "'sensor=rgbd' is no argument: give NAME:=VALUE"),
        ("senser:=rgbd", "senser is no argument: --show-args lists them"),
        ("sensor:=lidar", "sensor is 'lidar': give one of mono, stereo, rgbd"),
    ],
)
def test_a_word_that_is_no_argument_is_named(word, said):
    with pytest.raises(ValueError, match=said):
        read_arguments([word])
