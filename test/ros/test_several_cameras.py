"""Several cameras, as the arguments of the launch file start them."""

import signal
import subprocess
import sys

import numpy as np
from aliked_ros.msg import Features, OdometryStatus
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from aliked_ros.nodes.base.conversions.cameras import image_to_message
from aliked_ros.nodes.base.conversions.fields import ns_to_stamp

WORDS = [
    "cameras:=[front,rear]", "model:=aliked-t16", "weights:=seed:0", "overlay:=false",
    "camera_transform:=optical",
]  # fmt: skip
IMAGE = np.random.default_rng(0).integers(0, 256, (120, 160), np.uint8)


def test_each_camera_gets_its_features_and_the_first_is_tracked(probe, ros_environment, tmp_path):
    probe.listen(Features, "front/features")
    probe.listen(Features, "rear/features")
    probe.listen(OdometryStatus, "status")
    images = {name: probe.publisher(Image, f"{name}/image_raw") for name in ("front", "rear")}
    log = (tmp_path / "log").open("w+")
    command = [sys.executable, "-m", "aliked_ros", "run", *WORDS]
    running = subprocess.Popen(command, stdout=log, stderr=log, env=ros_environment)
    try:
        probe.wait_for_publishers()
        for number, (name, publisher) in enumerate(images.items(), 1):

            def has_answered(name=name, publisher=publisher, number=number):
                header = Header(stamp=ns_to_stamp(number * 10**9), frame_id=name)
                publisher.publish(image_to_message(IMAGE, header))
                return probe.heard[f"{name}/features"]

            probe.wait_until(has_answered, f"features of {name}", poll_s=0.5)
            assert probe.heard[f"{name}/features"][0].header.frame_id == name

        def has_status():
            header = Header(stamp=ns_to_stamp(10**10 + len(probe.heard["front/features"])))
            header.frame_id = "front"
            images["front"].publish(image_to_message(IMAGE, header))
            return probe.heard["status"]

        # The tracker may learn of the extractor later than we do.
        probe.wait_until(has_status, "the status of the first camera", poll_s=0.5)
        status = probe.heard["status"][0]
        assert status.header.frame_id == "front"
        assert "no camera_info on /front/camera_info yet" in status.reason
    finally:
        running.send_signal(signal.SIGINT)
        exit_code = running.wait(60)
    assert exit_code == 0
    assert {one.header.frame_id for one in probe.heard["status"]} == {"front"}
    assert "the tracker follows front" in (tmp_path / "log").read_text()
