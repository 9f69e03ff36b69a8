"""Folders -> photographs, drawn at random and kept in memory."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import cv2
import numpy as np

from aliked_ros.datasets.image_files import IMAGE_SUFFIXES, read_rgb
from aliked_ros.images import ImageError
from aliked_ros.structs import Pixels

_KEPT_PHOTOGRAPHS = 400  # in the memory of every worker, 1 to 3 MB each
_MAX_PHOTOGRAPH_PX = 1024  # longer ones are shrunk when they are read
_MAX_TRIES = 50
_MIN_SIDE_PX = 32


class Photographs:
    """The image files of some folders.

    Args:
        folders: searched whole for image files.

    Raises:
        ValueError: if the folders hold no image file.
    """

    def __init__(self, folders: list[Path]) -> None:
        for folder in folders:
            if not folder.is_dir():
                raise ValueError(
                    f"photographs has {folder}: it is not a folder; give folders of image files"
                )
        self.paths = sorted(
            path
            for folder in folders
            for path in folder.rglob("*")
            if path.suffix.lower() in IMAGE_SUFFIXES
        )
        if not self.paths:
            raise ValueError(
                f"photographs is {', '.join(map(str, folders))}: there is no image file "
                f"({', '.join(IMAGE_SUFFIXES)}) in it"
            )
        self._cache: OrderedDict[Path, Pixels] = OrderedDict()

    def draw(self, generator: np.random.Generator) -> tuple[Pixels, tuple[str, ...]]:
        """Return a photograph (H, W, 3) RGB, and which files could not be read before it.

        Raises:
            ValueError: if many in a row cannot be read.
        """
        unreadable: list[str] = []
        for _ in range(_MAX_TRIES):
            path = self.paths[int(generator.integers(len(self.paths)))]
            try:
                return self._read(path), tuple(unreadable)
            except ImageError as error:
                unreadable.append(str(error))
        raise ValueError(
            f"photographs: {_MAX_TRIES} files in a row cannot be read, the last because: "
            f"{unreadable[-1]}"
        )

    def _read(self, path: Path) -> Pixels:
        if path in self._cache:
            self._cache.move_to_end(path)
            return self._cache[path]
        image = read_rgb(path)
        factor = _MAX_PHOTOGRAPH_PX / max(image.shape[:2])
        if factor < 1:
            image = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        if min(image.shape[:2]) < _MIN_SIDE_PX:
            raise ImageError(
                f"{path}: {image.shape[1]}x{image.shape[0]} px is too small, "
                f"the shorter side must have {_MIN_SIDE_PX}"
            )
        self._cache[path] = image
        if len(self._cache) > _KEPT_PHOTOGRAPHS:
            self._cache.popitem(last=False)
        return image
