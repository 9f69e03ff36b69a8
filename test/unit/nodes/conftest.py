"""Parts of nodes without nodes: what they need of a node is a stand-in."""

import pytest


@pytest.fixture
def node():
    from fake_node import FakeNode

    return FakeNode()


@pytest.fixture
def diagnostics(node):
    """What a part says about itself: real, and published when `read` is called."""
    from aliked_ros.nodes.base.diagnostics import Diagnostics

    made = Diagnostics(node, hardware_id="cpu")

    def read(index=0):
        made.report()
        status = node.published["/diagnostics"][-1].status[index]
        return status, {item.key: item.value for item in status.values}

    made.read = read
    return made


@pytest.fixture
def topics(node, diagnostics):
    """The subscriptions of a part: real, and open, so that `node.send` reaches them."""
    from aliked_ros.nodes.base.topics import Topics

    made = Topics(node, diagnostics)
    made.open()
    return made


@pytest.fixture
def at(monkeypatch):
    """Set the monotonic clock, seconds after the beginning of the test."""
    import time

    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return lambda seconds: now.__setitem__(0, 1000.0 + seconds)
