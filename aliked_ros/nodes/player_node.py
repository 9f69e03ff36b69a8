"""A dataset -> camera topics, in real time, faster, or as fast as the consumer keeps up."""

from __future__ import annotations

from pathlib import Path

from aliked_ros.config.nodes import PlayerConfig
from aliked_ros.datasets import open_sequence
from aliked_ros.nodes.base.managed_node import ManagedNode
from aliked_ros.nodes.base.run import run
from aliked_ros.nodes.player.work import PlayerWork


class PlayerNode(ManagedNode):
    """Publishes a sequence while it is active, and ends with it.

    Attributes:
        has_failed: whether it could not play to the end.
    """

    def __init__(self) -> None:
        super().__init__("aliked_player")
        self._config = self.parameters(PlayerConfig)
        self.has_failed = False

    def make(self) -> PlayerWork:
        """Open the dataset."""
        config = self._config.value
        camera_info = Path(config.camera_info) if config.camera_info else None
        sequence = open_sequence(config.dataset, camera_info=camera_info)
        sequence.require(config.sensor or None)
        self.diagnostics.hardware_id = str(config.dataset)
        return PlayerWork(self, self.topics, config, sequence, self.diagnostics, self._end)

    def _end(self, has_failed: bool) -> None:
        self.has_failed = has_failed
        self.context.try_shutdown()


def main() -> int:
    """Run the node; 1 if it could not play to the end."""
    players: list[PlayerNode] = []

    def make() -> PlayerNode:
        players.append(PlayerNode())
        return players[0]

    code = run(make)
    return 1 if players and players[0].has_failed else code
