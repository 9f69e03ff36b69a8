"""Settings of a tracker whose camera is the base, and what an extractor hands over."""

import pytest


@pytest.fixture
def make_settings():
    pytest.importorskip("aliked_ros.msg", reason="the messages are not built: run make install")
    from aliked_ros.config import MatcherConfig, OdometryConfig, ScaleConfig, StereoConfig
    from aliked_ros.config.nodes import FramesConfig, ImageConfig, InputsConfig, OutputsConfig
    from aliked_ros.nodes.tracker.settings import TrackerSettings

    def make(sensor="rgbd", **changes):
        parts = {
            "images": ImageConfig(),
            "inputs": InputsConfig(),
            "frames": FramesConfig(camera_transform="optical"),
            "outputs": OutputsConfig(),
            "matcher": MatcherConfig(min_similarity=0.9),
            "odometry": OdometryConfig(sensor=sensor),
            "stereo": StereoConfig(),
            "scale": ScaleConfig(),
        }
        return TrackerSettings(**(parts | changes))

    return make


@pytest.fixture
def make_extraction():
    from std_msgs.msg import Header

    from aliked_ros.nodes.base.conversions.fields import ns_to_stamp
    from aliked_ros.nodes.base.extraction import Extraction

    def make(features, stamp_ns=10**9, model="aliked-n16", **more):
        header = Header(stamp=ns_to_stamp(stamp_ns), frame_id="camera")
        return Extraction(header, features, model, **more)

    return make
