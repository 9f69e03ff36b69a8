"""Fixtures of the readers."""

import pytest


@pytest.fixture(params=["sqlite3", "mcap"])
def storage(request):
    """Return how a bag is stored."""
    rosbag2 = pytest.importorskip("rosbags.rosbag2")
    return rosbag2.StoragePlugin[request.param.upper()]
