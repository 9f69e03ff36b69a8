"""Depth images in a bag."""

import struct
from copy import copy

import cv2
import numpy as np
import pytest
from bag_messages import (
    TYPES,
    grey,
    header_of,
    image_message,
    info_message,
    write_bag,
)

from aliked_ros.datasets import Options, open_sequence
from aliked_ros.datasets.doubts import find_doubts


def _depth_bag(tmp_path, storage, depth, topic="/camera/depth/image", offset_ns=0):
    messages = [("/camera/camera_info", 1, info_message(0))]
    for index in (1, 2):
        stamp_ns = index * 100_000_000
        messages.append(("/camera/image", stamp_ns, image_message(stamp_ns, grey(9), "mono8")))
        depth.header = header_of(stamp_ns + offset_ns)
        messages.append((topic, stamp_ns, copy(depth)))
    write_bag(tmp_path / "bag", storage, messages)
    return open_sequence(tmp_path / "bag")


def test_compressed_depth_is_decoded(tmp_path, storage):
    encoded = cv2.imencode(".png", np.full((24, 32), 1500, np.uint16))[1].tobytes()
    data = np.frombuffer(struct.pack("<iff", 0, 0, 0) + encoded, np.uint8)
    depth = TYPES["sensor_msgs/msg/CompressedImage"](
        header=header_of(0), format="16UC1; compressedDepth png", data=data
    )
    sequence = _depth_bag(tmp_path, storage, depth, "/camera/depth/image/compressedDepth")
    assert sequence.read(0, "rgbd").depth_m[0, 0] == pytest.approx(1.5)


def test_broken_depth_costs_the_depth_alone_and_is_counted(tmp_path, storage):
    depth = TYPES["sensor_msgs/msg/CompressedImage"](
        header=header_of(0), format="16UC1; compressedDepth png", data=np.arange(40, dtype=np.uint8)
    )
    sequence = _depth_bag(tmp_path, storage, depth, "/camera/depth/image/compressedDepth")
    assert [frame.depth_m for frame in sequence.frames("rgbd")] == [None, None]
    ((reason, count),) = sequence.left_out.items()
    assert "/camera/depth/image/compressedDepth" in reason
    assert count == 2


def test_how_far_depth_is_away_in_time_is_told(tmp_path, storage):
    depth = image_message(0, np.full((24, 32), 1500, np.uint16), "16UC1")
    sequence = _depth_bag(tmp_path, storage, depth, offset_ns=21_000_000)
    assert sequence.sensors == ("mono",)
    assert "2 of 2 images have no depth image within 20 ms" in sequence.remarks[0]
    assert "the nearest is 21.0 ms off; sync_slop_s is the limit" in sequence.remarks[0]
    wider = open_sequence(tmp_path / "bag", options=Options(sync_slop_s=0.03))
    assert wider.read(0, "rgbd").depth_m[0, 0] == pytest.approx(1.5)


def test_depth_in_millimetres_that_says_metres_is_doubted(tmp_path, storage):
    depth = image_message(0, np.full((24, 32), 1500, np.float32), "32FC1")
    sequence = _depth_bag(tmp_path, storage, depth)
    assert "median depth is 1500 m: 32FC1 is in metres" in find_doubts(sequence, "rgbd")[0]
    assert sequence.left_out == {}
    asked = open_sequence(tmp_path / "bag", options=Options(depth_scale=0.001))
    assert asked.read(0).depth_m[0, 0] == pytest.approx(1.5)
    assert find_doubts(asked, "rgbd") == []


def test_depth_of_another_frame_than_the_image_is_said(tmp_path, storage):
    depth = image_message(1000, np.full((24, 32), 1500, np.uint16), "16UC1")
    depth.header.frame_id = "depth_camera"
    messages = [("/image", 1, image_message(1000, grey(1), "mono8")), ("/depth", 1, depth)]
    write_bag(tmp_path / "bag", storage, messages)
    (remark,) = open_sequence(tmp_path / "bag").remarks
    assert "/depth has the frame_id 'depth_camera', /image has 'camera'" in remark


def test_depth_in_numbers_that_are_not_read_is_not_dropped_for_a_single_camera(tmp_path, storage):
    depth = image_message(0, np.ones((24, 32)), "64FC1")
    messages = [("/camera/camera_info", 0, info_message(0)), ("/camera/depth/image", 0, depth)]
    messages.append(("/camera/image_raw", 0, image_message(0, grey(9), "mono8")))
    write_bag(tmp_path / "bag", storage, messages)
    sequence = open_sequence(tmp_path / "bag")
    assert sequence.best_sensor == "rgbd"
    assert sequence.read(0).depth_m is None
    assert "depth encoding is '64FC1'" in next(iter(sequence.left_out))
