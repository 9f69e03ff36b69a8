"""What decides the outcome of a run of the odometry, and where its files are."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from aliked_ros.config import OdometryConfig, StereoConfig
from aliked_ros.evaluation.odometry.feature_choice import FeatureChoice

UNDISTURBED = "none"
_PACKAGE = Path(__file__).parents[2]
# What a finished run depends on: where this code changes, it is run again.
_CODE = (
    "odometry",
    "geometry",
    "matching.py",
    "datasets/disturbed.py",
    "evaluation/odometry/consistency.py",
    "evaluation/odometry/pair_errors.py",
    "evaluation/odometry/records.py",
    "evaluation/odometry/recovery.py",
    "evaluation/odometry/runs.py",
    "evaluation/odometry/scoring.py",
    "evaluation/odometry/trajectory.py",
    "synthetic",
)


@dataclass(frozen=True)
class RunSpec:
    """Everything that decides the outcome of a run, beside the images.

    Attributes:
        sequence: what was asked for, a path or "synthetic".
        sensor: "mono", "stereo" or "rgbd".
        feature: kind of feature.
        disturbance: UNDISTURBED or a key of DISTURBANCES.
        odometry: its seed is the run's.
        stereo: the search for disparity.
        max_frames: from the first; None: all.
        rpe_frames: distance of the poses of the relative error; 0 takes about one second.
        disturbance_seed: of the disturbance; the same for all seeds of the odometry.
        is_pairs: each pair of neighbouring frames is a run of its own.
        configuration: what `odometry` is called; empty where there is one alone.
    """

    sequence: str
    sensor: str
    feature: FeatureChoice
    disturbance: str
    odometry: OdometryConfig
    stereo: StereoConfig
    max_frames: int | None = None
    rpe_frames: int = 0
    disturbance_seed: int = 0
    is_pairs: bool = False
    configuration: str = ""

    def folder(self, out: Path) -> Path:
        """Return where the files of the run are: readable, and one of its own for each spec."""
        identity = json.dumps([asdict(self), _source_digest()], sort_keys=True)
        name = Path(self.sequence).name or "sequence"
        feature = Path(self.feature.method).name
        parts = [name, self.sensor, self.disturbance, feature]
        digest = hashlib.sha256(identity.encode()).hexdigest()[:8]
        return out / "-".join([*parts, f"seed{self.odometry.seed}", digest])

    def labels(self) -> dict[str, Any]:
        """Return what tells the run from others in its table, and its whole configuration."""
        return {
            "sensor": self.sensor,
            "disturbance": self.disturbance,
            "configuration": self.configuration,
            "method": self.feature.label,
            "seed": self.odometry.seed,
            "config": asdict(self),
        }


@cache
def _source_digest() -> str:
    """Return digits that change when the code that decides the outcome changes."""
    digest = hashlib.sha256()
    for place in _CODE:
        path = _PACKAGE / place
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(file.read_bytes())
    return digest.hexdigest()


def load_run(spec: RunSpec, out: Path) -> dict[str, Any] | None:
    """Return the figures of a finished run, or None; changed code makes it a new run."""
    path = spec.folder(out) / "run.json"
    if not path.is_file():
        return None
    figures: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return figures


def store_run(spec: RunSpec, out: Path, figures: dict[str, Any]) -> None:
    """Write the figures of a finished run, whole or not at all."""
    folder = spec.folder(out)
    unfinished = folder / "run.json.part"
    unfinished.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    unfinished.replace(folder / "run.json")
