"""A training configuration -> where its pairs come from."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from aliked_ros.datasets import Sequence, open_sequence
from aliked_ros.datasets.tum_writer import write_tum
from aliked_ros.evaluation.homography.pairs import PairsError, PlanarPair, find_pairs
from aliked_ros.synthetic.room import SyntheticRoom
from aliked_ros.training.pairs.appearance import change_appearance
from aliked_ros.training.pairs.depth import DepthPairOptions
from aliked_ros.training.pairs.homographic import HomographicPairs, ViewRange
from aliked_ros.training.pairs.loading import MixedPairs
from aliked_ros.training.pairs.megadepth import MegaDepthPairs
from aliked_ros.training.pairs.pair import PairSource
from aliked_ros.training.pairs.photographs import Photographs
from aliked_ros.training.pairs.scenes import ScenePairs
from aliked_ros.training.pairs.sequence import SequencePairs
from aliked_ros.training.recipe import PairsConfig, RunConfig, split_names

_VALIDATION_SEED = 0  # the same pairs in every training, so that curves compare
_ROOM = "synthetic:"
_ROOM_FRAMES, _ROOM_RATE_HZ = 100, 5.0  # one lap
_RELATIVE_DEPTH_TOLERANCE = 0.03  # of measured depth in metres
_MEGADEPTH_TOLERANCE = 0.05  # in the unit of a scene, ALIKE's
_CROP_SHARE = (0.4, 1.0)


def training_pairs(config: PairsConfig) -> PairSource:
    """Return the source of all pairs that a configuration names.

    Raises:
        ValueError: if it names none, or one that is empty.
    """
    plain: list[tuple[PairSource, float]] = []
    if folders := [Path(part).expanduser() for part in split_names(config.photographs)]:
        views = ViewRange(config.max_rotation_deg, config.max_scale, config.max_slant)
        photographs, in_space = Photographs(folders), config.planes_share
        plane = HomographicPairs(photographs, config.size_px, views, config.appearance)
        options = _options(config, 0.0, _RELATIVE_DEPTH_TOLERANCE)
        both = ((plane, 1 - in_space), (ScenePairs(photographs, options), in_space))
        plain += [(source, weight) for source, weight in both if weight > 0]
    with_depth = _pairs_with_depth(config)
    if not plain and not with_depth:
        raise ValueError(
            "photographs, sequences and megadepth are all empty: name at least one folder to "
            "learn from"
        )
    share = config.depth_share if plain and with_depth else float(bool(with_depth))
    weighted = [(source, (1 - share) * weight) for source, weight in plain if share < 1]
    weighted += [(source, share / len(with_depth)) for source in with_depth if share > 0]
    return weighted[0][0] if len(weighted) == 1 else MixedPairs(weighted)


def _pairs_with_depth(config: PairsConfig) -> list[PairSource]:
    sources: list[PairSource] = []
    apart = (config.min_frames_apart, config.max_frames_apart)
    options = _options(config, 0.0, _RELATIVE_DEPTH_TOLERANCE)
    for part in split_names(config.sequences):
        sequence = _open(part, Path(config.out) / "rooms")
        sources.append(SequencePairs(sequence, apart, options))
    if config.megadepth:
        overlap = (config.min_overlap, config.max_overlap)
        options = _options(config, _MEGADEPTH_TOLERANCE, 0.0)
        sources.append(MegaDepthPairs(Path(config.megadepth).expanduser(), overlap, options))
    return sources


def _options(config: PairsConfig, tolerance: float, relative_tolerance: float) -> DepthPairOptions:
    change = partial(change_appearance, strength=config.appearance)
    visible = config.min_visible
    return DepthPairOptions(
        config.size_px, _CROP_SHARE, visible, tolerance, relative_tolerance, change
    )


def _open(text: str, rooms: Path) -> Sequence:
    """Open a sequence; a room is rendered into a folder first, since reading is much faster."""
    if not text.startswith(_ROOM):
        return open_sequence(text)
    seed = text[len(_ROOM) :]
    if not seed.isdecimal():
        raise ValueError(f"sequences has {text!r}: the seed of a room is a whole number")
    folder = rooms / f"room{seed}"
    if not _is_rendered(folder):
        _render(int(seed), folder)
    return open_sequence(str(folder))


def _render(seed: int, folder: Path) -> None:
    """Write a room, whole or not at all: several processes may begin at the same time."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as partial:
        room = SyntheticRoom(seed, num_frames=_ROOM_FRAMES, rate_hz=_ROOM_RATE_HZ)
        write_tum(room, Path(partial) / folder.name)
        try:
            (Path(partial) / folder.name).rename(folder)
        except OSError:  # another process was faster
            if not _is_rendered(folder):
                raise


def _is_rendered(folder: Path) -> bool:
    return (folder / "camera_info.yaml").is_file()  # written last


def validation_pairs(config: RunConfig) -> list[PlanarPair]:
    """Return the pairs to validate with; none where no folder is named.

    Raises:
        ValueError: if the folder holds none.
    """
    if not config.validation:
        return []
    folder = Path(config.validation).expanduser()
    try:
        return find_pairs(folder, seed=_VALIDATION_SEED, limit=config.validation_pairs)
    except PairsError as error:
        raise ValueError(
            f"validation is {config.validation}: {error}; empty: train without validation"
        ) from error


def validation_source(config: PairsConfig, sequence: str) -> PairSource:
    """Return what draws pairs of a sequence to validate with, in the light in which they are.

    Raises:
        ValueError: if the sequence lacks depth, a camera or ground truth.
    """
    options = _options(replace(config, appearance=0.0), 0.0, _RELATIVE_DEPTH_TOLERANCE)
    apart = (config.min_frames_apart, config.max_frames_apart)
    return SequencePairs(_open(sequence, Path(config.out) / "rooms"), apart, options)
