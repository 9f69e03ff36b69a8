"""A tracked view becomes a keyframe: landmarks, links, adjusting, culling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from aliked_ros.config import OdometryConfig
from aliked_ros.geometry.bundle.problem import BundleProblem, BundleResult
from aliked_ros.odometry.map.culling import cull_keyframes, cull_landmarks
from aliked_ros.odometry.map.fusion import fuse
from aliked_ros.odometry.map.keyframe import Keyframe
from aliked_ros.odometry.map.local_map import LocalMap
from aliked_ros.odometry.map.new_landmarks import add_by_depth, add_by_triangulation
from aliked_ros.odometry.map.window import Window, apply, choose_window
from aliked_ros.structs import Array


class Runner(Protocol):
    """Adjusts a window, at once or beside the frames."""

    @property
    def is_busy(self) -> bool:
        """Whether a problem is being solved."""

    def start(self, problem: BundleProblem) -> None:
        """Take a problem; only while not busy."""

    def take(self) -> BundleResult | None:
        """Return the result, once, when it is there."""


class Mapping:
    """Grows and adjusts a map.

    Args:
        config: noise, size of the window and of the map, kind of sensor.
        K: (3, 3) intrinsics of the rectified camera, px.
        make_runner: where windows are adjusted.
    """

    def __init__(self, config: OdometryConfig, K: Array, make_runner: Callable[[], Runner]) -> None:
        self._config, self._K = config, K
        self._noise = config.keypoint_noise_px / float(K[0, 0])
        self._has_depth = config.sensor != "mono"
        self._make_runner = make_runner
        self.forget()

    def forget(self) -> None:
        """Note that another map is meant from now on."""
        self._runner = self._make_runner()
        self._window: Window | None = None

    def insert(self, local_map: LocalMap, keyframe: Keyframe, least_similarity: float) -> Array:
        """Make a keyframe part of the map.

        Args:
            local_map: the map.
            keyframe: with the links that tracking found.
            least_similarity: cosine of two descriptors that may show one point.

        Returns:
            what `update` returns.
        """
        local_map.append(keyframe)
        return self.enrich(local_map, least_similarity)

    def enrich(self, local_map: LocalMap, least_similarity: float) -> Array:
        """Let the newest keyframe make landmarks, adjust what lies around it, and cull.

        Args:
            local_map: the map.
            least_similarity: cosine of two descriptors that may show one point.

        Returns:
            what `update` returns.
        """
        keyframe = local_map.newest
        local_map.refresh(keyframe)
        if self._has_depth:
            made = add_by_depth(local_map, keyframe, self._noise)
        add_by_triangulation(local_map, keyframe, self._noise, 0.7 * least_similarity)
        if self._has_depth:
            fuse(local_map, keyframe, made, self._K, least_similarity)
        correction = self._adjust(local_map, keyframe)
        cull_landmarks(local_map, has_depth=self._has_depth)
        cull_keyframes(local_map, self._config.max_keyframes)
        self._tidy(local_map)
        return correction

    def _adjust(self, local_map: LocalMap, keyframe: Keyframe) -> Array:
        """Adjust what lies around a keyframe, unless the last window is not done yet."""
        correction = self.update(local_map)
        if self._config.window_size < 2 or self._runner.is_busy or self._window is not None:
            return correction
        self._window = choose_window(
            local_map, keyframe, self._config.window_size, self._noise, has_unit=self._has_depth
        )
        if self._window is not None:
            self._runner.start(self._window.problem)
        return self.update(local_map) @ correction

    def update(self, local_map: LocalMap) -> Array:
        """Bring in the result of a window that is done.

        Returns:
            (4, 4) by how much the newest part of the map moved: left factor of T_world_view.
        """
        result = self._runner.take()
        if result is None or self._window is None:
            return np.eye(4)
        correction = apply(local_map, self._window, result)
        self._window = None
        return correction

    def _tidy(self, local_map: LocalMap) -> None:
        """Shrink the table of landmarks when most of it is dead, unless a window is under way."""
        is_alive = local_map.landmarks.is_alive
        if self._window is None and np.count_nonzero(~is_alive) > 1000 + is_alive.sum():
            local_map.compact()
