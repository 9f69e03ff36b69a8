"""Keyframes and landmarks, and what they have in common."""

from __future__ import annotations

import numpy as np

from aliked_ros.geometry.vectors import unit
from aliked_ros.odometry.map.keyframe import Keyframe
from aliked_ros.odometry.map.landmarks import NONE, Landmarks
from aliked_ros.structs import Array, Index


class LocalMap:
    """What the camera saw so far.

    Args:
        dimension: D of the descriptors.

    Attributes:
        landmarks: all of them.
        keyframes: in the order of their numbers.
        reference: the keyframe that the next images are measured against.
        newest_image: the image before the next one, a keyframe or not; its links follow the map.
    """

    def __init__(self, dimension: int) -> None:
        self.landmarks = Landmarks(dimension)
        self.keyframes: list[Keyframe] = []
        self._reference: Keyframe | None = None
        self._newest_image: Keyframe | None = None
        self._next_number = 0

    def __len__(self) -> int:
        return len(self.keyframes)

    @property
    def newest(self) -> Keyframe:
        """The newest keyframe of a map that has one."""
        return self.keyframes[-1]

    @property
    def reference(self) -> Keyframe:
        """The keyframe that the next images are measured against: mostly the newest."""
        return self._reference or self.newest

    @reference.setter
    def reference(self, keyframe: Keyframe) -> None:
        self._reference = keyframe

    @property
    def newest_image(self) -> Keyframe:
        """The newest image that was located in the map."""
        return self._newest_image or self.newest

    @newest_image.setter
    def newest_image(self, image: Keyframe) -> None:
        self._newest_image = image

    @property
    def in_sight(self) -> Index:
        """(M,) landmarks that the newest image showed."""
        return self.newest_image.numbers

    @property
    def images(self) -> list[Keyframe]:
        """All keyframes, the newest image and the reference: whatever has links."""
        others = {id(image): image for image in (self.reference, self.newest_image)}
        for keyframe in self.keyframes:
            others.pop(id(keyframe), None)
        return [*self.keyframes, *others.values()]

    @property
    def next_number(self) -> int:
        """The number of the next keyframe."""
        return self._next_number

    def append(self, keyframe: Keyframe) -> None:
        """Take a view as the newest keyframe."""
        self.keyframes.append(keyframe)
        self._reference = self._newest_image = keyframe
        self._next_number = keyframe.number + 1

    def num_shared(self, numbers: Index) -> Index:
        """Return how many of the landmarks (M,) each keyframe (K,) shows."""
        is_asked = np.zeros(len(self.landmarks) + 1, np.bool_)  # the last one is for NONE
        is_asked[numbers] = True
        is_asked[NONE] = False
        return np.array([np.count_nonzero(is_asked[k.landmark]) for k in self.keyframes], np.int64)

    def covisible(self, numbers: Index, least: int = 1) -> list[Keyframe]:
        """Return the keyframes that show at least so many of the landmarks (M,), most first."""
        shared = self.num_shared(numbers)
        order = np.argsort(-shared, kind="stable")
        return [self.keyframes[position] for position in order if shared[position] >= least]

    def around(self, numbers: Index, num_keyframes: int) -> Index:
        """Return what the keyframes show (M,) that have most of some landmarks in common."""
        is_shown = np.zeros(len(self.landmarks) + 1, np.bool_)  # the last one is for NONE
        for keyframe in self.covisible(numbers)[:num_keyframes]:
            is_shown[keyframe.landmark] = True
        return np.flatnonzero(is_shown[:-1] & self.landmarks.is_alive)

    def num_observers(self) -> Index:
        """Return how many keyframes show each landmark (L,)."""
        counts = np.zeros(len(self.landmarks) + 1, np.int64)  # the last one is for NONE
        for keyframe in self.keyframes:
            counts[keyframe.landmark] += 1  # a landmark that is shown twice counts once
        return counts[:-1]

    def refresh(self, keyframe: Keyframe) -> None:
        """Let landmarks look as a keyframe sees them."""
        linked, landmarks = keyframe.linked, self.landmarks
        numbers = keyframe.landmark[linked]
        landmarks.descriptors[numbers] = keyframe.view.descriptors[linked]
        landmarks.direction[numbers] = unit(landmarks.points_world[numbers] - keyframe.centre_world)

    def link(self, keyframe: Keyframe, keypoints: Index, points: Array, covariance: Array) -> Index:
        """Make landmarks of keypoints (M,) of a keyframe, and return their numbers (M,)."""
        direction = unit(points - keyframe.centre_world)
        descriptors = keyframe.view.descriptors[keypoints]
        numbers = self.landmarks.add(points, covariance, descriptors, direction, keyframe.number)
        keyframe.landmark[keypoints] = numbers
        return numbers

    def compact(self) -> None:
        """Forget the landmarks that are not alive; the others get new numbers."""
        label = self.landmarks.compact()
        for image in self.images:
            image.landmark = label[image.landmark]
