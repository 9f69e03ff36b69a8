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


def test_an_image_out_of_order_is_no_recording_that_starts_over():
    assert why_restart(setup(), setup(10**10 - 10**9)) == ""
    assert why_restart(setup(), setup(10**9)) == "time has jumped back by 9.0 s"


def test_another_calibration_and_another_network_are_reasons():
    assert why_restart(setup(), setup(camera=replace(CAMERA))) == "the calibration has changed"
    pair = setup(right_camera=RIGHT_CAMERA)
    assert why_restart(pair, pair) == ""
    other = setup(right_camera=replace(RIGHT_CAMERA))
    assert why_restart(pair, other) == "the calibration has changed"
    why = why_restart(setup(), setup(model=("aliked-t16", 64)))
    assert why == "features of aliked-t16 follow those of aliked-n16"
