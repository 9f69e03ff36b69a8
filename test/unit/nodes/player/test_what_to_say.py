import cv2
import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS is not installed: run make install")

from aliked_ros.datasets import open_sequence
from aliked_ros.nodes.player.work import what_to_say


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "rgb").mkdir()
    rows = []
    for index in range(4):
        cv2.imwrite(str(tmp_path / "rgb" / f"{index}.png"), np.full((24, 32), 90, np.uint8))
        rows.append(f"{1 + index / 10} rgb/{index}.png")
    (tmp_path / "rgb.txt").write_text("\n".join([*rows, rows[-1]]))
    return tmp_path


def test_what_a_reader_says_of_a_sequence_is_said_by_the_player_too(folder):
    said = what_to_say(open_sequence(folder), "")
    assert any("repeat a stamp" in text for text in said)


def test_a_sequence_without_calibration_is_said_to_have_none(folder):
    (text,) = (one for one in what_to_say(open_sequence(folder), "") if "calibration" in one)
    assert text.startswith("no camera_info is published: ")
    assert "--" not in text
