from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("std_msgs", reason="ROS is not installed: run make install")

from point_world import CAMERA, RIGHT_CAMERA
from std_msgs.msg import Header

from aliked_ros.nodes.base.conversions.fields import ns_to_stamp
from aliked_ros.nodes.tracker.setup import Setup, why_restart


def setup(stamp_ns=10**10, **changes):
    header = Header(stamp=ns_to_stamp(stamp_ns), frame_id="camera")
    return replace(Setup(header, CAMERA, "camera", np.eye(4), ("aliked-n16", 128)), **changes)


def test_an_odometry_holds_while_nothing_changes():
    assert why_restart(setup(), setup(10**10 + 1)) == ""


def test_another_calibration_and_another_network_are_reasons():
    assert why_restart(setup(), setup(camera=replace(CAMERA))) == "the calibration has changed"
    wider = replace(CAMERA, K=CAMERA.K * [[0.5], [0.5], [1]])
    why = why_restart(setup(), setup(camera=wider))
    assert why == "the calibration has changed (focal length 250.00 px after 500.00)"
    why = why_restart(setup(), setup(camera=replace(CAMERA, width=320)))
    assert why == "the calibration has changed (images of 320x480 after 640x480)"
    pair = setup(right_camera=RIGHT_CAMERA)
    assert why_restart(pair, pair) == ""
    other = setup(right_camera=replace(RIGHT_CAMERA))
    assert why_restart(pair, other) == "the calibration has changed"
    why = why_restart(setup(), setup(model=("aliked-t16", 64)))
    assert why == "features of aliked-t16 follow those of aliked-n16"
