"""Camera images -> features."""

from __future__ import annotations

from collections.abc import Callable

from aliked_ros.config import ExtractorConfig
from aliked_ros.config.nodes import CamerasConfig, ImageConfig, StreamConfig, ViewConfig
from aliked_ros.extractor import Extractor
from aliked_ros.nodes.base.machine import show_machine
from aliked_ros.nodes.base.managed_node import ManagedNode
from aliked_ros.nodes.base.run import run
from aliked_ros.nodes.extractor.local_tracker import LocalTracker
from aliked_ros.nodes.extractor.view import ImageView
from aliked_ros.nodes.extractor.work import ExtractorWork


class ExtractorNode(ManagedNode):
    """Subscribes to `image_raw`, publishes `features` for the newest image; or several of each.

    Args:
        make_extractor: config -> extractor.
        tracker: a tracker in the same process, which is handed everything that is found.
    """

    def __init__(
        self,
        make_extractor: Callable[[ExtractorConfig], Extractor] = Extractor,
        tracker: LocalTracker | None = None,
    ) -> None:
        super().__init__("aliked_extractor")
        self._make_extractor = make_extractor
        self._tracker = tracker
        self._images = self.parameters(ImageConfig)
        self._view = self.parameters(ViewConfig)
        self._cameras = self.parameters(CamerasConfig)
        self._config = self.parameters(ExtractorConfig, "extractor", self._changed)
        self._stream = self.parameters(StreamConfig, "", self._changed)

    def make(self) -> ExtractorWork:
        """Load the network.

        Raises:
            ValueError: if a parameter does not allow it.
        """
        cameras = self._cameras.value.names
        if self._tracker is not None and cameras:
            raise ValueError(
                f"cameras is {list(cameras)} and the tracker of this process has one camera: run "
                "extractor_node, or leave cameras empty"
            )
        extractor = self._make_extractor(self._config.value)
        if self._tracker is not None:
            self._tracker.check_network(extractor.model, extractor.descriptor_dim)
        self.diagnostics.hardware_id = str(extractor.device)
        show_machine(self.diagnostics, extractor.device)
        return ExtractorWork(
            self,
            self.topics,
            self._images.value,
            self._stream.value,
            ImageView(self._view.value),
            cameras,
            extractor,
            self._tracker,
            self.diagnostics,
        )

    def _changed(self, _: ExtractorConfig | StreamConfig) -> None:
        if self.work is not None:
            self.work.reconfigure(self._config.value, self._stream.value)


def main() -> int:
    """Run the node."""
    return run(ExtractorNode)
