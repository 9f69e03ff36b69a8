"""The knobs of the training of a matcher, with their ranges."""

from __future__ import annotations

from dataclasses import dataclass

from aliked_ros.config import knob
from aliked_ros.training.recipe import RunConfig


@dataclass(frozen=True)
class MatcherTrainingConfig(RunConfig):
    """Which matcher is trained, on the features of which extractor, on what, and how."""

    extractor_weights: str = knob(
        "", "of the extractor, which stays as it is; empty: the released ones, as for a node"
    )
    initial_weights: str = knob(
        "", "checkpoint of a matcher to begin with; empty: nearest neighbours, nearly"
    )
    width: int = knob(128, "numbers of a point's state, a multiple of 64", minimum=64, maximum=512)
    num_layers: int = knob(3, "layers of the matcher", minimum=1, maximum=12)
    num_keypoints: int = knob(512, "of an image, best first", minimum=16, maximum=4096)
    detection_threshold: float = knob(
        0.0, "score that a keypoint exceeds", minimum=0.0, maximum=1.0
    )
    max_error_px: float = knob(3.0, "partners are nearer than this", minimum=0.1, maximum=50.0)
    min_error_px: float = knob(
        5.0, "a keypoint from which all others are farther has no partner", minimum=0.1,
        maximum=50.0,
    )  # fmt: skip
    max_nearest_recall: float = knob(
        1.0, "pairs of which nearest neighbours find a larger part of the partners are left out",
        minimum=0.05, maximum=1.0,
    )  # fmt: skip
    weight_confidence: float = knob(1.0, "of stopping and leaving points out", minimum=0.0)
    pool_pairs: int = knob(
        0, "pairs that are drawn, each used again and again; 0: every pair is a new one", minimum=0
    )
    taught: str = knob(
        "", "sequences of images, separated by commas, whose partners are those that the released "
        "LightGlue finds on features of aliked-n16; of views without depth",
    )  # fmt: skip
    taught_share: float = knob(
        0.3, "part of the pairs that are taught, where there are some", minimum=0.0, maximum=1.0
    )
    validation_sequence: str = knob(
        "", "RGB-D sequence with ground truth whose pairs choose the best checkpoint in place of "
        "warped photographs",
    )  # fmt: skip
    variation: float = knob(
        0.0, "of a pool's pairs each time they come: points left out, images mirrored, turned and "
        "shrunk, noise on descriptors; 0: none, 1: as meant", minimum=0.0, maximum=2.0,
    )  # fmt: skip
    pool: str = knob("", "folder that keeps the features of the pool's pairs; empty: OUT/pairs")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.width % 64:
            raise ValueError(
                f"MatcherTrainingConfig.width is {self.width}: must be a multiple of 64, the "
                "numbers of a head"
            )
        if self.min_error_px < self.max_error_px:
            raise ValueError(
                f"MatcherTrainingConfig.min_error_px is {self.min_error_px}: must be at least "
                f"max_error_px, {self.max_error_px}: a partner would have none"
            )
