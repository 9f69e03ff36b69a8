"""match: two images -> their matches as a picture and as arrays."""

from __future__ import annotations

import argparse
from pathlib import Path

from aliked_ros.cli.arguments import add_options, config_from
from aliked_ros.cli.sequence_options import add_image_options
from aliked_ros.config import MATCHERS, ExtractorConfig, MatcherConfig

DESCRIPTION = "Match the keypoints of two images."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("image0", type=Path, metavar="A", help="first image")
    parser.add_argument("image1", type=Path, metavar="B", help="second image")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="output folder")
    add_image_options(parser.add_argument_group("how images are read"))
    add_options(parser, "extractor", ExtractorConfig, short=True)
    add_options(parser, "matcher", MatcherConfig)
    parser.add_argument(
        "--matcher",
        dest="matcher.kind",
        choices=MATCHERS,
        default=argparse.SUPPRESS,
        help="the same as --matcher.kind",
    )


def run(options: argparse.Namespace) -> int:
    """Write DIR/matches.png and DIR/matches.npz; 1 if nothing matches."""
    import numpy as np

    from aliked_ros.datasets.image_files import read_image, write_image
    from aliked_ros.drawing import draw_matches
    from aliked_ros.extractor import Extractor
    from aliked_ros.images import GreyRange
    from aliked_ros.matching import match

    matcher = config_from(options, "matcher", MatcherConfig)
    config = config_from(options, "extractor", ExtractorConfig)
    image0, image1 = (
        read_image(path, GreyRange(options.grey_range), options.max_megapixels)
        for path in (options.image0, options.image1)
    )
    options.out.mkdir(parents=True, exist_ok=True)
    extractor = Extractor(config)
    features0, features1 = extractor(image0), extractor(image1)
    matches = match(features0, features1, matcher)
    indices = matches.indices.cpu().numpy()
    keypoints0 = features0.keypoints.cpu().numpy()[indices[:, 0]]
    keypoints1 = features1.keypoints.cpu().numpy()[indices[:, 1]]
    picture = draw_matches(image0, image1, keypoints0, keypoints1)
    write_image(options.out / "matches.png", picture)
    np.savez(
        options.out / "matches.npz",
        indices=indices,
        keypoints0=keypoints0,
        keypoints1=keypoints1,
        similarities=matches.similarities.cpu().numpy(),
    )
    print(
        f"{len(matches)} matches of {len(features0)} and {len(features1)} keypoints: {options.out}"
    )
    return 0 if len(matches) else 1
