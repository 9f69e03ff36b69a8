"""The session alone, with features of a world of points: no process is started."""

from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch

pytest.importorskip("tf2_msgs", reason="the messages are not built: run make install")

from aliked_ros.msg import OdometryStatus
from point_world import CAMERA, RIGHT_CAMERA, nothing, room, sideways
from std_msgs.msg import Header
from tracker_sender import FRAME_NS, depth_image

from aliked_ros.config import MatcherConfig, OdometryConfig
from aliked_ros.config.nodes import InputsConfig
from aliked_ros.geometry.se3 import T_BODY_OPTICAL
from aliked_ros.nodes.base.conversions.cameras import camera_to_message, image_to_message
from aliked_ros.nodes.base.conversions.poses import transform_from_pose
from aliked_ros.nodes.base.handover import Handover
from aliked_ros.nodes.tracker.beginning import Beginning
from aliked_ros.nodes.tracker.frame_inputs import FrameInputs, Jump
from aliked_ros.nodes.tracker.session import Session, make_pipeline
from aliked_ros.nodes.tracker.setup import Setup
from aliked_ros.odometry.visual_odometry import VisualOdometry

PATH = sideways(6)
# Where the base is, whose optical frame the camera is.
BASE_PATH = [T_BODY_OPTICAL[:3, :3] @ T[:3, 3] for T in PATH]


@pytest.fixture
def begin(node, topics, make_settings, make_extraction, diagnostics):
    """A session that is sent what a camera in a room sees, index by index."""

    cpu = torch.device("cpu")

    def begin(has_calibration=True, make_odometry=VisualOdometry, **parts):
        session = Session(
            node, topics, make_settings("rgbd", **parts), cpu, make_odometry, diagnostics
        )
        if has_calibration:
            node.send("/camera_info", camera_to_message(CAMERA, Header()))
        world = room()

        def send(index, T=None, sighting=None, stamp=None, jump=None, depth=True, **more):
            features, depths_m = sighting or world.see(PATH[index] if T is None else T)
            stamp_ns = 10**10 + (index if stamp is None else stamp) * FRAME_NS
            extraction = make_extraction(features, stamp_ns, **more)
            image = image_to_message(depth_image(features, depths_m), extraction.header)
            handover = Handover(extraction.header, 0, lambda: extraction)
            missing = {"depth": image} if depth else {"missing": "nearest depth is 16 ms off"}
            inputs = FrameInputs(handover, jump=jump or Jump(), **missing)
            return session.process(inputs, handover_ms=1.0)

        session.send = send
        return session

    return begin


def variances(node):
    return [np.diag(np.reshape(m.pose.covariance, (6, 6))) for m in node.published["odometry"]]


def positions(node):
    return [transform_from_pose(one.pose.pose)[:3, 3] for one in node.published["odometry"]]


def test_images_become_poses_and_every_stage_is_timed(node, begin):
    session = begin()
    outcomes = [session.send(index) for index in range(4)]
    assert {one.state for one in outcomes} == {OdometryStatus.TRACKING}
    assert set(outcomes[0].stages_ms) == {"handover", "depth", "match", "estimate"}
    assert all(spent_ms > 0 for spent_ms in outcomes[-1].stages_ms.values())
    np.testing.assert_allclose(positions(node)[-1], BASE_PATH[3], atol=0.02)
    assert [stamp_ns for stamp_ns, _ in session.trajectory()] == [
        10**10 + index * FRAME_NS for index in range(4)
    ]
    stamp_ns, points_odom, num_seen = session.landmarks()
    assert stamp_ns == 10**10 + 3 * FRAME_NS
    assert len(points_odom) == len(num_seen) > 100
    assert len(node.published["/tf_static"]) == 1


def test_an_image_that_came_too_early_is_not_ready(node, begin):
    session = begin(has_calibration=False)
    outcome = session.send(0)
    assert (outcome.skipped, outcome.state) == ("not ready", OdometryStatus.INITIALISING)
    assert "no camera_info" in outcome.reason
    assert outcome.extraction is not None
    assert session.landmarks()[0] == 0
    node.send("/camera_info", camera_to_message(CAMERA, Header()))
    assert session.send(1).state == OdometryStatus.TRACKING


def test_an_image_that_cannot_be_used_harms_nothing(node, begin):
    session = begin()
    session.send(0)
    session.send(1)
    late = session.send(0)
    assert (late.skipped, late.state) == ("unusable", OdometryStatus.UNUSABLE)
    assert "stamp" in late.reason
    dark = session.send(2, sighting=nothing())
    assert dark.state == OdometryStatus.PREDICTED
    assert session.send(3).state == OdometryStatus.TRACKING
    np.testing.assert_allclose(positions(node)[-1], BASE_PATH[3], atol=0.02)


