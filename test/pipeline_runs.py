"""Runs of the whole pipeline in real processes, for the tests that start them."""

import json

from aliked_ros.nodes.base.conversions.fields import stamp_to_ns
from aliked_ros.nodes.base.conversions.poses import transform_from_values

NUM_FRAMES = 20


def play(
    processes, probe, network_parameters, folder, sensor, report, is_composed=False,
    num_subscribers=1, **tracker,
):  # fmt: skip
    """Run the pipeline on a dataset in step with the tracker; return the player's report.

    Where others than the extractor listen, all processes get the time to find each other.
    """
    options = {"odometry__sensor": sensor, "camera_transform": "optical", **tracker}
    if is_composed:
        processes.start("composed_node", **network_parameters, **options)
    else:
        processes.start("extractor_node", **network_parameters)
        processes.start("tracker_node", **options)
    probe.wait_for_publishers()
    player = {"dataset": folder, "sensor": sensor, "rate": 0.0, "report": report}
    processes.start("player_node", **player, num_subscribers=num_subscribers)
    assert processes.wait("player_node", 120.0) == 0, processes.log("player_node")
    return json.loads(report.read_text())


def wait_for_recording(probe, folder):
    """Wait until a recorder has written every frame of a run, and a picture."""
    for name in ("trajectory.txt", "status.csv"):
        path = folder / name
        probe.wait_until(
            lambda path=path: len(path.read_text().splitlines()) > NUM_FRAMES, f"all of {name}"
        )
    probe.wait_until(lambda: list((folder / "overlay").glob("*.png")), "a picture in the recording")
    probe.wait_until(lambda: len(probe.heard["odometry"]) >= NUM_FRAMES, "odometry")


def poses(messages):
    """Return stamps (ns) and T_odom_base of odometry messages."""
    stamps = [stamp_to_ns(message.header.stamp) for message in messages]
    T = []
    for message in messages:
        p, q = message.pose.pose.position, message.pose.pose.orientation
        T.append(transform_from_values([p.x, p.y, p.z, q.x, q.y, q.z, q.w]))
    return stamps, T
