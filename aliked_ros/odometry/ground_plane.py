"""Landmarks below a camera of known height -> the length of its unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aliked_ros.odometry.scale import MedianScale, Scale
from aliked_ros.structs import Array, Mask

# Everything is measured in heights of the camera, so that neither unit nor robot matters.
_MAX_REACH = 8.0  # how far points may be; further away a tilt of 1 deg makes 14 %
_BAND = 0.1  # half the thickness of what counts as one level
_TILT = np.radians(2.0)  # standard deviation of the ground against the mount's level
_NOISE = 0.03  # standard deviation of a landmark's height
_NUM_ITERATIONS = 10
_MIN_POINTS = 20
_MAX_BELOW = 0.5  # points below a level, over its own, that may be wrong ones
_MIN_LEAD = 1.5  # points of the ground, over those of as thick a layer above it
_MIN_BREADTH = 0.2  # standard deviation of where points of the ground are, the smaller one
_MAX_SPREAD = 0.05
_NUM_KEYFRAMES = 15  # newest that count
MIN_KEYFRAMES = 3  # that must have shown the ground


@dataclass(frozen=True)
class Ground:
    """How high a camera is above the ground that it sees.

    Attributes:
        height: distance of the plane from the camera, unit of the points; NaN if none was found.
        num_points: landmarks on it.
        reason: why none was found, one clause; empty if it was.
    """

    height: float
    num_points: int
    reason: str = ""


def find_ground(points_camera: Array, up_camera: Array) -> Ground:
    """Find the level surface that most landmarks below the camera lie on.

    The level that the heights of most points are close to is taken, and a plane is fitted there,
    which may be tilted a little, because neither a mount nor a road is exactly level. A table has
    points below it: then those are looked at in the same way. The ground must be broad, and stand
    out from what is above: a wall has points at all heights, and a foot.

    Args:
        points_camera: (N, 3) landmarks in the camera's frame, any unit.
        up_camera: (3,) unit vector, up as the mount of the camera says.
    """
    height = -points_camera @ up_camera
    level = points_camera + height[:, None] * up_camera
    is_near = (height > 0) & (np.linalg.norm(level, axis=1) < _MAX_REACH * height)
    height, across = height[is_near], level[is_near] @ _axes(up_camera)
    is_left = np.ones(len(height), dtype=bool)
    while is_left.sum() >= _MIN_POINTS:
        mode = _most_common(height[is_left])
        camera_height, over = _fit(height, across, is_left, mode)
        num = int((np.abs(over - 1) < _BAND).sum())
        if (over > 1 + _BAND).sum() <= _MAX_BELOW * num:
            return _judge(camera_height, over, across / camera_height)
        is_left &= (over > 1 + _BAND) & (height > mode)
    return _too_few(int(is_left.sum()))


def _judge(camera_height: float, over: Array, across: Array) -> Ground:
    """Return a level that has little below it, if it is one.

    Args:
        camera_height: above the level.
        over: (N,) what _fit returns.
        across: (N, 2) where the points are, over the camera's height.
    """
    is_ground = np.abs(over - 1) < _BAND
    num = int(is_ground.sum())
    if num < _MIN_POINTS:
        return _too_few(num)
    num_above = int(((over > 1 - 3 * _BAND) & (over < 1 - _BAND)).sum())
    breadth = float(np.sqrt(np.linalg.eigvalsh(np.cov(across[is_ground].T))[0]))
    reason = ""
    if breadth < _MIN_BREADTH:
        reason = f"the {num} landmarks on the best level lie along a line, as the foot of a wall"
    elif num < _MIN_LEAD * num_above:
        reason = f"no level stands out: {num} landmarks are on the best one, {num_above} just above"
    else:
        spread = 1.4826 * float(np.median(np.abs(over[is_ground] - 1)))
        if spread > _MAX_SPREAD:
            reason = f"the landmarks on the ground differ by {spread:.0%} in height"
    return Ground(np.nan if reason else camera_height, num, reason)


def _too_few(num: int) -> Ground:
    reason = f"{num} landmarks lie near below the camera on one level, {_MIN_POINTS} are needed"
    return Ground(np.nan, num, reason)


class GroundScale:
    """Metres per unit from the height of the camera: the median over the newest keyframes.

    Args:
        camera_height_m: of the camera above the ground, metres.

    Attributes:
        reason: why the newest keyframe says nothing, one clause; empty if it does.
    """

    def __init__(self, camera_height_m: float) -> None:
        if not camera_height_m > 0:
            raise ValueError(f"camera_height_m is {camera_height_m}: give a positive length, m")
        self._camera_height_m = camera_height_m
        # The mount and the road err in the same way in all of them.
        self._ratios = MedianScale(_NUM_KEYFRAMES, MIN_KEYFRAMES, are_independent=False)
        self._stamp_ns: int | None = None
        self.reason = "no keyframe has depths yet"

    @property
    def num_measured(self) -> int:
        """Keyframes that showed the ground and still count."""
        return len(self._ratios)

    def add(self, stamp_ns: int, points_camera: Array, up_camera: Array) -> None:
        """Take what is known about a keyframe; what was known about the same one is replaced.

        Args:
            stamp_ns: of the keyframe.
            points_camera: (N, 3) what it sees, in its frame.
            up_camera: (3,) unit vector, up as the mount of the camera says.
        """
        ground = find_ground(points_camera, up_camera)
        self.reason = ground.reason
        if ground.reason:
            return
        ratio = self._camera_height_m / ground.height
        self._ratios.add(ratio, replaces_newest=stamp_ns == self._stamp_ns)
        self._stamp_ns = stamp_ns

    def forget(self) -> None:
        """Note that our unit may be another one from now on."""
        self._ratios.clear()
        self._stamp_ns = None

    def scale(self) -> Scale | None:
        """Return the scale, or None while too few keyframes have shown the ground."""
        return self._ratios.scale()


def _most_common(height: Array) -> float:
    """Return the height that most heights (N,) are close to."""
    height = np.sort(height)
    first = np.searchsorted(height, height * (1 - _BAND))
    last = np.searchsorted(height, height * (1 + _BAND))
    # A band is as thick as it is low: a wall votes for all heights alike.
    best = int(np.argmax((last - first) / height))
    return float(np.median(height[first[best] : last[best]]))


def _fit(height: Array, across: Array, is_fitted: Mask, guess: float) -> tuple[float, Array]:
    """Fit a plane that is nearly level to points close to one height.

    Args:
        height: (N,) below the camera.
        across: (N, 2) where they are on the level plane, seen from the camera.
        is_fitted: (N,) points that have a say.
        guess: height of the plane.

    Returns:
        the camera's height above the plane, and how far below the camera the points (N,) are,
        over that height, with the plane's tilt removed.
    """
    height, across = height / guess, across / guess
    rows = np.column_stack([np.ones(len(height)), across])
    prior = np.diag([0.0, 1.0, 1.0]) * (_NOISE / _TILT) ** 2
    plane = np.array([1.0, 0.0, 0.0])
    # Tukey's weights, and fewer and fewer points: walls and what stands on the ground are above it
    # only, and would lift it where they are.
    for width in np.geomspace(2 * _BAND, 2 * _NOISE, _NUM_ITERATIONS):
        residual = height - rows @ plane
        weight = is_fitted * np.maximum(1 - (residual / width) ** 2, 0) ** 2
        weighted = rows * weight[:, None]
        plane = np.linalg.solve(weighted.T @ rows + prior, weighted.T @ height)
    camera_height = guess * plane[0] / np.sqrt(1 + plane[1] ** 2 + plane[2] ** 2)
    return float(camera_height), (height - across @ plane[1:]) / plane[0]


def _axes(up: Array) -> Array:
    """Return two unit vectors (3, 2) across another one."""
    return np.linalg.svd(up[None])[2][1:].T
