"""ALIKED on a GPU as CUDA graphs: one launch per frame instead of many."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock

import torch
from torch import Tensor

from aliked_ros.inference.agreement import agree
from aliked_ros.inference.cuda_machine import Machine, Mark, Replay
from aliked_ros.inference.device_loss import DeviceWatch
from aliked_ros.inference.download import Downloads
from aliked_ros.inference.frame import Frame
from aliked_ros.inference.stages import Geometry
from aliked_ros.structs import Features, Image

_log = logging.getLogger(__name__)

_MAX_FRAMES = 8  # image sizes that are remembered
_FIRST_PAUSE = 30  # frames after a recording that failed; each further one doubles it

Key = tuple[int, tuple[int, ...], bool]  # images, shape of each, whether on the device


@dataclass
class _Slot:
    """A frame's memory, the way out of it, and its recording once there is one."""

    frame: Frame
    downloads: Downloads
    mark: Mark
    replay: Replay | None = None
    pause: int = 0
    num_failures: int = field(default=0)


class GraphedInference:
    """Records a frame of each image size, and replays it; safe to use from several threads.

    The first image of a size runs operation by operation and is recorded then, whatever the number
    of keypoints and the threshold are: those are read on the device. Where recording fails, or the
    replay gives other results, frames run operation by operation, and recording is tried again
    later. The sizes used last are remembered.

    Args:
        name: how frames are computed, for the log.
        left_out: stage -> why it is done by plain torch although there is a kernel for it.
        compute: takes a frame from its uploaded form to its results, without waiting.
        dim: numbers of a descriptor.
        machine: the device.

    Attributes:
        name: how frames are computed.
        left_out: see above.
    """

    def __init__(
        self,
        name: str,
        left_out: dict[str, str],
        compute: Callable[[Frame], None],
        dim: int,
        machine: Machine,
    ) -> None:
        self.name = name
        self.left_out = left_out
        self._compute = compute
        self._dim = dim
        self._machine = machine
        self._watch = DeviceWatch(machine.answers)
        self._slots: OrderedDict[Key, _Slot] = OrderedDict()
        self._lock = Lock()

    def __call__(
        self, images: Sequence[Image], max_keypoints: int, detection_threshold: float
    ) -> list[Features]:
        """Return the features of images of one shape; see `Inference`."""
        is_on_device = any(isinstance(one, Tensor) and one.device.type != "cpu" for one in images)
        download = None
        with self._lock:  # there is one set of memory for each size
            try:
                with self._machine.session(after_caller=is_on_device):
                    slot = self._open(images, is_on_device, max_keypoints)
                    slot.frame.fill(images, max_keypoints, detection_threshold)
                    self._run(slot)
                    # The device is at work: whatever is done from here on costs no time.
                    download = slot.downloads.start(min(max_keypoints, slot.frame.capacity))
                    slot.mark.set()
                    self._machine.hand_over(download.results)
                slot.mark.wait()
                features = download.finish()
            except RuntimeError as error:
                self._watch.failed(error, download)
                raise
            self._watch.worked()
            return features

    def _open(self, images: Sequence[Image], is_on_device: bool, max_keypoints: int) -> _Slot:
        """Return the memory of an image size, made if there is none, or none large enough."""
        key = (len(images), images[0].shape, is_on_device)
        slot = self._slots.get(key)
        if slot is None or slot.frame.capacity < max_keypoints:
            self._slots.pop(key, None)
            while len(self._slots) >= _MAX_FRAMES:
                self._slots.popitem(last=False)
            slot = self._slots[key] = self._new_slot(key, max_keypoints)
        self._slots.move_to_end(key)
        return slot

    def _new_slot(self, key: Key, max_keypoints: int) -> _Slot:
        batch, (height, width, *channels), is_on_device = key
        machine = self._machine
        frame = Frame(
            Geometry(batch, height, width, channels[0] if channels else 1), max_keypoints,
            self._dim, machine.device, is_on_device, machine.pinned,
        )  # fmt: skip
        downloads = Downloads(frame.packed, self._dim, (height, width), machine.pinned)
        return _Slot(frame, downloads, machine.mark())

    def _run(self, slot: _Slot) -> None:
        if slot.replay is not None:
            slot.replay()
            return
        self._upload_and_compute(slot.frame)
        if slot.pause > 0:
            slot.pause -= 1
        else:
            self._record(slot)

    def _upload_and_compute(self, frame: Frame) -> None:
        frame.upload()
        self._compute(frame)

    def _record(self, slot: _Slot) -> None:
        """Record the frame that was just computed; keep the recording if it agrees."""
        frame = slot.frame
        expected = frame.packed.to("cpu", copy=True)
        try:
            replay = self._machine.capture(lambda: self._upload_and_compute(frame))
            frame.packed.fill_(torch.nan)
            replay()
            if agree(frame.packed.cpu(), expected, frame.dim):
                slot.replay = replay
                return
            problem = "it gives other results"
            del replay
        except RuntimeError as error:
            problem = str(error)
        frame.packed.copy_(expected)
        slot.num_failures += 1
        slot.pause = _FIRST_PAUSE * 2 ** min(slot.num_failures - 1, 6)
        self._machine.make_room()
        _log.warning(
            "a frame of %s could not be recorded, its kind takes longer; trying again after %d "
            "more: %s", frame.geometry, slot.pause, problem,
        )  # fmt: skip
