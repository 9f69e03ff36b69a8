"""A dataset -> camera topics, in real time, faster, or as fast as the consumer keeps up."""

from __future__ import annotations

from aliked_ros.config.companions import PlayerConfig
from aliked_ros.config.reading import ReadingConfig
from aliked_ros.nodes.base.managed_node import ManagedNode
from aliked_ros.nodes.base.run import run
from aliked_ros.nodes.player.opening import PREFIX, find_remarks, open_dataset
from aliked_ros.nodes.player.work import PlayerWork


class PlayerNode(ManagedNode):
    """Publishes a sequence while it is active, and ends the process with it."""

    def __init__(self) -> None:
        super().__init__("aliked_player")
        self._config = self.parameters(PlayerConfig)
        self._reading = self.parameters(ReadingConfig, PREFIX)
        self._has_failed = False
        # The sequence ends on a thread of its own, which must not shut ROS down: Kilted's rclpy
        # destroys the nodes in doing so.
        self._over = self.create_guard_condition(self._leave)

    def make(self) -> PlayerWork:
        """Open the dataset, and say what there is to know of it.

        Raises:
            ValueError: if it cannot be played as the parameters say.
        """
        config = self._config.value
        sequence = open_dataset(config, self._reading.value)
        remarks = find_remarks(sequence, config.sensor)
        for remark in remarks:
            self.get_logger().warning(f"{sequence.name}: {remark}")
        self.diagnostics.hardware_id = str(config.dataset)
        return PlayerWork(self, self.topics, config, sequence, remarks, self.diagnostics, self._end)

    def _end(self, has_failed: bool) -> None:
        self._has_failed = has_failed
        self._over.trigger()

    def _leave(self) -> None:
        raise SystemExit(int(self._has_failed))


def main() -> int:
    """Run the node; 1 if it could not play to the end."""
    return run(PlayerNode)
