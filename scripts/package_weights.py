"""Put a trained checkpoint into the package, in half precision.

Usage: python3 scripts/package_weights.py out/train_t16/best.pth
"""

import sys
from pathlib import Path

import torch

from aliked_ros.network.aliked import ALIKED
from aliked_ros.network.packaged import PACKAGED_FILE, PACKAGED_MODEL
from aliked_ros.network.weights import load_checkpoint, sha256_of


def main() -> None:
    """Convert, write, and say what was written."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    network = ALIKED(PACKAGED_MODEL)
    load_checkpoint(network, Path(sys.argv[1]))
    halves = {
        name: value.half() if value.is_floating_point() else value
        for name, value in network.state_dict().items()
    }
    torch.save(halves, PACKAGED_FILE)
    kilobytes = PACKAGED_FILE.stat().st_size / 1e3
    print(f"{PACKAGED_FILE}: {kilobytes:.0f} kB, SHA-256 {sha256_of(PACKAGED_FILE)}")


if __name__ == "__main__":
    main()
