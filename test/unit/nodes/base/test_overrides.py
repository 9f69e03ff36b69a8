import pytest

pytest.importorskip("rclpy", reason="ROS is not installed: run make install")

from rclpy.context import Context
from rclpy.node import Node
from rclpy.parameter import Parameter

from aliked_ros.config.nodes import StreamConfig
from aliked_ros.nodes.base.overrides import warn_of_sections, warn_of_unknown
from aliked_ros.nodes.base.parameters import LiveConfig


@pytest.fixture
def warnings():
    """Return what is warned of when a node is given parameters."""
    context = Context()
    context.init()

    def given(**values):
        overrides = [Parameter(name.replace("__", "."), value=v) for name, v in values.items()]
        node = Node("overrides", context=context, parameter_overrides=overrides)
        LiveConfig(node, StreamConfig, "")
        said = []
        node.get_logger = lambda: type("Logger", (), {"warning": staticmethod(said.append)})
        warn_of_unknown(node)
        node.destroy_node()
        return said

    yield given
    context.shutdown()


@pytest.fixture
def make_named():
    """Return what is warned of when a node of a name is given a parameter file."""
    context = Context()
    context.init()

    def made(name, file):
        node = Node(name, context=context)
        said = []
        node.get_logger = lambda: type("Logger", (), {"warning": staticmethod(said.append)})
        warn_of_sections(node, "aliked_tracker", ["x", "--ros-args", "--params-file", file])
        node.destroy_node()
        return said

    yield made
    context.shutdown()


def test_a_typing_error_is_named_with_the_name_that_is_meant(warnings):
    (said,) = warnings(max_rate_hs=5.0)
    assert said == "parameter max_rate_hs is not one of overrides: did you mean max_rate_hz?"
    (said,) = warnings(odometry__min_inlier=5)
    assert "did you mean odometry.min_inliers?" in said
    assert len(warnings(max_rate_hs=5.0, qqqqq=1)) == 2


def test_what_other_nodes_of_a_process_and_ros_itself_take_is_nothing_to_warn_of(warnings):
    assert warnings(max_rate_hz=5.0, use_sim_time=True, odometry__sensor="rgbd") == []
    assert warnings(qos_overrides__x="y") == []


@pytest.mark.parametrize(
    ("sections", "is_warned"),
    [
        ("aliked_tracker: {ros__parameters: {odometry.sensor: rgbd}}", False),
        ("/**: {ros__parameters: {odometry.sensor: rgbd}}", False),
        ("/*: {ros__parameters: {odometry.sensor: rgbd}}", False),
        ("aliked_extractor: {ros__parameters: {device: cpu}}", False),  # of the same process
        ("{camera: {ros__parameters: {}}, aliked_tracker: {ros__parameters: {}}}", False),
        ("tracker: {ros__parameters: {odometry.sensor: rgbd}}", True),
        ("front: {aliked_trakcer: {ros__parameters: {odometry.sensor: rgbd}}}", True),
        ("[1, 2]", False),
        ("a: [", False),
    ],
)
def test_a_file_that_is_for_nobody_is_named(tmp_path, make_named, sections, is_warned):
    (tmp_path / "p.yaml").write_text(sections)
    said = make_named("aliked_tracker", str(tmp_path / "p.yaml"))
    assert bool(said) == is_warned
    if said:
        assert "p.yaml holds parameters for /" in said[0]
        assert "none for /aliked_tracker" in said[0]


def test_a_node_of_another_name_has_another_section(tmp_path, make_named):
    (tmp_path / "p.yaml").write_text("aliked_tracker: {ros__parameters: {odometry.sensor: rgbd}}")
    (said,) = make_named("front", str(tmp_path / "p.yaml"))
    assert "for /aliked_tracker, none for /front" in said
