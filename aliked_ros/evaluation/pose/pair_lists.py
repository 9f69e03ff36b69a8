"""Lists of image pairs with known relative pose, in SuperGlue's form: read, turn upright, write."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from aliked_ros.geometry import se3
from aliked_ros.structs import Array, Pixels

_NUM_COLUMNS = {36: 2, 38: 4}  # columns of a line, where its numbers begin


class PairListError(ValueError):
    """A list that cannot be read; the text names the file, the line and the form."""


@dataclass(frozen=True, eq=False)
class PosedPair:
    """Two images of a static scene.

    Attributes:
        name0: path of image 0 below the image folder.
        name1: path of image 1.
        quarter_turns: how often image 0 and image 1 have to be turned by 90 deg anticlockwise to
            stand upright (from exif).
        K0: (3, 3) intrinsics of image 0 as it is stored, px.
        K1: (3, 3) intrinsics of image 1.
        T_1_0: (4, 4), SuperGlue's T_0to1: takes camera 0's coordinates to camera 1's.
    """

    name0: str
    name1: str
    quarter_turns: tuple[int, int]
    K0: Array
    K1: Array
    T_1_0: Array


def read_pairs(path: Path) -> list[PosedPair]:
    """Return the pairs of a file: one per line, 36 columns, or 38 with exif rotations.

    The columns are two names, two numbers of quarter turns in the longer form, K0 and K1 (9 each)
    and T_0to1 (16), row by row.
    """
    if not path.is_file():
        raise PairListError(f"{path}: no such file")
    lines = enumerate(path.read_text().splitlines(), start=1)
    pairs = [
        _parse(line.split(), f"{path}, line {number}") for number, line in lines if line.strip()
    ]
    if not pairs:
        raise PairListError(f"{path} holds no pairs")
    return pairs


def write_pairs(path: Path, pairs: list[PosedPair]) -> None:
    """Write the pairs with 38 columns."""
    lines = []
    for pair in pairs:
        numbers = np.concatenate([pair.K0.ravel(), pair.K1.ravel(), pair.T_1_0.ravel()])
        turns = map(str, pair.quarter_turns)
        values = (f"{number:.12g}" for number in numbers)
        lines.append(" ".join([pair.name0, pair.name1, *turns, *values]))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def _parse(columns: list[str], place: str) -> PosedPair:
    if len(columns) not in _NUM_COLUMNS:
        raise PairListError(
            f"{place} has {len(columns)} columns: give 36 (names, K0, K1, T_0to1) or 38 (names, "
            "exif rotations, K0, K1, T_0to1)"
        )
    first = _NUM_COLUMNS[len(columns)]
    try:
        turns = [int(turn) % 4 for turn in columns[2:first]] if first == 4 else [0, 0]
        numbers = np.array(columns[first:], dtype=np.float64)
    except ValueError as error:
        raise PairListError(f"{place}: {error}") from error
    T_1_0 = numbers[18:].reshape(4, 4)
    if not np.isfinite(numbers).all() or not np.allclose(T_1_0[3], [0, 0, 0, 1]):
        raise PairListError(f"{place}: T_0to1 is {T_1_0.tolist()}, not a rigid motion")
    K0, K1 = numbers[:9].reshape(3, 3), numbers[9:18].reshape(3, 3)
    return PosedPair(columns[0], columns[1], (turns[0], turns[1]), K0, K1, T_1_0)


def turn_upright(
    pair: PosedPair, image0: Pixels, image1: Pixels
) -> tuple[PosedPair, Pixels, Pixels]:
    """Return a pair and its images, (H, W) or (H, W, 3), as they are when both stand upright."""
    turns0, turns1 = pair.quarter_turns
    K0, R_upright0_0 = _turn_camera(pair.K0, (image0.shape[0], image0.shape[1]), turns0)
    K1, R_upright1_1 = _turn_camera(pair.K1, (image1.shape[0], image1.shape[1]), turns1)
    T_1_0 = R_upright1_1 @ pair.T_1_0 @ R_upright0_0.T
    upright = replace(pair, quarter_turns=(0, 0), K0=K0, K1=K1, T_1_0=T_1_0)
    return upright, _turn_image(image0, turns0), _turn_image(image1, turns1)


def _turn_image(image: Pixels, quarter_turns: int) -> Pixels:
    return np.ascontiguousarray(np.rot90(image, quarter_turns))


def _turn_camera(K: Array, image_size: tuple[int, int], quarter_turns: int) -> tuple[Array, Array]:
    """Return intrinsics (3, 3) and T_turned_camera (4, 4) of an image turned anticlockwise."""
    height, width = image_size
    T_turned_camera = np.eye(4)
    # One turn shows column x in row width - 1 - x: the new x axis is the old y axis.
    R_turn = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    for _ in range(quarter_turns):
        S_turn = R_turn.copy()
        S_turn[1, 2] = width - 1
        K = S_turn @ K @ R_turn.T
        T_turned_camera = se3.from_rotation_translation(R_turn, np.zeros(3)) @ T_turned_camera
        height, width = width, height
    return K, T_turned_camera
