import numpy as np
import pytest
from run_world import NUM_FRAMES, Walk

from aliked_ros.datasets import tum_rows
from aliked_ros.evaluation.odometry.outside import OutsideFile, judge, open_outside
from aliked_ros.geometry import se3

ALL_FRAMES = range(NUM_FRAMES)
WORLD = se3.exp(np.array([3.0, -1, 2, 0.5, 1, -0.7]))


def write(path, scale=1.0, frames=ALL_FRAMES, error_m=0.0):
    """Write the true poses of some frames of the walk, in another world."""
    truth = Walk().ground_truth
    rows = []
    for i in frames:
        pose = WORLD @ truth.T_world_camera[i]
        pose[:3, 3] *= scale
        pose[0, 3] += error_m * (-1) ** i
        rows.append((int(truth.stamps_ns[i]), pose))
    tum_rows.write(path, rows)
    return path


def opened(*texts, sensors=("rgbd",), max_frames=None):
    files = [OutsideFile.parse(text) for text in texts]
    return open_outside(files, [(Walk(), list(sensors))], max_frames)


def test_a_true_trajectory_from_outside_has_no_error(tmp_path):
    file = write(tmp_path / "peer.txt")
    (run,) = judge(opened(f"peer={file}"), tmp_path / "runs", 5)
    assert run["frames"] == {"total": NUM_FRAMES, "tracked": NUM_FRAMES, "lost": 0}
    assert (run["method"], run["sensor"], run["sequence"]) == ("peer", "rgbd", "walk")
    assert run["score"]["ate_rmse_m"] < 1e-6
    assert run["score"]["rpe_frames"] == 5
    assert "latency_ms" not in run


def test_an_error_is_the_one_that_was_put_in(tmp_path):
    file = write(tmp_path / "peer.txt", error_m=0.05)
    (run,) = judge(opened(f"peer={file}"), tmp_path / "runs", 0)
    assert run["score"]["ate_rmse_m"] == pytest.approx(0.05, rel=0.05)


def test_a_single_camera_from_outside_is_scored_with_its_scale(tmp_path):
    file = write(tmp_path / "peer.txt", scale=0.2)
    runs = opened(f"peer:mono={file}", f"peer:rgbd={file}", sensors=("rgbd", "mono"))
    mono, rgbd = judge(runs, tmp_path / "runs", 0)
    assert mono["score"]["ate_rmse_m"] < 1e-6
    assert rgbd["score"]["ate_rmse_m"] > 0.1
    assert rgbd["score"]["ate_with_scale_m"] < 1e-6


def test_frames_without_a_pose_are_lost(tmp_path):
    file = write(tmp_path / "peer.txt", frames=[*range(20), *range(30, NUM_FRAMES)])
    with file.open("a") as rows:
        rows.write("3.5 nan nan nan 0 0 0 1\n")  # of frame 25: its tracker had no pose
    (run,) = judge(opened(f"peer={file}"), tmp_path / "runs", 0)
    assert run["frames"] == {"total": NUM_FRAMES, "tracked": NUM_FRAMES - 10, "lost": 10}


def test_only_the_frames_that_ours_are_judged_by_count(tmp_path):
    file = write(tmp_path / "peer.txt")
    (run,) = opened(f"peer={file}", max_frames=15)
    assert len(run.stamps_ns) == len(run.poses) == 15


def test_poses_between_the_frames_answer_none_of_them_twice(tmp_path):
    truth = Walk().ground_truth
    dense = np.arange(truth.stamps_ns[0], truth.stamps_ns[-1] + 1, 10**7)
    tum_rows.write(tmp_path / "peer.txt", [(int(stamp), truth.at(int(stamp))) for stamp in dense])
    (run,) = opened(f"peer={tmp_path / 'peer.txt'}")
    assert [stamp_ns for stamp_ns, _ in run.poses] == truth.stamps_ns.tolist()


def test_files_of_one_name_are_runs_of_one_odometry(tmp_path):
    files = [write(tmp_path / f"{i}.txt", error_m=0.01 * i) for i in range(3)]
    runs = judge(opened(*(f"peer={file}" for file in files)), tmp_path / "runs", 0)
    assert [run["seed"] for run in runs] == [0, 1, 2]
    assert len({run["score"]["ate_rmse_m"] for run in runs}) == 3


def test_a_file_says_which_of_several_sequences_it_is_of(tmp_path):
    park = Walk()
    park.name = "park"
    file = write(tmp_path / "peer.txt")
    served = [(Walk(), ["rgbd"]), (park, ["mono", "rgbd"])]

    def opened(text):
        return open_outside([OutsideFile.parse(text)], served, None)

    for label, found in (("peer@walk", ("walk", "rgbd")), ("peer:mono@park", ("park", "mono"))):
        (run,) = opened(f"{label}={file}")
        assert (run.name, run.sequence.name, run.sensor) == ("peer", *found)
    with pytest.raises(ValueError, match=r"are walk, park: say which .* peer@SEQUENCE=FILE"):
        opened(f"peer={file}")
    with pytest.raises(ValueError, match="its sequence is 'lane': not in walk, park"):
        opened(f"peer@lane={file}")


def test_without_ground_truth_it_is_counted_what_was_answered(tmp_path):
    (run,) = opened(f"peer={write(tmp_path / 'peer.txt')}")
    run.sequence.ground_truth = None
    (figures,) = judge([run], tmp_path / "runs", 0)
    assert figures["score"] is None
    assert figures["frames"]["tracked"] == NUM_FRAMES
    assert figures["farthest_m"] > 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, r"peer\.txt: there is no such file; it must hold rows 'stamp tx"),
        ("# nothing\n", "holds no pose"),
        ("1.0 nan nan nan 0 0 0 1\n", "holds no pose"),
        ("1.0 1 2 3\n", r"peer\.txt, line 1: 4 fields; a row is 'stamp tx"),
        ("1 0 0 0 0 1 0 0 0 0 1 0\n", r"peer\.txt, line 1: 12 fields"),  # KITTI's
        ("stamp x y z qx qy qz qw\n", r"peer\.txt, line 1"),
        ("1.0 0 0 0 0 0 0 1\n2.0 0 0 0 0 0 x 1\n", r"peer\.txt, line 2"),
        # Nanoseconds, where seconds are needed.
        ("1000000000 0 0 0 0 0 0 1\n", "no pose is within 20 ms of a frame of walk; .*in seconds"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_what_it_needs(tmp_path, content, reason):
    file = tmp_path / "peer.txt"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ValueError, match=reason):
        opened(f"peer={file}")


@pytest.mark.parametrize(
    ("text", "sensors", "reason"),
    [
        ("peer.txt", ("rgbd",), r"write NAME\[:SENSOR\]"),
        ("=peer.txt", ("rgbd",), r"write NAME\[:SENSOR\]"),
        ("peer=", ("rgbd",), r"write NAME\[:SENSOR\]"),
        ("a/b=peer.txt", ("rgbd",), "'a/b' is no name"),
        ("peer:lidar=peer.txt", ("rgbd",), "sensor is 'lidar': must be one of mono, stereo, rgbd"),
        ("peer:mono=peer.txt", ("rgbd",), "walk is run with rgbd, not with mono"),
        ("peer=peer.txt", ("rgbd", "mono"), r"peer:SENSOR=FILE"),
    ],
)
def test_a_trajectory_that_is_not_well_named_is_refused(text, sensors, reason):
    with pytest.raises(ValueError, match=reason):
        opened(text, sensors=sensors)