@pytest.mark.parametrize("reason", ["model", "time", "calibration"])
def test_the_odometry_restarts_at_the_last_pose_where_it_does_not_hold(node, begin, reason):
    session = begin()
    before = [session.send(0, stamp=50), session.send(1, stamp=51)]
    assert {(one.restart_reason, one.num_restarts) for one in before} == {("", 0)}
    more = {}
    if reason == "calibration":
        changed = camera_to_message(CAMERA, Header())
        changed.k[0] *= 1.01
        changed.p[0] *= 1.01
        node.send("/camera_info", changed)
    elif reason == "time":
        more = {"jump": Jump(1, -5.2), "stamp": 0}
    else:
        more = {"model": "aliked-t16"}
        for _ in range(2):
            doubted = session.send(2, stamp=52, **more)
            assert (doubted.skipped, doubted.restart_reason) == ("unusable", "")
    outcome = session.send(2, **({"stamp": 52} | more))
    assert outcome.state == OdometryStatus.TRACKING
    # odom is continuous (REP 105), but nobody knows how the base moved meanwhile.
    np.testing.assert_allclose(positions(node)[-1], positions(node)[-2], atol=1e-9)
    assert variances(node)[-1].min() >= 1e3
    assert len(session.trajectory()) == 1
    assert outcome.num_restarts == session.num_restarts == 1
    assert reason.replace("model", "features") in outcome.restart_reason
    assert node.said["warning"][-1] == (
        f"{outcome.restart_reason}: the odometry restarts at the last pose"
    )
    after = session.send(3, **({"stamp": 53} | more | ({"stamp": 1} if "jump" in more else {})))
    assert (after.restart_reason, after.num_restarts) == ("", 1)
    assert np.linalg.norm(positions(node)[-1] - positions(node)[-2]) > 0.05


def test_one_image_of_another_network_among_the_others_harms_nothing(node, begin):
    session = begin()
    for index in range(4):
        assert session.send(index).state == OdometryStatus.TRACKING
        stray = session.send(index, stamp=index, model="orb")
        assert stray.skipped == "unusable"
        assert "features are of 'orb', 64 numbers each" in stray.reason
        assert "one extractor alone" in stray.reason
    assert session.num_restarts == 0
    np.testing.assert_allclose(positions(node)[-1], BASE_PATH[3], atol=0.02)


@pytest.mark.parametrize(
    ("config", "sim_time", "player", "seconds", "starts_over"),
    [
        ("auto", False, "", -5.2, False),
        ("auto", True, "", -5.2, True),
        ("auto", False, "rosbag2_player", -5.2, True),
        ("auto", False, "aliked_player", -5.2, True),
        ("auto", False, "camera_driver", -5.2, False),
        ("auto", True, "", 5.2, False),
        ("origin", False, "", -5.2, True),
        ("last_pose", True, "rosbag2_player", -5.2, False),
    ],
)
def test_only_a_recording_that_starts_over_begins_at_the_origin(
    node, begin, config, sim_time, player, seconds, starts_over
):
    node.use_sim_time = sim_time
    if player:
        node.endpoints["/image_raw"] = [SimpleNamespace(node_name=player)]
    session = begin(inputs=InputsConfig(restart_at=config))
    session.send(0, stamp=50)
    session.send(1, stamp=51)
    outcome = session.send(2, stamp=0 if seconds < 0 else 99, jump=Jump(1, seconds))
    assert outcome.restart_reason.startswith("time has jumped")
    expected = np.zeros(3) if starts_over else positions(node)[-2]
    np.testing.assert_allclose(positions(node)[-1], expected, atol=1e-9)
    assert variances(node)[-1].min() >= 1e3  # of that very pose, in any case
    session.send(3, stamp=1 if seconds < 0 else 100, jump=Jump(1, seconds))
    assert (variances(node)[-1].max() < 1e3) == starts_over


def test_a_jump_that_no_image_could_tell_of_is_told_by_the_next(at, node, begin):
    session = begin()
    session.send(0, stamp=50)
    calibration = session.send(1, stamp=51)
    assert calibration.state == OdometryStatus.TRACKING
    node.send("/camera_info", camera_to_message(replace(CAMERA, width=320), Header()))
    waiting = session.send(2, stamp=0, jump=Jump(1, -5.1))
    assert (waiting.skipped, waiting.restart_reason) == ("not ready", "")
    at(20)  # much sooner, and it would be a fight of two publishers
    node.send("/camera_info", camera_to_message(CAMERA, Header()))
    assert session.send(3, stamp=1, jump=Jump(1, -5.1)).restart_reason.startswith("time has")


def test_an_image_without_depth_is_tracked_against_what_is_known(node, begin):
    session = begin()
    for index in range(3):
        assert session.send(index).num_depths > 100
    outcome = session.send(3, depth=False)
    assert (outcome.state, outcome.num_depths) == (OdometryStatus.TRACKING, 0)
    assert outcome.explanation == "nearest depth is 16 ms off"
    np.testing.assert_allclose(positions(node)[-1], BASE_PATH[3], atol=0.03)


