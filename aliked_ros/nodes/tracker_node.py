"""Features -> matches, odometry and the state of the tracking."""

from __future__ import annotations

from std_msgs.msg import Header

from aliked_ros.extractor import pick_device
from aliked_ros.matching import check_descriptors, forget_matchers
from aliked_ros.nodes.base.handover import Handover
from aliked_ros.nodes.base.machine import show_machine
from aliked_ros.nodes.base.managed_node import ManagedNode
from aliked_ros.nodes.base.run import run
from aliked_ros.nodes.tracker.matcher import prepare_matcher
from aliked_ros.nodes.tracker.session import MakeOdometry, make_live_odometry
from aliked_ros.nodes.tracker.settings import SettingsParameters
from aliked_ros.nodes.tracker.work import TrackerWork


class TrackerNode(ManagedNode):
    """Takes `features` and `camera_info`; publishes a `status` for every image.

    Args:
        make_odometry: config, matcher, camera and right camera or None -> odometry.
        has_local_extractor: an extractor in the same process calls `receive`; nothing is
            subscribed that it hands over.
    """

    def __init__(
        self, make_odometry: MakeOdometry = make_live_odometry, has_local_extractor: bool = False
    ) -> None:
        super().__init__("aliked_tracker")
        self._make_odometry = make_odometry
        self._has_local_extractor = has_local_extractor
        self._settings = SettingsParameters(self, self._changed)

    def make(self) -> TrackerWork:
        """Choose the device, and load the matcher.

        Raises:
            ValueError: if a parameter does not allow it.
        """
        settings = self._settings.value()
        device = pick_device(settings.inputs.device)
        prepare_matcher(settings.matcher, device)
        self.diagnostics.hardware_id = str(device)
        show_machine(self.diagnostics, device)
        self.get_logger().info(f"{settings.odometry.sensor} odometry, matching on {device}")
        return TrackerWork(
            self,
            self.topics,
            settings,
            device,
            self._make_odometry,
            self._has_local_extractor,
            self.diagnostics,
        )

    def _release(self) -> None:
        self._deactivate()  # an image in work would load the matcher again
        forget_matchers()
        super()._release()

    def _changed(self) -> None:
        if self.work is not None:
            self.work.reconfigure(self._settings.value())

    @property
    def frame_s(self) -> float:
        """Time that the last image took."""
        work = self.work
        return 0.0 if work is None else work.frame_s

    @property
    def is_paused(self) -> bool:
        """Whether images are skipped."""
        work = self.work
        return work is None or not self.is_active or work.is_paused

    def check_network(self, model: str, descriptor_dim: int) -> None:
        """Raise ValueError if this tracker cannot match what a network of this process finds."""
        check_descriptors(self._settings.value().matcher, descriptor_dim, model)

    def receive(self, handover: Handover) -> None:
        """Take the features of an image from an extractor in the same process, in its thread."""
        work = self.work
        if work is not None and self.is_active:
            work.receive(handover)

    def pass_over(self, header: Header) -> None:
        """Answer an image that an extractor in the same process skipped because we are paused."""
        work = self.work
        if work is not None and self.is_active:
            work.pass_over(header)


def main() -> int:
    """Run the node."""
    return run(TrackerNode)
