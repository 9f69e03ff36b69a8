import numpy as np
import pytest

pytest.importorskip("aliked_ros.srv", reason="the messages are not built: run make install")

from aliked_ros.srv import ResetToPose
from geometry_msgs.msg import Point, Pose, Quaternion
from std_srvs.srv import Trigger

from aliked_ros.datasets import tum_rows
from aliked_ros.nodes.tracker.services import TrackerServices


class Controls:
    """What was asked for."""

    def __init__(self):
        self.resets, self.is_paused = [], False
        self.poses, self.points = [], np.zeros((0, 3))

    def reset(self, T_odom_base, why):
        self.resets.append(T_odom_base)
        self.why = why

    def pause(self, is_paused):
        was_paused, self.is_paused = self.is_paused, is_paused
        return was_paused

    def trajectory(self):
        return self.poses

    def landmarks(self):
        return 10**9, self.points, np.ones(len(self.points), np.int64)


@pytest.fixture
def controls():
    return Controls()


@pytest.fixture
def ask(node, controls, tmp_path):
    TrackerServices(node, controls, str(tmp_path / "saved" / "here"))

    def ask(name):
        response = node.callbacks[f"~/{name}"](Trigger.Request(), Trigger.Response())
        return response.success, response.message

    return ask


@pytest.fixture
def reset_to(node, ask):
    def reset_to(*values):
        pose = Pose(position=Point(**dict(zip("xyz", values[:3], strict=True))))
        pose.orientation = Quaternion(**dict(zip("xyzw", values[3:], strict=True)))
        request = ResetToPose.Request(pose=pose)
        return node.callbacks["~/reset_to_pose"](request, ResetToPose.Response())

    return reset_to


def test_reset_is_to_the_origin_or_to_a_pose(controls, ask, reset_to):
    assert ask("reset") == (True, "restarted: the next image is the origin of odom")
    np.testing.assert_array_equal(controls.resets[-1], np.eye(4))
    assert controls.why == "~/reset was called"
    answer = reset_to(1.0, -2.0, 0.5, 0.0, 0.0, 0.0, 1.0)
    assert answer.success
    assert answer.message == "restarted: the next image is at (1.000, -2.000, 0.500) m in odom"
    np.testing.assert_array_equal(controls.resets[-1][:3, 3], [1, -2, 0.5])
    assert controls.why == "~/reset_to_pose was called"


@pytest.mark.parametrize(
    "values", [(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0), (np.nan, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)]
)
def test_a_pose_that_is_none_is_refused(controls, reset_to, values):
    answer = reset_to(*values)
    assert not answer.success
    assert "give finite numbers and a unit quaternion" in answer.message
    assert controls.resets == []


def test_pause_and_resume_say_what_changed(ask):
    assert ask("resume") == (True, "was not paused")
    assert ask("pause") == (True, "paused: images are skipped until ~/resume")
    assert ask("pause") == (True, "paused already")
    assert ask("resume") == (True, "resumed")


@pytest.mark.parametrize("name", ["save_trajectory", "save_landmarks"])
def test_nothing_is_written_before_there_is_something(ask, tmp_path, name):
    success, message = ask(name)
    assert not success
    assert "nothing was written" in message
    assert list(tmp_path.iterdir()) == []


def test_what_is_saved_is_named_and_can_be_read(controls, ask, tmp_path):
    controls.poses = [(10**9, np.eye(4)), (2 * 10**9, np.eye(4))]
    controls.points = np.ones((3, 3))
    success, message = ask("save_trajectory")
    assert success
    (file,) = (tmp_path / "saved" / "here").glob("trajectory_*.txt")
    assert message == f"{file}: 2 poses (T_odom_base, TUM rows)"
    assert tum_rows.read(file).stamps_ns.tolist() == [10**9, 2 * 10**9]
    success, message = ask("save_landmarks")
    assert success
    assert "3 landmarks (odom, m)" in message


def test_a_folder_that_cannot_be_made_is_an_answer_and_no_crash(controls, ask, tmp_path):
    (tmp_path / "saved").write_text("in the way")
    controls.poses = [(10**9, np.eye(4))]
    success, message = ask("save_trajectory")
    assert not success
    assert str(tmp_path / "saved") in message


def test_whatever_goes_wrong_there_is_an_answer(node, controls, ask):
    def pause(_):
        raise ZeroDivisionError("by zero")

    controls.pause = pause
    assert ask("pause") == (False, "ZeroDivisionError: by zero")
