from types import SimpleNamespace

import pytest

pytest.importorskip("rclpy", reason="ROS is not installed: run make install")

from rclpy.context import Context

from aliked_ros.nodes.base import run as running
from aliked_ros.nodes.base.run import BadArgumentsError, begin, run


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--params-file", "/nowhere.yaml"], ["/nowhere.yaml", "ros__parameters"]),
        (["-p", "camera_transform"], ["camera_transform", "-p NAME:=VALUE"]),
        (["-r", "a b:=c"], ["a b:=c"]),
    ],
)
def test_arguments_that_ros_cannot_use_are_named(arguments, words):
    with pytest.raises(BadArgumentsError) as caught:
        begin(["node", "--ros-args", *arguments], Context())
    assert all(word in str(caught.value) for word in words), caught.value
    assert ".c:" not in str(caught.value)


def test_arguments_that_ros_cannot_use_end_with_1(monkeypatch, capsys):
    def fail():
        raise BadArgumentsError("ROS cannot use -p x")

    monkeypatch.setattr(running, "begin", fail)
    # The real one would go on to note signals in the process of the tests.
    monkeypatch.setattr(running, "Stopper", lambda: SimpleNamespace(is_asked=False))
    assert run(lambda: pytest.fail("no node is made")) == 1
    assert capsys.readouterr().err == "cannot start: ROS cannot use -p x\n"
