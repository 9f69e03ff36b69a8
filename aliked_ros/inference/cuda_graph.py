"""ALIKED on a GPU as CUDA graphs: one launch per frame instead of some hundred."""

from __future__ import annotations

import logging
from collections import OrderedDict
from dataclasses import dataclass

import torch
from torch import Tensor

from aliked_ros.inference.eager import EagerALIKED
from aliked_ros.network.dkd import Detections

_log = logging.getLogger(__name__)

Results = tuple[Detections, Tensor]
Key = tuple[torch.Size, int, float]

_EAGER_FRAMES = 2  # cuDNN chooses its kernels and memory is allocated in these
_MAX_GRAPHS = 16  # image sizes and settings that are remembered; target_rate uses up to 13


@dataclass
class _Graph:
    """A recorded frame: what is written before a replay, and what is read after it."""

    graph: torch.cuda.CUDAGraph
    pixels: Tensor
    results: Results


class GraphedALIKED:
    """Records the network for each image size and setting, and replays it.

    The first frames of a size or setting run operation by operation, so that nothing stalls; then
    one is recorded, which costs about as much as running it, and checked. Where recording fails,
    or the replay gives other results, the plain network goes on, with a warning.

    Args:
        eager: the network on a CUDA device.
    """

    def __init__(self, eager: EagerALIKED) -> None:
        self.name = "CUDA graphs"
        self._eager = eager
        self._graphs: OrderedDict[Key, _Graph] = OrderedDict()
        self._num_seen: dict[Key, int] = {}
        self._is_usable = True

    def __call__(self, pixels: Tensor, max_keypoints: int, detection_threshold: float) -> Results:
        """Detect and describe the keypoints of images (B, H, W, 1 or 3) uint8."""
        key = (pixels.shape, max_keypoints, detection_threshold)
        recorded = self._graphs.get(key)
        if recorded is not None:
            self._graphs.move_to_end(key)
            return self._replay(recorded, pixels)
        results = self._eager(pixels, max_keypoints, detection_threshold)
        if self._is_usable and self._is_due(key):
            self._try_to_record(key, pixels, results)
        return results

    def _is_due(self, key: Key) -> bool:
        self._num_seen[key] = self._num_seen.get(key, 0) + 1
        return self._num_seen[key] > _EAGER_FRAMES

    def _try_to_record(self, key: Key, pixels: Tensor, expected: Results) -> None:
        """Record the frame that was just computed; keep the recording if it agrees."""
        try:
            recorded = self._record(key, pixels)
            found = self._replay(recorded, pixels)
            problem = "" if _agree(found, expected) else "the replay gives other results"
        except RuntimeError as error:
            problem = str(error)
        if problem:
            self._is_usable = False
            self.name = "torch"
            self._graphs.clear()
            _log.warning("CUDA graphs are not used, frames take longer: %s", problem)
            return
        self._num_seen.pop(key, None)
        self._graphs[key] = recorded
        if len(self._graphs) > _MAX_GRAPHS:
            self._graphs.popitem(last=False)

    def _record(self, key: Key, pixels: Tensor) -> _Graph:
        _, max_keypoints, detection_threshold = key
        static, graph = pixels.clone(), torch.cuda.CUDAGraph()
        main, side = torch.cuda.current_stream(pixels.device), torch.cuda.Stream(pixels.device)  # type: ignore[no-untyped-call]
        side.wait_stream(main)
        # Not torch.cuda.graph(): it collects garbage and empties the cache, which stalls a frame.
        # Other threads, as a tracker's, may go on using the device meanwhile.
        with torch.cuda.stream(side):
            graph.capture_begin(capture_error_mode="thread_local")
            try:
                results = self._eager(static, max_keypoints, detection_threshold)
            finally:
                graph.capture_end()
        main.wait_stream(side)
        return _Graph(graph, static, results)

    @staticmethod
    def _replay(recorded: _Graph, pixels: Tensor) -> Results:
        recorded.pixels.copy_(pixels)
        recorded.graph.replay()
        return recorded.results


def _agree(found: Results, expected: Results) -> bool:
    """Tell whether two results are the same but for the order of sums."""
    same = [
        torch.allclose(found[0].keypoints, expected[0].keypoints, atol=0.01),
        torch.allclose(found[0].scores, expected[0].scores, atol=1e-3),
        bool((found[0].is_valid == expected[0].is_valid).all()),
        torch.allclose(found[1], expected[1], atol=0.01),
    ]
    return all(same)
