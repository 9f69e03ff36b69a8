"""Camera images -> features."""

from __future__ import annotations

import time

from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image

from aliked_ros.config import ExtractorConfig
from aliked_ros.extractor import Extractor
from aliked_ros.images import ImageError
from aliked_ros.msg import Features
from aliked_ros.nodes.conversions import features_to_message, image_from_message
from aliked_ros.nodes.health import Health
from aliked_ros.nodes.parameters import ConfigParameters
from aliked_ros.nodes.run import run
from aliked_ros.nodes.topics import IMAGE_QOS, RESULT_QOS, declare_transport, subscribe_image
from aliked_ros.nodes.worker import NewestWorker


class ExtractorNode(Node):
    """Subscribes to `image_raw`, publishes `features` for the newest image."""

    def __init__(self) -> None:
        super().__init__("aliked_extractor")
        transport = declare_transport(self)
        self._settings = ConfigParameters(
            self,
            ExtractorConfig,
            "extractor",
            live=("max_keypoints", "detection_threshold"),
            on_change=self._reconfigure,
        )
        self._extractor = Extractor(self._settings.value)
        self.get_logger().info(
            f"{self._extractor.config.model} on {self._extractor.device}, "
            f"weights {self._extractor.weights_id}"
        )

        self._health = Health(self, hardware_id=str(self._extractor.device))
        self._publisher = self.create_publisher(Features, "features", RESULT_QOS)
        self._worker = NewestWorker(self._process, self._failed)
        self._health.show("skipped, newer image came", lambda: self._worker.num_replaced)
        subscribe_image(self, "image_raw", transport, IMAGE_QOS, self._store, self._health)

    def _store(self, message: Image | CompressedImage) -> None:
        self._health.received()
        self._worker.put(message)

    def _process(self, message: Image | CompressedImage) -> None:
        start = time.perf_counter()
        try:
            image = image_from_message(message)
        except ImageError as error:
            self._health.skipped("undecodable", str(error))
            return
        decoded = time.perf_counter()
        features = self._extractor(image).to("cpu")
        extracted = time.perf_counter()
        result = features_to_message(features, message.header, self._extractor.config.model)
        result.decode_ms = (decoded - start) * 1e3
        result.extract_ms = (extracted - decoded) * 1e3
        result.num_skipped = self._health.num_skipped + self._worker.num_replaced
        self._publisher.publish(result)
        self._health.processed((time.perf_counter() - start) * 1e3)

    def _failed(self, _: object, error: Exception) -> None:
        self._health.skipped("failed", f"{type(error).__name__}: {error}")

    def _reconfigure(self, config: ExtractorConfig) -> None:
        self._extractor.reconfigure(config)
        self.get_logger().info(f"changed: {config}")

    def destroy_node(self) -> None:
        """Let the frame in work end, then release everything."""
        self._worker.stop()
        super().destroy_node()


def main() -> int:
    """Run the node."""
    return run(ExtractorNode)
