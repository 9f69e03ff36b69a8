"""Parts of nodes without nodes: what they need of a node is a stand-in."""

import pytest


@pytest.fixture
def node():
    from fake_node import FakeNode

    return FakeNode()


@pytest.fixture
def diagnostics(node):
    """What a part says about itself: real, and published when `report` is called."""
    from aliked_ros.nodes.base.diagnostics import Diagnostics

    made = Diagnostics(node, hardware_id="cpu")
    report = node.timers[-1]

    def read():
        report()
        status = node.published["/diagnostics"][-1].status[0]
        return status, {item.key: item.value for item in status.values}

    made.read = read
    return made
