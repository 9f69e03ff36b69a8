import pytest

pytest.importorskip("rclpy", reason="ROS is not installed: run make install")

from aliked_ros.nodes.base.surroundings import Surroundings


@pytest.fixture
def look(node, diagnostics):
    return Surroundings(node, diagnostics).look


def test_a_node_alone_with_a_clock_of_its_own_says_nothing(at, node, look):
    for seconds in range(20):
        at(seconds)
        look()
    assert not node.said["warning"]


def test_a_second_node_of_the_same_name_is_said_once_and_stays_in_the_status(
    node, diagnostics, look
):
    node.num_of_this_name = 2
    for _ in range(3):
        look()
    (said,) = node.said["warning"]
    assert said.startswith("2 nodes are called /fake: ")
    assert "-r __node:=NAME" in said
    assert diagnostics.read()[0].message == said


def test_sim_time_without_a_clock_is_said_after_a_while(at, node, diagnostics):
    node.use_sim_time = True
    look = Surroundings(node, diagnostics).look
    at(4)
    look()
    assert not node.said["warning"]
    at(6)
    look()
    (said,) = node.said["warning"]
    assert "nothing has come on /clock for 6 s: play with --clock" in said
    node.now_ns = 10**9
    node.said.clear()
    at(100)
    look()
    assert not node.said["warning"]
