"""evaluate hloc-features: the features of a folder of images as hloc reads them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from aliked_ros.cli.evaluate.method_options import add_options, open_contestants
from aliked_ros.cli.progress import progress_bar

if TYPE_CHECKING:
    from aliked_ros.evaluation.methods.contestants import Contestant
    from aliked_ros.structs import Features

DESCRIPTION = "Write features for hloc, so that it can run the official localization benchmarks."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("images", type=Path, metavar="DIR", help="images, in subfolders too")
    add_options(parser, max_keypoints=2048, methods="aliked-n16")


def run(options: argparse.Namespace) -> int:
    """Write OUT/feats-METHOD.h5; the groups are named after the images below DIR."""
    from aliked_ros.datasets.image_files import IMAGE_SUFFIXES
    from aliked_ros.evaluation.pose.colmap import write_features

    paths = [p for p in sorted(options.images.rglob("*")) if p.suffix.lower() in IMAGE_SUFFIXES]
    if not paths:
        raise FileNotFoundError(f"{options.images} holds no images")
    for contestant in open_contestants(options):
        file = options.out / f"feats-{contestant.method.identity}.h5"
        count = write_features(file, _extract_all(contestant, paths, options.images))
        print(f"{count} images: {file}")
    return 0


def _extract_all(
    contestant: Contestant, paths: list[Path], root: Path
) -> Iterator[tuple[str, Features]]:
    from aliked_ros.datasets.image_files import read_rgb

    for path in progress_bar(paths, desc=contestant.method.name, unit="image"):
        yield path.relative_to(root).as_posix(), contestant.extract(read_rgb(path))
