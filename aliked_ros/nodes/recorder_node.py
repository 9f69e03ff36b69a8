"""Odometry topics -> files: trajectory, status of each frame, pictures of the overlay."""

from __future__ import annotations

from pathlib import Path

from aliked_ros.config.nodes import RecorderConfig
from aliked_ros.nodes.base.managed_node import ManagedNode
from aliked_ros.nodes.base.run import run
from aliked_ros.nodes.recorder.work import RecorderWork


class RecorderNode(ManagedNode):
    """Writes `trajectory.txt` (TUM rows, T_odom_base), `status.csv` and overlay pictures."""

    def __init__(self) -> None:
        super().__init__("aliked_recorder")
        self._config = self.parameters(RecorderConfig)

    def make(self) -> RecorderWork:
        """Open the files."""
        config = self._config.value
        folder = Path(config.output_dir).absolute()
        self.diagnostics.hardware_id = str(folder)
        return RecorderWork(self.topics, folder, config.picture_period, self.diagnostics)


def main() -> int:
    """Run the node; 1 if it could not write."""
    return run(RecorderNode)
