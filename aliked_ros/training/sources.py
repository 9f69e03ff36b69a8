"""A training configuration -> where its pairs come from."""

from __future__ import annotations

from pathlib import Path

from aliked_ros.evaluation.planar_pairs import PlanarPair, find_pairs
from aliked_ros.training.config import TrainingConfig
from aliked_ros.training.homographic_pairs import HomographicPairs, ViewRange
from aliked_ros.training.loading import MixedPairs
from aliked_ros.training.pairs import PairSource

_VALIDATION_SEED = 0  # the same pairs in every training, so that curves compare


def training_pairs(config: TrainingConfig) -> PairSource:
    """Return the source of all pairs that a configuration names.

    Raises:
        ValueError: if it names none, or one that is empty.
    """
    plain: list[PairSource] = []
    if folders := _paths(config.photographs):
        views = ViewRange(config.max_rotation_deg, config.max_scale, config.max_slant)
        plain.append(HomographicPairs(folders, config.size_px, views, config.appearance))
    with_depth: list[PairSource] = []
    if not plain and not with_depth:
        raise ValueError(
            "photographs, sequences and megadepth are all empty: name at least one folder to "
            "learn from"
        )
    share = config.sequence_share if plain and with_depth else float(bool(with_depth))
    weighted = [(source, (1 - share) / len(plain)) for source in plain if share < 1]
    weighted += [(source, share / len(with_depth)) for source in with_depth if share > 0]
    return weighted[0][0] if len(weighted) == 1 else MixedPairs(weighted)


def validation_pairs(config: TrainingConfig) -> list[PlanarPair]:
    """Return the pairs to validate with; none where no folder is named."""
    if not config.validation:
        return []
    folder = Path(config.validation).expanduser()
    return find_pairs(folder, seed=_VALIDATION_SEED, limit=config.validation_pairs)


def _paths(text: str) -> list[Path]:
    return [Path(part.strip()).expanduser() for part in text.split(",") if part.strip()]
