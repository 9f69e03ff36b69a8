"""Camera image + matches -> image with keypoints and track tails, while somebody looks."""

from __future__ import annotations

from aliked_ros.config.companions import OverlayConfig
from aliked_ros.config.nodes import ImageConfig
from aliked_ros.nodes.base.managed_node import ManagedNode
from aliked_ros.nodes.base.run import run
from aliked_ros.nodes.overlay.work import OverlayWork


class OverlayNode(ManagedNode):
    """Subscribes to `image_raw` and `matches` only as long as `overlay` has a subscriber."""

    def __init__(self) -> None:
        super().__init__("aliked_overlay")
        self._images = self.parameters(ImageConfig)
        self._config = self.parameters(OverlayConfig)

    def make(self) -> OverlayWork:
        """Make what draws."""
        self.diagnostics.hardware_id = "cpu"
        return OverlayWork(self, self._images.value, self._config.value, self.diagnostics)


def main() -> int:
    """Run the node."""
    return run(OverlayNode)
