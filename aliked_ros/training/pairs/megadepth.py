"""Pairs from MegaDepth in the packaging of D2-Net and LoFTR."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from aliked_ros.datasets.image_files import read_rgb
from aliked_ros.extras import require
from aliked_ros.images import ImageError
from aliked_ros.structs import Floats
from aliked_ros.training.pairs.depth import (
    DepthPairOptions,
    DepthView,
    UnreadableError,
    draw_usable,
)
from aliked_ros.training.pairs.pair import TrainingPair
from aliked_ros.training.pairs.scene_info import ListedView, Scene, SceneInfoError, read_scene

LAYOUT = "MegaDepth with scene_info/*.npz"


class MegaDepthPairs:
    """Draws pairs of photographs of places, with poses and depth from structure from motion.

    The folder, as D2-Net packs it and as LoFTR and its successors read it:

        ROOT/scene_info/*.npz                              lists, one or more for each scene
        ROOT/Undistorted_SfM/0001/images/*.jpg             images without distortion
        ROOT/phoenix/S6/zl548/MegaDepth_v1/0001/dense0/depths/*.h5    "depth": (H, W), <= 0: none

    A list holds `image_paths` and `depth_paths` (below ROOT, None where there is none),
    `intrinsics` (3, 3) in COLMAP's pixels, whose first centre is at 0.5, `poses` (4, 4) from the
    world to the camera, and which images overlap how much: D2-Net as the matrix `overlap_matrix`,
    LoFTR as `pair_infos`, rows ((i, j), overlap, matches). Every list that lies in scene_info is
    drawn from alike often: leave scenes that serve a test, such as those of IMW2020, out of it.

    Attributes:
        unreadable_lists: what is wrong with lists that were skipped; each begins with its name.
    """

    def __init__(self, root: Path, overlap: tuple[float, float], options: DepthPairOptions) -> None:
        """Read the lists.

        Args:
            root: the folder above.
            overlap: least and greatest overlap of a pair, both included, in [0, 1].
            options: how two views become a pair; depth is in MegaDepth's unit.

        Raises:
            ValueError: no list, or no pair in any of them.
            MissingPackageError: without h5py.
        """
        require("h5py", extra="train", feature=f"megadepth: reading the depth files of {root}")
        if not 0 <= overlap[0] <= overlap[1]:
            raise ValueError(f"overlap is {overlap}: give 0 <= least <= greatest")
        self._root = Path(root).expanduser()
        self._options = options
        lists = sorted((self._root / "scene_info").glob("*.npz"))
        self._scenes, self.unreadable_lists = _read_scenes(lists, overlap)
        if not self._scenes:
            broken = "".join(f"; broken: {text}" for text in self.unreadable_lists[:1])
            raise ValueError(
                f"{self._root} ({LAYOUT}): no pair with an overlap of {overlap[0]} to {overlap[1]} "
                f"in {len(lists)} lists{broken}; widen overlap or put the lists of D2-Net or LoFTR "
                "into scene_info"
            )

    def draw(self, generator: np.random.Generator) -> TrainingPair:
        """Return a pair; files that cannot be read are named in it.

        Raises:
            ValueError: no two views make a pair.
        """
        return draw_usable(self._draw_views, self._options, generator, f"{self._root} ({LAYOUT})")

    def _draw_views(self, generator: np.random.Generator) -> tuple[DepthView, DepthView]:
        scene = self._scenes[generator.integers(len(self._scenes))]
        keys = generator.permutation(scene.pairs[generator.integers(len(scene.pairs))])
        view0, view1 = (self._view(scene.views[int(key)]) for key in keys)
        return view0, view1

    def _view(self, listed: ListedView) -> DepthView:
        path = self._root / listed.image
        try:
            image = read_rgb(path)
        except ImageError as error:
            raise UnreadableError(str(error)) from error
        depth = read_depth(self._root / listed.depth)
        if depth.shape != image.shape[:2]:
            raise UnreadableError(
                f"{self._root / listed.depth}: the depth is {depth.shape[1]}x{depth.shape[0]}, "
                f"the image {path} {image.shape[1]}x{image.shape[0]}"
            )
        return DepthView(image, depth, listed.K, listed.T_camera_world)


def _read_scenes(
    lists: list[Path], overlap: tuple[float, float]
) -> tuple[list[Scene], tuple[str, ...]]:
    """Return the scenes that hold pairs, and what is wrong with the lists that are broken."""
    scenes, broken = [], []
    for path in lists:
        try:
            scene = read_scene(path, overlap)
        except SceneInfoError as error:
            broken.append(str(error))
            continue
        if len(scene.pairs):
            scenes.append(scene)
    return scenes, tuple(broken)


def read_depth(path: Path) -> Floats:
    """Return (H, W) depth, 0 where the file has none: the sky, people, ordinal labels below 0.

    Raises:
        UnreadableError: naming the file.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            depth = np.asarray(file["depth"], np.float32)
    except (OSError, KeyError, ValueError) as error:
        raise UnreadableError(f"{path}: {error}") from error
    if depth.ndim != 2:
        raise UnreadableError(f"{path}: depth is an array of shape {depth.shape}, not (H, W)")
    return np.where(np.isfinite(depth) & (depth > 0), depth, np.float32(0))
