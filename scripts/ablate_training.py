"""Train the same network in several ways, one short run each, and print one table.

Usage: python3 scripts/ablate_training.py config/train_t16.yaml [--steps 2000] [--out out/ablations]

Every variant sees the same pairs in the same order and is validated on the same pairs. A run that
was interrupted resumes; a finished one is only read.
"""

import argparse
import shlex
import sys
import time
from dataclasses import replace
from pathlib import Path

from aliked_ros.cli.train import read_config
from aliked_ros.evaluation.reports.provenance import provenance
from aliked_ros.training.loop.extractor_task import ExtractorTask
from aliked_ros.training.loop.joining import join
from aliked_ros.training.loop.trainer import Trainer
from aliked_ros.training.pairs.sources import training_pairs, validation_pairs

# Each differs from the first in one thing.
VARIANTS = {
    "sparse NRE, deformable, M = 16": {},
    "triplet loss": {"descriptor_loss": "triplet"},
    "without learned offsets": {"is_deformable": False},
    "M = 8": {"num_samples": 8},
    "M = 32": {"num_samples": 32},
}
COLUMNS = ("repeatability", "matching_score", "MMA@1", "MMA@3", "MHA@1", "MHA@3")


def main() -> int:
    """Train what is not trained yet, and print the table."""
    options = _parse()
    try:
        rows = _train_all(options)
    except (ValueError, OSError) as error:
        print(f"ablate_training: {error}", file=sys.stderr)
        return 2
    facts = provenance(shlex.join(["python3", "scripts/ablate_training.py", *sys.argv[1:]]))
    print("; ".join(f"{key}: {value}" for key, value in facts.items()))
    for row in (("variant", *COLUMNS), ["---"] * (len(COLUMNS) + 1), *rows):
        print("|", " | ".join(row), "|")
    return 0


def _train_all(options: argparse.Namespace) -> list[list[str]]:
    """Return the row of each variant."""
    rows = []
    for name, changes in VARIANTS.items():
        folder = options.out / "".join(c if c.isalnum() else "_" for c in name)
        fixed = {"num_steps": options.steps, "validate_every": options.steps, "out": str(folder)}
        config = replace(read_config(options.config, options.set), **fixed, **changes)
        validation = validation_pairs(config)
        if not validation:
            raise ValueError("validation is empty: name a folder with --set validation=FOLDER")
        with join(config.device) as processes:
            source = training_pairs(config)
            task = ExtractorTask(config, source, validation)
            figures = Trainer(task, processes, time.perf_counter).run()
        rows.append([name, *(f"{figures[column]:.1f}" for column in COLUMNS)])
    return rows


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("config", type=Path, help="what all variants share")
    parser.add_argument("--steps", type=int, default=2000, help="of every variant")
    parser.add_argument("--out", type=Path, default=Path("out/ablations"), help="their folders")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
