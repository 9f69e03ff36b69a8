"""Make docs/pictures/overview.jpg from the outputs of runs of `python3 -m aliked_ros track`.

python3 scripts/readme_picture.py ROOM_OUT SEQUENCE_OUT SEQUENCE_OUT
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np

WIDTH = 1280
OVERVIEW = Path(__file__).resolve().parent.parent / "docs" / "pictures" / "overview.jpg"


def main() -> int:
    """Tracked keypoints in the rendered room above, trajectories of real sequences below."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("room", type=Path, help="output folder of a run over `synthetic`")
    parser.add_argument("sequences", type=Path, nargs="+", help="output folders of other runs")
    parser.add_argument("--out", type=Path, default=OVERVIEW, help="the picture")
    options = parser.parse_args()
    try:
        strip = read(options.room / "tracks.png")
        plots = [read(folder / "trajectory.png") for folder in options.sequences]
    except FileNotFoundError as error:
        print(f"readme_picture: {error}", file=sys.stderr)
        return 2
    rows = strip.shape[0] // 3
    top = strip[rows + rows // 60 : 2 * rows]
    bottom = np.hstack([to_width(plot, WIDTH // len(plots)) for plot in plots])
    overview = np.vstack([to_width(top, WIDTH), to_width(bottom, WIDTH)])
    cv2.imwrite(str(options.out), overview, [cv2.IMWRITE_JPEG_QUALITY, 88])
    return 0


def read(path: Path) -> np.ndarray:
    """Return a picture (H, W, 3) in OpenCV's order."""
    picture = cv2.imread(str(path))
    if picture is None:
        raise FileNotFoundError(f"{path} is no picture: give the --out folders of `track`")
    return picture


def to_width(image: np.ndarray, width: int) -> np.ndarray:
    """Return the picture resized to a width, px."""
    height = round(image.shape[0] * width / image.shape[1])
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


if __name__ == "__main__":
    sys.exit(main())
