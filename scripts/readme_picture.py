"""Make docs/pictures/overview.jpg from the outputs of three runs of `python3 -m aliked_ros track`.

python3 scripts/readme_picture.py ROOM_OUT SEQUENCE_OUT SEQUENCE_OUT
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

WIDTH = 1280
OVERVIEW = Path(__file__).resolve().parent.parent / "docs" / "pictures" / "overview.jpg"


def main(room: Path, *sequences: Path) -> None:
    """Tracked keypoints in the rendered room above, trajectories of real sequences below."""
    strip = cv2.imread(str(room / "tracks.png"))
    rows = strip.shape[0] // 3
    top = strip[rows + rows // 60 : 2 * rows]
    plots = [cv2.imread(str(folder / "trajectory.png")) for folder in sequences]
    bottom = np.hstack([_to_width(plot, WIDTH // len(plots)) for plot in plots])
    overview = np.vstack([_to_width(top, WIDTH), _to_width(bottom, WIDTH)])
    cv2.imwrite(str(OVERVIEW), overview, [cv2.IMWRITE_JPEG_QUALITY, 88])


def _to_width(image: np.ndarray, width: int) -> np.ndarray:
    height = round(image.shape[0] * width / image.shape[1])
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:]))
