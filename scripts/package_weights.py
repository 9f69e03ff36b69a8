"""Put a trained checkpoint into the package, in half precision.

Usage: python3 scripts/package_weights.py out/train_t16/best.pth
"""

import argparse
import sys
from pathlib import Path

import torch

from aliked_ros.network.aliked import ALIKED
from aliked_ros.network.released import WeightsError, sha256_of
from aliked_ros.network.weights import PACKAGED_FILE, PACKAGED_MODEL, load_checkpoint


def main() -> int:
    """Convert, write, and say what was written."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=Path, help=f"of {PACKAGED_MODEL}")
    parser.add_argument("--out", type=Path, default=PACKAGED_FILE, help="the packaged file")
    options = parser.parse_args()
    network = ALIKED(PACKAGED_MODEL)
    try:
        load_checkpoint(network, options.checkpoint)
    except WeightsError as error:
        print(f"package_weights: {error}", file=sys.stderr)
        return 2
    halves = {
        name: value.half() if value.is_floating_point() else value
        for name, value in network.state_dict().items()
    }
    torch.save(halves, options.out)
    kilobytes = options.out.stat().st_size / 1e3
    print(f"{options.out}: {kilobytes:.0f} kB, SHA-256 {sha256_of(options.out)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
