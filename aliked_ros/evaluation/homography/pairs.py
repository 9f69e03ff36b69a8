"""Folders -> pairs of images of a plane: HPatches, Oxford's loose pairs, warped photographs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from aliked_ros.datasets.image_files import IMAGE_SUFFIXES, list_images, read_image, read_rgb
from aliked_ros.evaluation.homography.changes import random_view, resize
from aliked_ros.images import ImageError
from aliked_ros.structs import Array, Pixels

# Sequences with images above 1600x1200, which D2-Net's protocol leaves out: 108 of 116 stay.
TOO_LARGE = {
    "i_contruction", "i_crownnight", "i_dc", "i_pencils", "i_whitebuilding",
    "v_artisans", "v_astronautis", "v_talent",
}  # fmt: skip


class PairsError(ValueError):
    """A folder without pairs; the text says what was looked for and what to do."""


@dataclass(frozen=True, eq=False)
class PlanarPair:
    """Two images of a plane, or of one place at two times of day.

    Attributes:
        name: sequence and numbers of the images, such as "v_wall 1-3".
        kind: "illumination", "viewpoint" or "synthetic".
        path0: image 0.
        path1: image 1; None: image 0 seen through H_1_0, brightness and contrast changed.
        H_1_0: (3, 3) from pixels of image 0 to pixels of image 1.
        seed: of a synthetic image 1; None for a real one.
    """

    name: str
    kind: str
    path0: Path
    path1: Path | None
    H_1_0: Array
    seed: int | None = None

    def load(self, longer_side_px: int = 0) -> tuple[Pixels, Pixels, Array]:
        """Return image 0, image 1, (H, W, 3) or (H, W), and H_1_0 (3, 3), shrunk where too large.

        Args:
            longer_side_px: longer side after shrinking; 0 leaves the images as they are.
        """
        image0 = read_rgb(self.path0)
        if self.path1 is None:
            image1 = _relit(cv2.warpPerspective(image0, self.H_1_0, image0.shape[1::-1]), self.seed)
        else:
            image1 = read_rgb(self.path1)
        image0, S0 = resize(image0, longer_side_px)
        image1, S1 = resize(image1, longer_side_px)
        return image0, image1, S1 @ self.H_1_0 @ np.linalg.inv(S0)


def find_pairs(
    root: Path, *, with_large: bool = False, seed: int = 0, limit: int | None = None
) -> list[PlanarPair]:
    """Return the pairs of a folder.

    Args:
        root: HPatches (folders i_* and v_* with 1.ppm to 6.ppm and H_1_2 to H_1_6), one of its
            sequences, Oxford's pairs (img1.ppm and H1to2p), a folder of these, or any photographs.
        with_large: keep the eight sequences of HPatches that the protocol leaves out.
        seed: of the homographies that photographs are warped by.
        limit: at most this many pairs.

    Raises:
        PairsError: if there are none.
    """
    if not root.is_dir():
        raise PairsError(f"{root} is not a folder: give HPatches, Oxford's pairs or photographs")
    inner = sorted(entry for entry in root.iterdir() if entry.is_dir())
    if not with_large:
        inner = [folder for folder in inner if folder.name not in TOO_LARGE]
    pairs = [pair for folder in (root, *inner) for pair in _true_pairs(folder)]
    return pairs[:limit] or _synthetic_pairs(root, list_images(root), seed, limit)


def _true_pairs(folder: Path) -> list[PlanarPair]:
    """Return the pairs of one sequence, by the number of image 1."""
    pairs = []
    for file in folder.iterdir():
        found = re.fullmatch(r"H_1_(\d+)|H1to(\d+)p", file.name)
        if not found:
            continue
        hpatches, oxford = found.groups()
        stem, number = ("", hpatches) if hpatches else ("img", oxford)
        name = folder.resolve().name
        kind = "illumination" if name.startswith("i_") else "viewpoint"
        images = (_image(folder, f"{stem}1", file), _image(folder, f"{stem}{number}", file))
        pairs.append(PlanarPair(f"{name} 1-{number}", kind, *images, _read_homography(file)))
    return sorted(pairs, key=lambda pair: int(pair.name.rpartition("-")[2]))


def _image(folder: Path, stem: str, homography: Path) -> Path:
    for suffix in IMAGE_SUFFIXES:
        if (folder / f"{stem}{suffix}").is_file():
            return folder / f"{stem}{suffix}"
    raise PairsError(f"{homography} needs {folder / stem}.ppm (or .png, .jpg): it is missing")


def _read_homography(file: Path) -> Array:
    try:
        H_1_0 = np.loadtxt(file)
    except ValueError as error:
        raise PairsError(f"{file}: a homography is nine numbers ({error})") from error
    if H_1_0.shape != (3, 3) or not np.isfinite(H_1_0).all() or np.linalg.det(H_1_0) == 0:
        raise PairsError(f"{file} is {H_1_0.tolist()}: give an invertible 3x3 homography")
    return H_1_0


def _synthetic_pairs(
    root: Path, photographs: list[Path], seed: int, limit: int | None
) -> list[PlanarPair]:
    pairs: list[PlanarPair] = []
    for number, path in enumerate(photographs):
        if len(pairs) == limit:
            break
        try:
            image_size = read_image(path).shape[:2]
        except ImageError:
            continue
        generator = np.random.default_rng([seed, number])
        H_1_0 = random_view(generator, (image_size[0], image_size[1]))
        own_seed = int(generator.integers(2**31))
        pairs.append(PlanarPair(path.stem, "synthetic", path, None, H_1_0, own_seed))
    if not pairs:
        raise PairsError(
            f"{root} holds no pairs. Looked for: i_* and v_* folders with H_1_2 (HPatches), H1to2p "
            "beside img1.ppm (Oxford), or photographs to be warped"
        )
    return pairs


def _relit(image: Pixels, seed: int | None) -> Pixels:
    """Return the image under another light: contrast 0.7 to 1.3, gamma 0.7 to 1.4."""
    generator = np.random.default_rng(seed)
    contrast, gamma = generator.uniform(0.7, 1.3), np.exp(generator.uniform(-0.35, 0.35))
    levels = 255 * np.clip(contrast * (np.arange(256) / 255) ** gamma, 0, 1)
    return np.round(levels).astype(np.uint8)[image]
