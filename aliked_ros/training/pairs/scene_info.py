"""MegaDepth's lists of a scene (scene_info) -> posed views and the pairs that overlap enough."""

from __future__ import annotations

import io
import pickle
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aliked_ros.structs import Array

KEYS = ("image_paths", "depth_paths", "intrinsics", "poses")

# The few names that a pickled array of strings, numbers, arrays and None refers to. These files
# come from the internet, and unpickling anything else could run what their author liked.
_HARMLESS: dict[str, Any] = {
    "_reconstruct": np.empty(0).__reduce__()[0],
    "scalar": np.float64(0).__reduce__()[0],
    "ndarray": np.ndarray,
    "dtype": np.dtype,
}


class SceneInfoError(ValueError):
    """A list that cannot be read; the text names the file and what is wrong."""


@dataclass(frozen=True, eq=False)
class ListedView:
    """One image of a scene as the list has it.

    Attributes:
        image: path of the image below the data's root.
        depth: path of the HDF5 file with its depth.
        K: (3, 3) intrinsics, px, pixel centres at whole numbers.
        T_camera_world: (4, 4).
    """

    image: str
    depth: str
    K: Array
    T_camera_world: Array


@dataclass(frozen=True, eq=False)
class Scene:
    """The part of a list that training needs.

    Attributes:
        views: image -> its view; images without depth or pose are left out.
        pairs: (P, 2) int32 keys of `views`, smaller one first.
    """

    views: dict[int, ListedView]
    pairs: NDArray[np.int32]


def read_scene(path: Path, overlap: tuple[float, float]) -> Scene:
    """Read one list.

    Args:
        path: a list of either form that MegaDepthPairs describes.
        overlap: least and greatest share of common scene points, both included.

    Raises:
        SceneInfoError: naming the file and what is wrong with it.
    """
    content = _load(path, (*KEYS, "pair_infos", "overlap_matrix"))
    missing = [key for key in KEYS if key not in content]
    if missing:
        raise SceneInfoError(
            f"{path} lacks {', '.join(missing)}: a scene_info file holds {', '.join(KEYS)} and "
            "pair_infos or overlap_matrix"
        )
    try:
        views = _views(*(content[key] for key in KEYS))
        candidates = _overlapping(path, content, overlap)
    except (TypeError, ValueError, IndexError) as error:
        raise SceneInfoError(f"{path}: {error}") from error
    listed = np.array([i in views and j in views and i != j for i, j in candidates.tolist()], bool)
    pairs = np.unique(np.sort(candidates[listed], axis=1), axis=0)
    return Scene(views, pairs.astype(np.int32).reshape(-1, 2))


def _views(images: Any, depths: Any, intrinsics: Any, poses: Any) -> dict[int, ListedView]:
    views = {}
    for index, (image, depth, K, pose) in enumerate(
        zip(images, depths, intrinsics, poses, strict=True)
    ):
        if image is None or depth is None or K is None or pose is None:
            continue
        K_ours = np.array(K, np.float64).reshape(3, 3)
        K_ours[:2, 2] -= 0.5  # COLMAP puts the centre of the first pixel at 0.5, we at 0
        T_camera_world = np.array(pose, np.float64).reshape(4, 4)
        if np.isfinite(K_ours).all() and np.isfinite(T_camera_world).all():
            views[index] = ListedView(str(image), str(depth), K_ours, T_camera_world)
    return views


def _overlapping(path: Path, content: dict[str, Any], overlap: tuple[float, float]) -> Any:
    """Return (P, 2) pairs of images whose overlap is in the range."""
    low, high = overlap
    if "pair_infos" in content:
        kept = [info[0] for info in content["pair_infos"] if low <= float(info[1]) <= high]
        return np.array(kept, np.int64).reshape(-1, 2)
    if "overlap_matrix" in content:
        matrix = np.triu(np.asarray(content["overlap_matrix"], np.float64), k=1)
        return np.argwhere((matrix >= low) & (matrix <= high) & (matrix > 0))
    raise SceneInfoError(f"{path} holds neither pair_infos nor overlap_matrix")


def _load(path: Path, keys: tuple[str, ...]) -> dict[str, Any]:
    """Return some arrays of an npz archive, or of a pickled dictionary with that suffix."""
    try:
        if not zipfile.is_zipfile(path):
            content = _unpickle(path.read_bytes())
            if not isinstance(content, dict):
                raise SceneInfoError(f"{path} holds no arrays by name")
            return content
        with zipfile.ZipFile(path) as archive:
            names = {name: f"{name}.npy" for name in keys if f"{name}.npy" in archive.namelist()}
            return {name: _array(archive.read(member)) for name, member in names.items()}
    except OSError as error:
        raise SceneInfoError(f"{path}: {error.strerror or error}") from error
    except (zipfile.BadZipFile, pickle.UnpicklingError, EOFError, ValueError) as error:
        raise SceneInfoError(f"{path} cannot be read: {error or 'cut off'}") from error


def _array(data: bytes) -> Any:
    """Return the array of an npy file; one of objects is a pickle behind the header."""
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)  # type: ignore[no-untyped-call]
    read_header: Any = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    _, _, dtype = read_header(file)
    if dtype.hasobject:
        return _unpickle(data[file.tell() :])
    return np.load(io.BytesIO(data), allow_pickle=False)


def _unpickle(data: bytes) -> Any:
    return _ArraysOnly(io.BytesIO(data)).load()


class _ArraysOnly(pickle.Unpickler):
    """Unpickles arrays and plain values, refuses everything that could run code."""

    def find_class(self, module: str, name: str) -> Any:
        if module.split(".")[0] != "numpy" or name not in _HARMLESS:
            raise pickle.UnpicklingError(
                f"it refers to {module}.{name}, which an array of numbers and paths does not need"
            )
        return _HARMLESS[name]
