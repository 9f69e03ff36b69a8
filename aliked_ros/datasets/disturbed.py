"""A sequence with something wrong: dropped or black frames, light, blur, holes in the depth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from aliked_ros.datasets.sequence import Calibration, DatasetError, Pictures, Sequence
from aliked_ros.structs import Floats, Index

_DROPPED_SHARE = 0.2
_EPISODE_NS = 1_000_000_000  # black frames, blur; between steps of brightness
_MAX_EPISODE_SHARE = 0.3  # of a short sequence
_GAINS = (0.7, 1.3)
_BLUR_SHARE = 0.02  # length of the blur as part of the image width
_HOLE_SHARE = 0.3
_HOLE_CELL_PX = 24  # size of the patches without depth


@dataclass(frozen=True)
class Spell:
    """One disturbance in a sequence.

    Attributes:
        start: first disturbed frame.
        stop: first frame after it, where recovery counts from; `start` itself where the disturbance
            lies between two frames: a gap, a step of brightness.
    """

    start: int
    stop: int


@dataclass(frozen=True, eq=False)
class _Plan:
    """Which frames are kept, when something happens, and what happens to the pictures."""

    kept: Index
    spells: tuple[Spell, ...]
    change: Callable[[int, Pictures], Pictures]


class DisturbedSequence(Sequence):
    """Wraps a sequence and disturbs it the same way each time.

    Args:
        inner: the undisturbed sequence.
        disturbance: a key of DISTURBANCES.
        seed: of everything random; the same seed repeats every pixel.
        num_frames: only so many frames of the inner one, from the first; None: all.

    Attributes:
        spells: when something happened, by frame of this sequence; none where it never ends.
    """

    def __init__(
        self, inner: Sequence, disturbance: str, seed: int = 0, num_frames: int | None = None
    ) -> None:
        if disturbance not in DISTURBANCES:
            raise DatasetError(
                f"disturbance is {disturbance!r}: must be one of {', '.join(DISTURBANCES)}"
            )
        if disturbance == "depth_holes" and "rgbd" not in inner.sensors:
            raise DatasetError(f"{inner.name} has no depth images that could have holes")
        stamps_ns = inner.stamps_ns[:num_frames]
        self._plan = DISTURBANCES[disturbance](stamps_ns, seed)
        self._inner = inner
        self.layout = inner.layout  # type: ignore[misc]  # that of the files
        self.spells = self._plan.spells
        super().__init__(
            inner.name,
            stamps_ns[self._plan.kept],
            Calibration(inner.camera, inner.right_camera, inner.T_left_right),
            sensors=inner.sensors,
            ground_truth=inner.ground_truth,
            has_stamps=inner.has_stamps,
            remarks=inner.remarks,
        )

    def _load(self, index: int, with_right: bool, with_depth: bool) -> Pictures:
        pictures = self._inner._load(int(self._plan.kept[index]), with_right, with_depth)
        return self._plan.change(index, pictures)


def _drop(stamps_ns: Index, seed: int) -> _Plan:
    """A fifth of the frames never arrives; the first one does."""
    generator = np.random.default_rng(seed)
    num = len(stamps_ns)
    dropped = 1 + generator.choice(num - 1, round(_DROPPED_SHARE * (num - 1)), replace=False)
    kept = np.setdiff1d(np.arange(num), dropped)
    after_gap = np.flatnonzero(np.diff(kept) > 1) + 1
    return _Plan(kept, tuple(Spell(i, i) for i in after_gap.tolist()), lambda _, same: same)


def _blackout(stamps_ns: Index, seed: int) -> _Plan:
    """The cameras see nothing for a second."""
    spell = _episode(stamps_ns, np.random.default_rng(seed))

    def change(index: int, pictures: Pictures) -> Pictures:
        if not spell.start <= index < spell.stop:
            return pictures
        black = _on_images(pictures, np.zeros_like)
        if pictures.depth_m is None:
            return black
        return replace(black, depth_m=np.full_like(pictures.depth_m, np.nan))

    return _Plan(np.arange(len(stamps_ns)), (spell,), change)


def _brightness(stamps_ns: Index, seed: int) -> _Plan:
    """Every second the image gets darker or brighter by 30 %, or normal again."""
    generator = np.random.default_rng(seed)
    second = (stamps_ns - stamps_ns[0]) // _EPISODE_NS
    levels = np.ones(int(second[-1]) + 1)
    levels[1::2] = generator.choice(_GAINS, len(levels[1::2]))
    gains = levels[second]
    steps = np.flatnonzero(np.diff(gains)) + 1

    def change(index: int, pictures: Pictures) -> Pictures:
        gain = float(gains[index])
        return _on_images(pictures, lambda image: cv2.convertScaleAbs(image, alpha=gain))

    return _Plan(np.arange(len(stamps_ns)), tuple(Spell(i, i) for i in steps.tolist()), change)


def _blur(stamps_ns: Index, seed: int) -> _Plan:
    """The camera shakes for a second: every image is smeared along a direction of its own."""
    spell = _episode(stamps_ns, np.random.default_rng(seed))

    def change(index: int, pictures: Pictures) -> Pictures:
        if not spell.start <= index < spell.stop:
            return pictures
        angle = np.random.default_rng([seed, index]).uniform(0, np.pi)
        kernel = _line_kernel(round(_BLUR_SHARE * pictures.image.shape[1]), angle)
        return _on_images(pictures, lambda image: cv2.filter2D(image, -1, kernel))

    return _Plan(np.arange(len(stamps_ns)), (spell,), change)


def _depth_holes(stamps_ns: Index, seed: int) -> _Plan:
    """Patches that cover 30 % of the depth image are unknown, others in every frame."""

    def change(index: int, pictures: Pictures) -> Pictures:
        if pictures.depth_m is None:
            return pictures
        height, width = pictures.depth_m.shape
        cells = (-(-height // _HOLE_CELL_PX), -(-width // _HOLE_CELL_PX))
        is_hole = np.random.default_rng([seed, index]).random(cells) < _HOLE_SHARE
        patches = np.kron(is_hole, np.ones((_HOLE_CELL_PX,) * 2, dtype=bool))[:height, :width]
        return replace(pictures, depth_m=np.where(patches, np.float32(np.nan), pictures.depth_m))

    return _Plan(np.arange(len(stamps_ns)), (), change)


DISTURBANCES: dict[str, Callable[[Index, int], _Plan]] = {
    "drop": _drop,
    "blackout": _blackout,
    "brightness": _brightness,
    "blur": _blur,
    "depth_holes": _depth_holes,
}


def _episode(stamps_ns: Index, generator: np.random.Generator) -> Spell:
    """Return a second (less of a short sequence) that begins between 30 and 60 % of the way."""
    duration_ns = int(stamps_ns[-1] - stamps_ns[0])
    length_ns = min(_EPISODE_NS, _MAX_EPISODE_SHARE * duration_ns)
    start_ns = stamps_ns[0] + generator.uniform(0.3, 0.6) * duration_ns
    start, stop = np.searchsorted(stamps_ns, [start_ns, start_ns + length_ns]).tolist()
    return Spell(start, min(max(stop, start + 1), len(stamps_ns) - 1))


def _on_images(pictures: Pictures, change: Callable[[Any], Any]) -> Pictures:
    """Return the pictures with the image and its stereo partner changed alike."""
    right = pictures.right_image
    return replace(
        pictures,
        image=change(pictures.image),
        right_image=None if right is None else change(right),
    )


def _line_kernel(length_px: int, angle_rad: float) -> Floats:
    """Return a kernel that averages along a line through its middle."""
    size = max(length_px, 3) | 1
    middle = size // 2
    offset = (middle * np.cos(angle_rad), middle * np.sin(angle_rad))
    ends = [tuple(round(middle + sign * step) for step in offset) for sign in (-1, 1)]
    kernel = np.zeros((size, size), dtype=np.float32)
    cv2.line(kernel, ends[0], ends[1], 1.0)
    return kernel / kernel.sum()
