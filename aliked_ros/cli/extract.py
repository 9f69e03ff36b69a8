"""extract: images -> keypoints and descriptors as files, and a picture of each."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from aliked_ros.cli.arguments import add_options, config_from
from aliked_ros.config import ExtractorConfig

if TYPE_CHECKING:
    from aliked_ros.structs import Features

DESCRIPTION = "Find and describe the keypoints of images."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("images", nargs="+", type=Path, help="image files, or folders of them")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="output folder")
    add_options(parser, "extractor", ExtractorConfig, short=True)


def run(options: argparse.Namespace) -> int:
    """Write DIR/npz/NAME.npz and DIR/pictures/NAME.png; 2 if an image could not be read."""
    from tqdm import tqdm

    from aliked_ros.datasets.image_files import read_image, write_image
    from aliked_ros.drawing import draw_keypoints
    from aliked_ros.extractor import Extractor
    from aliked_ros.images import ImageError

    config = config_from(options, "extractor", ExtractorConfig)
    paths = _all_images(options.images)
    extractor = Extractor(config)
    num_failed = num_keypoints = 0
    for path, name in tqdm(list(zip(paths, _names(paths), strict=True)), unit="image"):
        try:
            image = read_image(path)
        except ImageError as error:
            tqdm.write(f"skipped: {error}", file=sys.stderr)
            num_failed += 1
            continue
        features = extractor(image)
        num_keypoints += len(features)
        _save_features(options.out / "npz" / f"{name}.npz", features, extractor.model)
        picture = draw_keypoints(
            image, features.keypoints.cpu().numpy(), features.scores.cpu().numpy()
        )
        write_image(options.out / "pictures" / f"{name}.png", picture)
    num_read = len(paths) - num_failed
    print(f"{num_read} images, {num_keypoints} keypoints of {extractor.model}: {options.out}")
    return 2 if num_failed else 0


def _all_images(given: list[Path]) -> list[Path]:
    """Return the files, and the images of the folders."""
    from aliked_ros.datasets.image_files import list_images

    paths: list[Path] = []
    for path in given:
        found = list_images(path) if path.is_dir() else [path]
        if not found or not found[0].exists():
            raise FileNotFoundError(f"{path}: no such image, nor a folder of images")
        paths += found
    return paths


def _names(paths: list[Path]) -> list[str]:
    """Return a file name for each image: its own, with its folder's where two are alike."""
    stems = [path.stem for path in paths]
    names = [
        stem if stems.count(stem) == 1 else f"{path.resolve().parent.name}_{stem}"
        for path, stem in zip(paths, stems, strict=True)
    ]
    return [
        name if names.count(name) == 1 else f"{index}_{name}" for index, name in enumerate(names)
    ]


def _save_features(path: Path, features: Features, model: str) -> None:
    """Write features as .npz: the fields of Features, and the model; make the folder."""
    import numpy as np

    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        path,
        keypoints=features.keypoints.cpu().numpy(),
        scores=features.scores.cpu().numpy(),
        dispersity=features.dispersity.cpu().numpy(),
        descriptors=features.descriptors.cpu().numpy(),
        image_size=np.array(features.image_size),
        model=model,
    )
