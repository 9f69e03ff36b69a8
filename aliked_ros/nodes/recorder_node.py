"""Topics -> files: trajectory, status of each frame and pictures, or a bag of everything."""

from __future__ import annotations

from pathlib import Path

from aliked_ros.config.companions import RecorderConfig
from aliked_ros.nodes.base.managed_node import ManagedNode
from aliked_ros.nodes.base.run import run
from aliked_ros.nodes.recorder.bag_work import BagWork
from aliked_ros.nodes.recorder.work import RecorderWork


class RecorderNode(ManagedNode):
    """Writes `trajectory.txt` (TUM rows, T_odom_base), `status.csv` and pictures, or a rosbag2."""

    def __init__(self) -> None:
        super().__init__("aliked_recorder")
        self._config = self.parameters(RecorderConfig)

    def make(self) -> RecorderWork | BagWork:
        """Open the files."""
        config = self._config.value
        if config.format == "bag":
            self.diagnostics.hardware_id = config.output_dir
            return BagWork(self, self.topics, config, self.diagnostics)
        folder = Path(config.output_dir).absolute()
        self.diagnostics.hardware_id = str(folder)
        return RecorderWork(self.topics, folder, config.picture_period, self.diagnostics)


def main() -> int:
    """Run the node; 1 if it could not write."""
    return run(RecorderNode)
