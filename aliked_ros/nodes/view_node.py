"""Everything that the pipeline publishes -> a page in the browser, or a file for one."""

from __future__ import annotations

from aliked_ros.config.companions import PageConfig
from aliked_ros.config.nodes import ImageConfig
from aliked_ros.nodes.base.managed_node import ManagedNode
from aliked_ros.nodes.base.run import run
from aliked_ros.nodes.view.work import ViewWork


class ViewNode(ManagedNode):
    """Shows images, tracks, odometry, map and status; needs rerun in some Python."""

    def __init__(self) -> None:
        super().__init__("aliked_view")
        self._images = self.parameters(ImageConfig)
        self._config = self.parameters(PageConfig)

    def make(self) -> ViewWork:
        """Start the process that shows."""
        self.diagnostics.hardware_id = "cpu"
        return ViewWork(self, self.topics, self._config.value, self._images.value, self.diagnostics)


def main() -> int:
    """Run the node."""
    return run(ViewNode)
