"""When frames are recorded and when not; recording itself needs a GPU."""

from dataclasses import dataclass

import pytest
import torch

from aliked_ros.inference.cuda_graph import _EAGER_FRAMES, _MAX_GRAPHS, GraphedALIKED, _Graph
from aliked_ros.inference.eager import EagerALIKED


@dataclass
class Recording:
    """Stands in for a CUDA graph: computes anew at each replay, into the same memory."""

    eager: EagerALIKED
    pixels: torch.Tensor
    results: tuple
    settings: tuple
    num_replays: int = 0

    def replay(self):
        self.num_replays += 1
        detections, descriptors = self.eager(self.pixels, *self.settings)
        for target, value in zip(self.results[0], detections, strict=True):
            target.copy_(value)
        self.results[1].copy_(descriptors)


class Recorder(GraphedALIKED):
    """Records without a GPU; `problem` is what goes wrong."""

    problem = ""

    def _record(self, key, pixels):
        if self.problem == "fails":
            raise RuntimeError("operation not permitted when stream is capturing")
        settings = key[1:] if not self.problem else (key[1], 0.9)
        static = pixels.clone()
        results = self._eager(static, *key[1:])
        return _Graph(Recording(self._eager, static, results, settings), static, results)


@pytest.fixture
def recorder(seeded_network):
    return Recorder(EagerALIKED(seeded_network.fuse(), torch.device("cpu"), torch.float32))


def image(seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(256, (1, 48, 64, 3), generator=generator, dtype=torch.uint8)


def test_a_size_is_recorded_after_its_first_frames_and_replayed_from_then_on(recorder):
    for seed in range(_EAGER_FRAMES):
        recorder(image(seed), 20, 0.0)
    assert not recorder._graphs
    for seed in range(3):
        found = recorder(image(seed), 20, 0.0)
        expected = recorder._eager(image(seed), 20, 0.0)
        torch.testing.assert_close(found[1], expected[1], atol=1e-5, rtol=0)
    assert next(iter(recorder._graphs.values())).graph.num_replays == 1 + 2
    assert recorder.name == "CUDA graphs"


def test_only_the_newest_settings_are_remembered(recorder):
    for num_keypoints in range(1, _MAX_GRAPHS + 4):
        for _ in range(_EAGER_FRAMES + 1):
            recorder(image(0), num_keypoints, 0.0)
    assert len(recorder._graphs) == _MAX_GRAPHS
    assert min(key[1] for key in recorder._graphs) == 4


@pytest.mark.parametrize("problem", ["fails", "replays something else"])
def test_a_recording_that_does_not_work_is_given_up_with_a_warning(recorder, problem, caplog):
    recorder.problem = problem
    for seed in range(_EAGER_FRAMES + 3):
        found = recorder(image(seed), 20, 0.0)
        expected = recorder._eager(image(seed), 20, 0.0)
        torch.testing.assert_close(found[1], expected[1], atol=1e-5, rtol=0)
    assert not recorder._graphs
    assert recorder.name == "torch"
    assert caplog.text.count("CUDA graphs are not used") == 1
