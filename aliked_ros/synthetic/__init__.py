"""A rendered room with exact poses and depth: demo, tests, training."""

from aliked_ros.synthetic.room import SyntheticRoom

__all__ = ["SyntheticRoom"]
