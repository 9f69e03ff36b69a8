"""The session alone, with features of a world of points: no process is started."""

from functools import partial

import numpy as np
import pytest
import torch

pytest.importorskip("tf2_msgs", reason="the messages are not built: run make install")

from aliked_ros.msg import OdometryStatus
from point_world import CAMERA, RIGHT_CAMERA, nothing, room, sideways
from std_msgs.msg import Header
from tracker_sender import FRAME_NS, depth_image

from aliked_ros.geometry.se3 import T_BODY_OPTICAL
from aliked_ros.nodes.base.conversions.cameras import camera_to_message, image_to_message
from aliked_ros.nodes.base.conversions.poses import transform_from_pose
from aliked_ros.nodes.base.handover import Handover
from aliked_ros.nodes.tracker.inputs import FrameInputs
from aliked_ros.nodes.tracker.session import Session, make_pipeline
from aliked_ros.nodes.tracker.setup import Setup
from aliked_ros.odometry.visual_odometry import VisualOdometry

PATH = sideways(6)
# Where the base is, whose optical frame the camera is.
BASE_PATH = [T_BODY_OPTICAL[:3, :3] @ T[:3, 3] for T in PATH]


@pytest.fixture
def begin(node, make_settings, make_extraction, diagnostics):
    """A session that is sent what a camera in a room sees, index by index."""

    def begin(has_calibration=True):
        session = Session(
            node, make_settings("rgbd"), torch.device("cpu"), VisualOdometry, diagnostics
        )
        if has_calibration:
            node.callbacks["camera_info"](camera_to_message(CAMERA, Header()))
        world = room()

        def send(index, T=None, sighting=None, stamp=None, **more):
            features, depths_m = sighting or world.see(PATH[index] if T is None else T)
            stamp_ns = 10**10 + (index if stamp is None else stamp) * FRAME_NS
            extraction = make_extraction(features, stamp_ns, **more)
            depth = image_to_message(depth_image(features, depths_m), extraction.header)
            handover = Handover(extraction.header, 0, lambda: extraction)
            return session.process(FrameInputs(handover, depth=depth), handover_ms=1.0)

        session.send = send
        return session

    return begin


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
    node.callbacks["camera_info"](camera_to_message(CAMERA, Header()))
    assert session.send(1).state == OdometryStatus.TRACKING


def test_an_image_that_cannot_be_used_harms_nothing(node, begin):
    session = begin()
    session.send(0)
    session.send(1)
    late = session.send(0)
    assert (late.skipped, late.state) == ("unusable", OdometryStatus.UNUSABLE)
    assert "stamp" in late.reason
    lost = session.send(2, sighting=nothing())
    assert lost.state == OdometryStatus.LOST
    assert session.send(3).state == OdometryStatus.TRACKING
    np.testing.assert_allclose(positions(node)[-1], BASE_PATH[3], atol=0.02)


@pytest.mark.parametrize("reason", ["model", "time", "calibration"])
def test_the_odometry_restarts_where_it_does_not_hold(node, begin, reason):
    session = begin()
    session.send(0, stamp=50)
    session.send(1, stamp=51)
    if reason == "calibration":
        changed = camera_to_message(CAMERA, Header())
        changed.k[0] *= 1.01
        node.callbacks["camera_info"](changed)
    model = "aliked-t16" if reason == "model" else "aliked-n16"
    outcome = session.send(2, stamp=0 if reason == "time" else 52, model=model)
    assert outcome.state == OdometryStatus.TRACKING
    np.testing.assert_array_equal(positions(node)[-1], 0)
    assert len(session.trajectory()) == 1
    assert node.said["warning"][-1].endswith(": the odometry restarts")
    assert reason.replace("model", "features") in node.said["warning"][-1]


def test_a_user_says_where_it_restarts(node, begin):
    session = begin()
    session.send(0)
    T_odom_base = np.eye(4)
    T_odom_base[:3, 3] = [1, 2, 3]
    session.restart(T_odom_base)
    assert session.trajectory() == []
    assert len(session.landmarks()[1]) == 0
    # A recording that starts over is no reason to forget where it starts.
    session.send(1, stamp=-90)
    np.testing.assert_allclose(positions(node)[-1], [1, 2, 3], atol=1e-9)
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


def test_a_pipeline_is_made_for_the_cameras_of_a_setup(make_settings):
    setup = partial(Setup, Header(), T_base_camera=np.eye(4), camera_frame="", model=("", 128))
    pipeline = make_pipeline(
        make_settings("stereo"), setup(CAMERA, right_camera=RIGHT_CAMERA), VisualOdometry
    )
    assert pipeline.rig.sensor == "stereo"
    assert pipeline.rig.right_camera is RIGHT_CAMERA
    with pytest.raises(ValueError, match="baseline"):
        make_pipeline(make_settings("stereo"), setup(CAMERA, right_camera=CAMERA), VisualOdometry)
