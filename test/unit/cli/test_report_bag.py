"""report: what a bag with our messages tells."""

import numpy as np
import pytest

pytest.importorskip("rosbags.rosbag2")

from bag_world import STORE, make, stamped, write

from aliked_ros.__main__ import main
from aliked_ros.cli.report.bag_run import read_bag_run

NUM_FRAMES = 20
TYPES = STORE.types


def image(seconds):
    pixels = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    return TYPES["sensor_msgs/msg/Image"](
        header=stamped(seconds), height=48, width=64, encoding="rgb8", is_bigendian=0,
        step=192, data=pixels.ravel(),
    )  # fmt: skip


def matches(seconds, generator, num=6):
    where = generator.uniform(5, 40, 2 * num).astype(np.float32)
    return make(
        "aliked_ros/msg/Matches", generator, header=stamped(seconds), keypoints_current=where,
        keypoints_previous=where, inliers=np.ones(num, np.uint8), width=64, height=48,
        track_ids=np.arange(num, dtype=np.uint64),
    )  # fmt: skip


def odometry(seconds, x):
    point = TYPES["geometry_msgs/msg/Point"](x=x, y=0.5 * x, z=0.0)
    turn = TYPES["geometry_msgs/msg/Quaternion"](x=0.0, y=0.0, z=0.0, w=1.0)
    pose = TYPES["geometry_msgs/msg/Pose"](position=point, orientation=turn)
    covered = TYPES["geometry_msgs/msg/PoseWithCovariance"](pose=pose, covariance=np.zeros(36))
    generator = np.random.default_rng(1)
    return make("nav_msgs/msg/Odometry", generator, header=stamped(seconds, "odom"), pose=covered)


def status(seconds, number):
    lost = number == 12
    return make(
        "aliked_ros/msg/OdometryStatus", np.random.default_rng(number), header=stamped(seconds),
        state=3 if lost else 2, reason="too dark" if lost else "", num_keypoints=500,
        num_matches=400, num_inliers=300, extract_ms=20.0 + number, num_skipped=3, num_restarts=1,
        latency_ms=np.nan,
    )  # fmt: skip


def rows():
    generator, written = np.random.default_rng(0), []
    for number in range(NUM_FRAMES):
        seconds = 5 + number / 10
        written += [
            ("/cam/image_raw", "sensor_msgs/msg/Image", image(seconds)),
            ("/matches", "aliked_ros/msg/Matches", matches(seconds, generator)),
            ("/status", "aliked_ros/msg/OdometryStatus", status(seconds, number)),
            ("/odometry", "nav_msgs/msg/Odometry", odometry(seconds, number / 10)),
        ]
    return [(topic, kind, number + 1, one) for number, (topic, kind, one) in enumerate(written)]


def test_a_bag_tells_states_counts_latencies_path_and_tracks(tmp_path):
    write(tmp_path / "walk", rows())
    run = read_bag_run(tmp_path / "walk")
    assert run.states.count("tracking") == NUM_FRAMES - 1
    assert run.reasons[12] == "too dark"
    np.testing.assert_array_equal(run.counts["num_inliers"], 300)
    np.testing.assert_allclose(run.stages_ms["extract"], 20 + np.arange(NUM_FRAMES))
    np.testing.assert_allclose(run.stamps_s, np.arange(NUM_FRAMES) / 10, atol=1e-9)
    assert len(run.path.stamps_ns) == NUM_FRAMES - 1  # where it was lost, no pose was measured
    np.testing.assert_allclose(run.path.T_world_camera[-1, :2, 3], [1.9, 0.95])
    assert run.strip.shape[1] > 2 * 64
    assert len(np.unique(run.strip.reshape(-1, 3), axis=0)) > 100


def test_the_page_of_a_bag_lies_beside_it(tmp_path, capsys):
    write(tmp_path / "walk", rows())
    assert main(["report", str(tmp_path / "walk")]) == 0
    page = tmp_path / "walk" / "report.html"
    assert capsys.readouterr().out == f"written: {page}\n"
    html = page.read_text()
    for said in ("<h1>walk</h1>", "too dark", "data:image/jpeg;base64", "<td>restarts</td>"):
        assert said in html
    assert main(["report", str(tmp_path / "walk" / "walk.mcap")]) == 0


def test_a_bag_without_images_or_odometry_has_a_page(tmp_path):
    write(tmp_path / "walk", [row for row in rows() if row[0] == "/status"])
    assert main(["report", str(tmp_path / "walk")]) == 0
    html = (tmp_path / "walk" / "report.html").read_text()
    assert "<p>No path was recorded.</p>" in html
    assert "<img" not in html


@pytest.mark.parametrize(
    ("topics", "said"), [(["/odometry"], "record:=bag"), (["/cam/image_raw"], "the topic status")]
)
def test_a_bag_without_our_status_says_what_to_record(topics, said, tmp_path, capsys):
    write(tmp_path / "walk", [row for row in rows() if row[0] in topics])
    assert main(["report", str(tmp_path / "walk")]) == 2
    assert said in capsys.readouterr().err


def test_without_rosbags_one_sentence_says_so(tmp_path, hide_package, capsys):
    write(tmp_path / "walk", rows()[:4])
    hide_package("rosbags")
    assert main(["report", str(tmp_path / "walk")]) == 2
    assert 'pip install "aliked_ros[bags]"' in capsys.readouterr().err
