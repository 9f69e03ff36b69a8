"""How many images a second each method extracts features from, in turns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import cv2

from aliked_ros.evaluation.methods.method import Budget, Extract, Method
from aliked_ros.structs import Pixels

IMAGE_SIZE = (480, 640)  # (height, width), px
NUM_KEYPOINTS = 1000


def speed_budget(device: str) -> Budget:
    """Return the budget of the comparison: every network describes as many as it may."""
    return Budget(NUM_KEYPOINTS, 0.0, device)


def frames_per_second(
    methods: Sequence[Method], image: Pixels, repeats: int, clock: Callable[[], float]
) -> dict[str, float]:
    """Return method -> frames per second at IMAGE_SIZE; the methods take turns.

    The time is from the image in memory to the features in memory, the best of the repeats.

    Args:
        methods: opened with `speed_budget`.
        image: (H, W, 3) RGB of any size.
        repeats: turns of each method.
        clock: returns seconds.
    """
    fitted = fit(image, IMAGE_SIZE)
    runs = {method.name: partial(_to_memory, method.extract, fitted) for method in methods}
    return {name: 1 / seconds for name, seconds in time_in_turns(runs, repeats, clock).items()}


def _to_memory(extract: Extract, image: Pixels) -> object:
    return extract(image).to("cpu")


def time_in_turns(
    runs: Mapping[str, Callable[[], object]], repeats: int, clock: Callable[[], float]
) -> dict[str, float]:
    """Return the seconds of each run, the best of all repeats: what the machine can do.

    The runs take turns, so that a busy machine is as slow for one as for the other. In its turn a
    run happens twice and the second time counts: the caches then hold its data, not the last one's.
    """
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            run()
            start_s = clock()
            run()
            times[name].append(clock() - start_s)
    return {name: min(seconds) for name, seconds in times.items()}


def fit(image: Pixels, image_size: tuple[int, int]) -> Pixels:
    """Return the image resized to (height, width), px."""
    height, width = image_size
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
