"""Which features an odometry evaluation compares, each with the knobs that suit it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from aliked_ros.config import ExtractorConfig, MatcherConfig

# Similarities are cosines. RootSIFT's rows have no negative numbers, so unlike patches are alike
# by 0.5 or so; of ORB's 256 bits unlike patches share half, so 0.35 means 83 that differ. Chosen on
# kitti00, redkitchen, vamr_ex01 and euroc_v101_sparse: lower values change next to nothing, higher
# ones spoil some sequence.
_MIN_SIMILARITY = {"sift": 0.75, "orb": 0.35}


@dataclass(frozen=True)
class FeatureChoice:
    """A kind of feature and its knobs.

    Attributes:
        label: how it was asked for; names it in tables.
        method: what `open_method` opens.
        max_keypoints: kept per image, best first.
        min_similarity: cosine below which a pair of descriptors is dropped.
        detection_threshold: score that a keypoint of ALIKED or ALIKE must exceed.
        spread_from: find so many and keep `max_keypoints` that lie all over the image; 0: the best.
    """

    label: str
    method: str
    max_keypoints: int
    min_similarity: float
    detection_threshold: float = ExtractorConfig().detection_threshold
    spread_from: int = 0

    @classmethod
    def parse(
        cls,
        text: str,
        max_keypoints: int,
        detection_threshold: float = ExtractorConfig().detection_threshold,
    ) -> FeatureChoice:
        """Return the choice of "METHOD" or of "METHOD@KNOB=VALUE,...".

        Args:
            text: the knobs are those of this class, all but the first two.
            max_keypoints: unless the text has another.
            detection_threshold: unless the text has another.

        Raises:
            ValueError: naming what is wrong.
        """
        method, _, knobs = text.partition("@")
        min_similarity = _MIN_SIMILARITY.get(method, MatcherConfig().min_similarity)
        choice = cls(text, method, max_keypoints, min_similarity, detection_threshold)
        for assignment in filter(None, knobs.split(",")):
            name, _, value = assignment.partition("=")
            try:
                choice = choice._with(name, value)
            except ValueError as error:
                raise ValueError(f"feature {text!r}: {assignment!r}: {error}") from None
        return choice

    def _with(self, name: str, value: str) -> FeatureChoice:
        if name == "max_keypoints":
            return replace(self, max_keypoints=int(value))
        if name == "min_similarity":
            return replace(self, min_similarity=float(value))
        if name == "detection_threshold":
            return replace(self, detection_threshold=float(value))
        if name == "spread_from":
            return replace(self, spread_from=int(value))
        raise ValueError(
            "the knobs are max_keypoints, min_similarity, detection_threshold and spread_from"
        )

    @property
    def matcher(self) -> MatcherConfig:
        """How descriptors of this kind are paired."""
        return MatcherConfig(min_similarity=self.min_similarity)
