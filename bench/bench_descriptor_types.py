"""What short descriptors cost in matching: `python3 bench/bench_descriptor_types.py`.

Pairs of images of the shared data are matched with descriptors that have travelled in a message
of each type. Needs ALIKED_SHARED (default ../shared).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from rclpy.serialization import serialize_message
from std_msgs.msg import Header

from aliked_ros.config import MODELS, ExtractorConfig
from aliked_ros.config.nodes import DESCRIPTOR_TYPES
from aliked_ros.extractor import Extractor
from aliked_ros.matching import match
from aliked_ros.nodes.base.conversions.features import features_from_message, features_to_message
from aliked_ros.structs import Features

SHARED = Path(os.environ.get("ALIKED_SHARED") or Path(__file__).resolve().parents[2] / "shared")
NUM_PAIRS, GAP = 6, 5  # pairs of a sequence, images from one to the other
SEQUENCES = {
    "kitti00": ("image_0/*.png", "image_2/*.png"),
    "7scenes_redkitchen": ("**/*.color.jpg", "**/*.color.png"),
    "tum_fr2_desk_20": ("rgb/*.png", "rgb/*.jpg"),
    "euroc_v101_sparse": ("mav0/cam0/data/*",),
    "vamr_ex01": ("**/*.jpg", "**/*.png"),
    "graf": ("*.png", "*.ppm", "*.jpg"),
}


def main() -> int:
    """Print matches, equal matches and bytes for each sequence and type."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=MODELS, default="aliked-n16")
    parser.add_argument(
        "--sequences", nargs="+", choices=SEQUENCES, default=list(SEQUENCES), metavar="NAME"
    )
    options = parser.parse_args()
    weights = str(SHARED / "weights" / f"{options.model}.pth")
    extractor = Extractor(ExtractorConfig(model=options.model, weights=weights))
    print(f"{options.model}, at most {extractor.config.max_keypoints} keypoints")
    print(f"{'sequence':20} {'type':8} {'pairs':>5} {'matches':>8} {'equal':>8} {'bytes':>8}")
    rows = [row for name in options.sequences for row in compare(name, extractor)]
    if not rows:
        print(f"no sequence is in {SHARED / 'data'}: set ALIKED_SHARED", file=sys.stderr)
        return 1
    for kind in DESCRIPTOR_TYPES:
        chosen = np.array([row for row_kind, row in rows if row_kind == kind])
        show("all", kind, chosen)
    return 0


def compare(name: str, extractor: Extractor) -> Iterator[tuple[str, list[float]]]:
    """Yield the figures of each pair of a sequence in each type, and print their sum."""
    results: dict[str, list[list[float]]] = {kind: [] for kind in DESCRIPTOR_TYPES}
    for path0, path1 in pairs(name):
        extracted = [extractor(read(path)).to("cpu") for path in (path0, path1)]
        expected: set[tuple[int, int]] = set()
        for kind in DESCRIPTOR_TYPES:
            received, sizes = zip(*(travel(features, kind) for features in extracted), strict=True)
            found = {(int(i), int(j)) for i, j in match(*received).indices}
            expected = expected or found  # float32 comes first
            equal = len(found & expected) / max(len(found | expected), 1)
            results[kind].append([len(found), equal, float(np.mean(sizes))])
    for kind, rows in results.items():
        if rows:
            show(name, kind, np.array(rows))
            yield from ((kind, row) for row in rows)


def travel(features: Features, kind: str) -> tuple[Features, int]:
    """Return features as they arrive, and the bytes of their message."""
    message = features_to_message(features, Header(), "aliked", kind)
    return features_from_message(message), len(serialize_message(message))


def pairs(name: str) -> list[tuple[Path, Path]]:
    """Return pairs of images of a sequence, spread over it."""
    folder = SHARED / "data" / name
    found = (sorted(folder.glob(pattern)) for pattern in SEQUENCES[name])
    paths = next((paths for paths in found if paths), [])
    if not paths:
        print(f"{name:20} no images in {folder}")
    gap = min(GAP, max(len(paths) - 2, 1))
    starts = np.linspace(0, len(paths) - 1 - gap, NUM_PAIRS).astype(int) if paths else []
    return [(paths[start], paths[start + gap]) for start in sorted(set(starts))]


def read(path: Path) -> np.ndarray:
    """Return (H, W, 3) RGB."""
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)


def show(name: str, kind: str, rows: np.ndarray) -> None:
    """Print one row of the table: means over pairs."""
    matches, equal, size = rows.mean(axis=0)
    print(f"{name:20} {kind:8} {len(rows):5} {matches:8.1f} {equal:8.2%} {size:8.0f}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
