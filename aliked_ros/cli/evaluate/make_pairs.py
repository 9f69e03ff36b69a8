"""evaluate make-pairs: a sequence with ground truth -> rectified images and a list of pairs."""

from __future__ import annotations

import argparse
from pathlib import Path

DESCRIPTION = "Make a list of image pairs with known relative pose from a sequence."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("sequence", metavar="SEQUENCE", help="with calibration and ground truth")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="output folder")
    parser.add_argument("--count", type=int, default=100, metavar="N", help="pairs (default: 100)")
    parser.add_argument(
        "--translation-m",
        type=float,
        nargs=2,
        default=(0.2, 1.0),
        metavar=("MIN", "MAX"),
        help="between the cameras of a pair (default: 0.2 1.0)",
    )
    parser.add_argument("--max-rotation-deg", type=float, default=40.0, metavar="X")
    parser.add_argument("--seed", type=int, default=0, help="of the drawing")
    parser.add_argument("--camera-info", type=Path, metavar="FILE", help="calibration instead")


def run(options: argparse.Namespace) -> int:
    """Write DIR/pairs.txt and the images that it names."""
    from aliked_ros.cli.sequence_options import say
    from aliked_ros.datasets import open_sequence
    from aliked_ros.datasets.doubts import find_doubts
    from aliked_ros.evaluation.pose.pair_lists import write_pairs
    from aliked_ros.evaluation.pose.sampling import Limits, sample_pairs, save_images

    sequence = open_sequence(options.sequence, options.camera_info)
    say([*sequence.remarks, *find_doubts(sequence, "mono")])
    nearest_m, furthest_m = options.translation_m
    limits = Limits(nearest_m, furthest_m, options.max_rotation_deg)
    pairs = sample_pairs(sequence, options.count, limits, options.seed)
    save_images(sequence, pairs, options.out)
    write_pairs(options.out / "pairs.txt", pairs)
    print(f"{len(pairs)} pairs of {sequence.name}: {options.out / 'pairs.txt'}")
    return 0