def test_an_odometry_that_breaks_is_made_anew_and_images_are_answered(node, begin):
    class Broken(VisualOdometry):
        def estimate(self, stamp_ns, *args):
            if 10**10 + 2 * FRAME_NS <= stamp_ns < 10**10 + 5 * FRAME_NS:
                raise ValueError("array is broken")
            return super().estimate(stamp_ns, *args)

    session = begin(make_odometry=Broken)
    outcomes = [session.send(min(index, 5), stamp=index) for index in range(7)]
    assert [one.skipped for one in outcomes] == ["", "", *["unusable"] * 3, "", ""]
    assert [bool(one.restart_reason) for one in outcomes] == [*[False] * 4, True, False, False]
    assert "3 images in a row failed (array is broken)" in outcomes[4].restart_reason
    assert outcomes[5].state == OdometryStatus.TRACKING
    np.testing.assert_allclose(positions(node)[-2], positions(node)[1], atol=1e-9)


def test_a_user_says_where_it_restarts(node, begin):
    session = begin()
    session.send(0)
    T_odom_base = np.eye(4)
    T_odom_base[:3, 3] = [1, 2, 3]
    session.restart(Beginning(T_odom_base, np.zeros((6, 6))), "~/reset was called")
    assert session.trajectory() == []
    assert len(session.landmarks()[1]) == 0
    # A recording that starts over is no reason to forget where it starts.
    outcome = session.send(1, stamp=-90, jump=Jump(1, -9.0))
    assert outcome.restart_reason == "~/reset was called"
    np.testing.assert_allclose(positions(node)[-1], [1, 2, 3], atol=1e-9)
    assert variances(node)[-1].max() < 1e3
    assert node.said["warning"] == []


def test_after_a_gap_there_is_no_velocity(node, begin):
    session = begin()
    session.send(0)
    session.break_off()
    session.send(1)
    session.send(2)
    speeds = [message.twist.twist.linear.y for message in node.published["odometry"]]
    assert speeds[1] == 0
    assert speeds[2] != 0


def test_descriptors_that_the_matcher_cannot_take_are_refused_and_nothing_restarts(begin):
    session = begin(matcher=MatcherConfig(kind="lightglue"))
    for index in range(5):
        outcome = session.send(index, model="aliked-t16")
        assert outcome.state == OdometryStatus.UNUSABLE
        assert "descriptors of aliked-t16 have 64 numbers" in outcome.reason
        assert "'nearest'" in outcome.reason
        assert outcome.num_restarts == 0


def test_a_pipeline_is_made_for_the_cameras_of_a_setup(make_settings):
    setup = partial(Setup, Header(), T_base_camera=np.eye(4), camera_frame="", model=("", 128))
    pipeline = make_pipeline(
        make_settings("stereo"), setup(CAMERA, right_camera=RIGHT_CAMERA), VisualOdometry
    )
    assert pipeline.rig.sensor == "stereo"
    assert pipeline.rig.right_camera is RIGHT_CAMERA
    with pytest.raises(ValueError, match="baseline"):
        make_pipeline(make_settings("stereo"), setup(CAMERA, right_camera=CAMERA), VisualOdometry)


@pytest.mark.parametrize("window_size", [1, 5])
def test_live_parameters_hold_from_the_next_image_on_and_pose_and_map_stay(
    node, begin, make_settings, window_size
):
    session = begin(odometry=OdometryConfig(sensor="rgbd", window_size=window_size))
    for index in range(3):
        session.send(index)
    impossible = OdometryConfig(sensor="rgbd", min_inliers=10_000)
    session.reconfigure(make_settings("rgbd", odometry=impossible))
    outcome = session.send(3)
    assert outcome.state == OdometryStatus.PREDICTED
    assert "10000 are needed" in outcome.explanation
    session.reconfigure(make_settings("rgbd"))
    outcome = session.send(4)
    assert (outcome.state, outcome.num_restarts) == (OdometryStatus.TRACKING, 0)
    session.send(5)
    np.testing.assert_allclose(positions(node)[-1], BASE_PATH[5], atol=0.03)


def test_live_parameters_of_what_gives_depth_hold_too(begin, make_settings):
    session = begin()
    session.send(0)
    once = session.landmarks()[1]
    session.reconfigure(make_settings("rgbd", inputs=InputsConfig(depth_scale=2.0)))
    session.restart(Beginning.at_origin(), "test")
    session.send(1, T=PATH[0])
    twice = session.landmarks()[1]
    lengths = [np.median(np.linalg.norm(points, axis=1)) for points in (once, twice)]
    np.testing.assert_allclose(lengths[1], 2 * lengths[0], rtol=0.05)
