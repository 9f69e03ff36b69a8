"""Images without depth -> partners by the matches of a larger matcher on features of its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

from aliked_ros.config import ExtractorConfig, MatcherConfig
from aliked_ros.datasets import FrameError, Sequence, open_sequence
from aliked_ros.matching import match
from aliked_ros.structs import Features, Matches, Pixels
from aliked_ros.training.losses.terms import point_distances
from aliked_ros.training.matcher.partners import NONE, UNKNOWN
from aliked_ros.training.matcher_recipe import MatcherTrainingConfig
from aliked_ros.training.pairs.appearance import change_appearance
from aliked_ros.training.pairs.pair import draw_frames
from aliked_ros.training.recipe import split_names

_REACH_PX = 2.0
_DENSER = 2  # keypoints of the teacher for each of the pupil's
_MAX_TRIES = 20
_MIN_MATCHES = 20  # of the teacher; with fewer it is taken to have found nothing

Extract = Callable[[Pixels], Features]


class Teacher(NamedTuple):
    """A matcher and the extractor whose features it takes."""

    extract: Extract
    match: Callable[[Features, Features], Matches]


class TaughtPairs:
    """Draws two frames of a sequence, whose partners are those that the teacher finds.

    Args:
        sequence: of images; nothing else of it is read.
        frame_distance: least and greatest number of frames between the two.
        open_teacher: returns who sees the images as they are; asked once in every process.
        change: what the pupil sees of an image, without anything moved.
        reach_px: how far a keypoint may be from that of the teacher which speaks for it.
        min_error_px: a keypoint from whose supposed partner all are farther has none.
    """

    def __init__(
        self,
        sequence: Sequence,
        frame_distance: tuple[int, int],
        open_teacher: Callable[[], Teacher],
        change: Callable[[Pixels, np.random.Generator], Pixels],
        reach_px: float,
        min_error_px: float,
    ) -> None:
        self._sequence = sequence
        self._distance = (frame_distance[0], min(frame_distance[1], len(sequence) - 1))
        self._open_teacher = open_teacher
        self._opened: Teacher | None = None
        self._change = change
        self._limits = (reach_px, min_error_px)

    def draw(
        self, generator: np.random.Generator, extract: Extract
    ) -> tuple[tuple[Features, Features], tuple[Tensor, Tensor], tuple[str, ...]]:
        """Return the features of both images, their partners, and files that were skipped.

        Raises:
            ValueError: if the teacher finds nothing in many pairs of frames.
        """
        unreadable: list[str] = []
        for _ in range(_MAX_TRIES):
            frames = draw_frames(generator, len(self._sequence), self._distance)
            try:
                images = [_rgb(self._sequence.read(index, "mono").image) for index in frames]
            except FrameError as error:
                unreadable.append(error.reason)
                continue
            if self._opened is None:
                self._opened = self._open_teacher()
            of_teacher = self._opened.extract(images[0]), self._opened.extract(images[1])
            matches = self._opened.match(*of_teacher)
            if len(matches) < _MIN_MATCHES:
                continue
            first, second = (extract(self._change(image, generator)) for image in images)
            points = first.keypoints, second.keypoints
            theirs = of_teacher[0].keypoints, of_teacher[1].keypoints
            found = carried_over(points, theirs, matches.indices, *self._limits)
            return (first, second), found, tuple(dict.fromkeys(unreadable))
        raise ValueError(
            f"{self._sequence.name} ({self._sequence.layout}): the teacher finds fewer than "
            f"{_MIN_MATCHES} matches in each of {_MAX_TRIES} pairs of frames: lower "
            "max_frames_apart"
        )


def taught_pairs(config: MatcherTrainingConfig) -> list[TaughtPairs]:
    """Return the sources that `taught` names.

    Raises:
        ValueError: if a sequence cannot be opened.
    """
    change = partial(change_appearance, strength=config.appearance)
    open_teacher = partial(open_released, _DENSER * config.num_keypoints)
    apart = (config.min_frames_apart, config.max_frames_apart)
    return [
        TaughtPairs(
            open_sequence(name), apart, open_teacher, change, _REACH_PX, config.min_error_px
        )
        for name in split_names(config.taught)
    ]


def open_released(num_keypoints: int) -> Teacher:
    """Return the released LightGlue on features of aliked-n16, on the CPU.

    Args:
        num_keypoints: of an image.

    Raises:
        ValueError: if one of their weights is not found.
    """
    from aliked_ros.extractor import Extractor

    extractor = Extractor(ExtractorConfig(
        model="aliked-n16", device="cpu", max_keypoints=num_keypoints, detection_threshold=0.0
    ))  # fmt: skip
    if extractor.model != "aliked-n16":
        raise ValueError(
            "taught is set and the weights of aliked-n16 are not found, whose features the "
            "teacher takes: put them into $ALIKED_WEIGHTS, or leave taught empty"
        )
    return Teacher(extractor, partial(match, config=MatcherConfig(kind="lightglue")))


def carried_over(
    keypoints: tuple[Tensor, Tensor],
    theirs: tuple[Tensor, Tensor],
    matches: Tensor,
    reach_px: float,
    min_error_px: float,
) -> tuple[Tensor, Tensor]:
    """Return the partners of keypoints by the matches of other ones that lie beside them.

    A keypoint's partner is expected where the match of the nearest of the others leads, moved by
    what the keypoint is off from it. Both have to expect each other. Nothing is said about those
    beside which there is no match.

    Args:
        keypoints: (N, 2) and (M, 2) px.
        theirs: (A, 2) and (B, 2) px.
        matches: (K, 2) int64, pairs of theirs.
        reach_px: greatest distance of a keypoint to one of theirs, and of a partner to where it is
            expected.
        min_error_px: one that is farther from all others than this, where it is expected, has no
            partner.

    Returns:
        (N,) int64 and (M,), as of `partners`.
    """
    expected = []
    for image in (0, 1):
        ends = theirs[image][matches[:, image]], theirs[1 - image][matches[:, 1 - image]]
        distances = point_distances(keypoints[image], ends[0])
        nearest, index = distances.min(dim=1)
        places = keypoints[image] + (ends[1] - ends[0])[index]
        expected.append((places, nearest <= reach_px))
    found = []
    for image, (places, is_known) in enumerate(expected):
        distances = point_distances(places, keypoints[1 - image])
        nearest, index = distances.min(dim=1)
        partner = torch.where(nearest <= reach_px, index, UNKNOWN)
        partner = torch.where(nearest > min_error_px, NONE, partner)
        found.append(torch.where(is_known, partner, UNKNOWN))
    return _agreed(found[0], found[1]), _agreed(found[1], found[0])


def _rgb(image: Pixels) -> Pixels:
    return cv2.cvtColor(image, cv2.COLOR_GRAY2RGB) if image.ndim == 2 else image


def _agreed(partner: Tensor, back: Tensor) -> Tensor:
    """Return (N,) with UNKNOWN where the partner does not have the point as its own."""
    itself = torch.arange(len(partner), device=partner.device)
    has_other = (partner >= 0) & (back[partner.clamp(min=0)] != itself)
    return torch.where(has_other, UNKNOWN, partner)
