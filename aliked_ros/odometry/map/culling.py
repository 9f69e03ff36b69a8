"""What leaves the map: landmarks not seen again, keyframes that add nothing, the oldest."""

from __future__ import annotations

import numpy as np

from aliked_ros.odometry.map.keyframe import Keyframe
from aliked_ros.odometry.map.landmarks import NONE
from aliked_ros.odometry.map.local_map import LocalMap

_MIN_EXPECTED, _MIN_FOUND_SHARE = 10, 0.25  # a landmark is judged after so many images
_TRIAL = 3  # keyframes after which more than one must show it
_TRIAL_TRIANGULATED = range(2, 20)  # while a triangulated one is this old, three must show it
_MIN_EXPECTED_TRIANGULATED = 6
_REDUNDANT_SHARE, _NUM_OTHERS = 0.9, 3  # of a keyframe's landmarks that so many others show
_NUM_JUDGED = 20  # keyframes around the newest one


def cull_landmarks(local_map: LocalMap, *, has_depth: bool) -> None:
    """Let landmarks die that images do not show where they should, or that few keyframes show."""
    landmarks = local_map.landmarks
    num_observers = local_map.num_observers()
    age = local_map.newest.number - landmarks.born
    found_share = landmarks.num_found / np.maximum(landmarks.num_expected, 1)
    is_bad = num_observers == 0
    is_bad |= (landmarks.num_expected > _MIN_EXPECTED) & (found_share < _MIN_FOUND_SHARE)
    is_bad |= (age >= _TRIAL) & (num_observers < 2)
    if not has_depth:
        on_trial = (age >= _TRIAL_TRIANGULATED.start) & (age < _TRIAL_TRIANGULATED.stop)
        is_expected = landmarks.num_expected > _MIN_EXPECTED_TRIANGULATED
        is_bad |= on_trial & is_expected & (num_observers < 3)
    landmarks.is_alive[is_bad] = False
    _drop_links(local_map)


def _drop_links(local_map: LocalMap) -> None:
    """Unlink landmarks that are not alive."""
    is_gone = np.append(~local_map.landmarks.is_alive, False)  # the last one is for NONE
    for image in local_map.images:
        image.landmark[is_gone[image.landmark]] = NONE


def cull_keyframes(local_map: LocalMap, max_keyframes: int) -> None:
    """Remove keyframes around the newest that show nothing of their own, then the oldest."""
    newest = local_map.newest
    num_observers = local_map.num_observers()
    for keyframe in local_map.covisible(newest.numbers)[: _NUM_JUDGED + 1]:
        numbers = keyframe.numbers
        if keyframe is newest or keyframe.number == 0 or len(numbers) == 0:
            continue
        if (num_observers[numbers] > _NUM_OTHERS).mean() > _REDUNDANT_SHARE:
            num_observers[numbers] -= 1
            _remove(local_map, keyframe)
    while len(local_map) > max_keyframes:
        _remove(local_map, local_map.keyframes[0])


def _remove(local_map: LocalMap, keyframe: Keyframe) -> None:
    local_map.keyframes = [k for k in local_map.keyframes if k is not keyframe]
