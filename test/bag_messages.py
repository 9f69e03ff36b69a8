"""Messages of cameras, and bags that hold them, written without ROS."""

import cv2
import numpy as np
import pytest

pytest.importorskip("rosbags")
from rosbags.rosbag2 import Writer
from rosbags.typesys import Stores, get_typestore

STORE = get_typestore(Stores.ROS2_JAZZY)
TYPES = STORE.types
START_S = 1_700_000_000


def header_of(stamp_ns):
    time = TYPES["builtin_interfaces/msg/Time"](sec=START_S, nanosec=stamp_ns)
    return TYPES["std_msgs/msg/Header"](stamp=time, frame_id="camera")


def image_message(stamp_ns, pixels, encoding):
    height, width = pixels.shape[:2]
    data = np.frombuffer(np.ascontiguousarray(pixels).tobytes(), np.uint8)
    return TYPES["sensor_msgs/msg/Image"](
        header=header_of(stamp_ns),
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=0,
        step=len(data) // height,
        data=data,
    )


def compressed_message(stamp_ns, pixels):
    encoded = cv2.imencode(".png", pixels)[1].ravel()
    return TYPES["sensor_msgs/msg/CompressedImage"](
        header=header_of(stamp_ns), format="png", data=encoded
    )


def info_message(stamp_ns, baseline_m=0.0, **changes):
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
    return TYPES["sensor_msgs/msg/CameraInfo"](header=header_of(stamp_ns), **(fields | changes))


def write_bag(path, storage, messages):
    """Write (topic, recording time ns, message); recorded later than stamped, as always."""
    with Writer(path, version=9, storage_plugin=storage) as writer:
        connections = {}
        for topic, time_ns, message in messages:
            if topic not in connections:
                kind = message.__msgtype__
                connections[topic] = writer.add_connection(topic, kind, typestore=STORE)
            data = STORE.serialize_cdr(message, message.__msgtype__)
            writer.write(connections[topic], START_S * 10**9 + time_ns, data)


def grey(value):
    return np.full((24, 32), value, np.uint8)
