"""extract: images -> keypoints and descriptors as files, and a picture of each."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from aliked_ros.cli.arguments import add_options, config_from
from aliked_ros.cli.sequence_options import add_image_options
from aliked_ros.config import ExtractorConfig

if TYPE_CHECKING:
    from aliked_ros.structs import Features

DESCRIPTION = "Find and describe the keypoints of images."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("images", nargs="+", type=Path, help="image files, or folders of them")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="output folder")
    add_image_options(parser.add_argument_group("how images are read"))
    add_options(parser, "extractor", ExtractorConfig, short=True)


def run(options: argparse.Namespace) -> int:
    """Write DIR/npz/NAME.npz and DIR/pictures/NAME.png.

    Returns:
        0, 1 if no image has a keypoint, 2 if an image could not be read.
    """
    from tqdm import tqdm

    from aliked_ros.datasets.image_files import read_image, write_image
    from aliked_ros.drawing import draw_keypoints
    from aliked_ros.extractor import Extractor
    from aliked_ros.images import GreyRange, ImageError

    config = config_from(options, "extractor", ExtractorConfig)
    paths = _all_images(options.images)
    for folder in ("npz", "pictures"):
        (options.out / folder).mkdir(parents=True, exist_ok=True)
    GreyRange(options.grey_range)
    extractor = Extractor(config)
    num_failed = num_keypoints = 0
    without: list[str] = []
    for path, name in tqdm(list(zip(paths, _names(paths), strict=True)), unit="image"):
        try:
            # A range for each: the images of a folder need not be of one camera.
            grey_range = GreyRange(options.grey_range)
            image = read_image(path, grey_range, options.max_megapixels)
        except ImageError as error:
            tqdm.write(f"skipped: {error}", file=sys.stderr)
            num_failed += 1
            continue
        features = extractor(image)
        num_keypoints += len(features)
        if not len(features):
            without.append(path.name + _shown(grey_range.used))
        _save_features(options.out / "npz" / f"{name}.npz", features, extractor.model)
        picture = draw_keypoints(
            image, features.keypoints.cpu().numpy(), features.scores.cpu().numpy()
        )
        write_image(options.out / "pictures" / f"{name}.png", picture)
    num_read = len(paths) - num_failed
    print(f"{num_read} images, {num_keypoints} keypoints of {extractor.model}: {options.out}")
    if without:
        shown = ", ".join(without[:8]) + (", ..." if len(without) > 8 else "")
        print(f"no keypoint in {len(without)} images: {shown}", file=sys.stderr)
    if num_failed:
        return 2
    return 0 if num_keypoints else 1


def _shown(used: tuple[float, float] | None) -> str:
    """Return the range of values that was used, in brackets; nothing for 8 bits."""
    return "" if used is None else f" (values {used[0]:g} to {used[1]:g})"


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
    """Write features as .npz: the fields of Features, and the model."""
    import io

    import numpy as np

    from aliked_ros.datasets.whole_files import write_whole

    file = io.BytesIO()
    np.savez(
        file,
        keypoints=features.keypoints.cpu().numpy(),
        scores=features.scores.cpu().numpy(),
        dispersity=features.dispersity.cpu().numpy(),
        descriptors=features.descriptors.cpu().numpy(),
        image_size=np.array(features.image_size),
        model=model,
    )
    write_whole(path, file.getvalue())
