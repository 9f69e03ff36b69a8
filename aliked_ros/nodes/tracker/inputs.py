"""What the tracker takes in: features, and what gives them depth, paired by stamp."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from rclpy.node import Node
from std_msgs.msg import Header

from aliked_ros.config.nodes import InputsConfig
from aliked_ros.msg import Features
from aliked_ros.nodes.base.clocks import STEADY
from aliked_ros.nodes.base.diagnostics import Diagnostics
from aliked_ros.nodes.base.extraction import Extraction
from aliked_ros.nodes.base.handover import Handover
from aliked_ros.nodes.base.pairing import Paired, Pairing, PartnerTopic
from aliked_ros.nodes.base.qos import PAIRED_QOS, RESULT_QOS
from aliked_ros.nodes.base.stamps import StampGuard
from aliked_ros.nodes.base.topics import Topics
from aliked_ros.nodes.tracker.frame_inputs import FrameInputs, Jump
from aliked_ros.nodes.tracker.settings import TrackerSettings

LOCAL_EXTRACTOR = "the extractor of this process"
_TICK_S = 0.02
_ROLES = {"rgbd": ("depth",), "stereo": ("left", "right"), "mono": ()}

Reject = Callable[[Header, str, str], None]  # header of an image, cause in a few words, sentence


class TrackerInputs:
    """Takes what a sensor needs and calls back once per image, in the order of their arrival.

    Every image goes on: one whose depth or right image does not come says so and goes without. An
    image whose stamp cannot be believed is rejected. Stereo needs both images beside the features
    of the left one: disparity is measured in them. An extractor in the same process hands over the
    left image with its features, and calls `receive` itself; else both come from their topics.

    Args:
        node: runs the timer that ends the waiting, while something waits.
        topics: subscribes.
        settings: of the tracker.
        has_local_extractor: whether an extractor in the same process calls `receive`.
        callback: called with each image and its partners.
        reject: called with each image that cannot be used.
        diagnostics: hears what is wrong with the partners.
    """

    def __init__(
        self,
        node: Node,
        topics: Topics,
        settings: TrackerSettings,
        has_local_extractor: bool,
        callback: Callable[[FrameInputs], None],
        reject: Reject,
        diagnostics: Diagnostics,
    ) -> None:
        self._callback, self._reject, self._diagnostics = callback, reject, diagnostics
        # The extractor's thread and the executor's both bring what is to be paired.
        self._lock = threading.RLock()
        self._guard, self._jump = StampGuard(), Jump()
        self._has_local_extractor = has_local_extractor
        if has_local_extractor:
            topics.expect(LOCAL_EXTRACTOR)
        else:
            topics.subscribe(Features, "features", RESULT_QOS, self._receive_message)
        self._roles = [
            role
            for role in _ROLES[settings.odometry.sensor]
            if not (role == "left" and has_local_extractor)
        ]
        partners = [self._subscribe(topics, settings, role) for role in self._roles]
        self._partner_guards = [StampGuard() for _ in partners]
        inputs = settings.inputs
        self._pairing = Pairing(
            partners, inputs.sync_wait_s, inputs.sync_queue_size, self._complete, self._note
        )
        self._node, self._timer = node, node.create_timer(_TICK_S, self._tick, clock=STEADY)
        self._timer.cancel()

    def _subscribe(self, topics: Topics, settings: TrackerSettings, role: str) -> PartnerTopic:
        """Take the images of a role; return their topic as the pairing sees it."""
        images, inputs = settings.images, settings.inputs
        topic = {"depth": "depth/image_raw", "left": "image_raw", "right": "right/image_raw"}[role]
        transport = inputs.depth_transport if role == "depth" else images.image_transport
        store = partial(self._store_partner, self._roles.index(role))
        name = topics.subscribe_image(topic, transport, PAIRED_QOS, store, images.stamps)
        # Depth is measured at the keypoints of this very image; its neighbour would mislead.
        is_exact = role == "left" and images.stamps == "message"
        return PartnerTopic(name, 0.0 if is_exact else inputs.sync_slop_s)

    def reconfigure(self, inputs: InputsConfig) -> None:
        """Wait for partners as other parameters say; what waits goes on."""
        with self._lock:
            self._pairing.reconfigure(inputs.sync_slop_s, inputs.sync_wait_s)

    def receive(self, handover: Handover) -> None:
        """Take the features of an image, in any thread."""
        with self._lock:
            self._diagnostics.count_received()
            self.heard()
            now_s = time.monotonic()
            verdict = self._guard.check(handover.header.stamp, now_s)
            if verdict.cause:
                self._reject(handover.header, verdict.cause, verdict.refusal)
                return
            if verdict.jump_s:
                self._jump = Jump(self._jump.number + 1, verdict.jump_s)
            item = (handover, self._jump)
            self._pairing.add(item, verdict.stamp_ns, now_s, bool(verdict.jump_s))
            if len(self._pairing) and self._timer.is_canceled():
                self._start_timer()

    def heard(self) -> None:
        """Note that the extractor of this process is alive."""
        if self._has_local_extractor:
            self._diagnostics.heard(LOCAL_EXTRACTOR)

    def clear(self) -> None:
        """Forget what waits: the odometry starts anew, and any stamp may come next."""
        with self._lock:
            self._pairing.clear()
            self._guard = StampGuard()
            self._partner_guards = [StampGuard() for _ in self._partner_guards]

    def _receive_message(self, message: Features, sent_ns: int) -> None:
        self.receive(Handover(message.header, sent_ns, partial(Extraction.from_message, message)))

    def _store_partner(self, index: int, message: Any, _: int) -> None:
        with self._lock:
            now_s = time.monotonic()
            verdict = self._partner_guards[index].check(message.header.stamp, now_s)
            if verdict.cause:
                role = self._roles[index]
                self._diagnostics.count(
                    f"{role} images not used, {verdict.cause}", f"{role} image: {verdict.refusal}"
                )
                return
            stamp_ns, has_jumped = verdict.stamp_ns, bool(verdict.jump_s)
            self._pairing.add_partner(index, message, stamp_ns, now_s, has_jumped)

    def _start_timer(self) -> None:
        """Let the timer run: something waits. An executor that sleeps has to be told."""
        self._timer.reset()
        if self._node.executor is not None:
            self._node.executor.wake()

    def _tick(self) -> None:
        with self._lock:
            self._pairing.tick(time.monotonic())
            if not len(self._pairing):
                self._timer.cancel()  # no tick wakes the executor for nothing

    def _note(self, text: str) -> None:
        self._diagnostics.count("partners that came too late", text)

    def _complete(self, paired: Paired) -> None:
        handover, jump = paired.item
        partners = dict(zip(self._roles, paired.partners, strict=True))
        self._callback(FrameInputs(handover, **partners, missing=paired.missing, jump=jump))
