"""Image to Features on a device: what an image may be, which device, batches and warm-up."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aliked_ros.config import ExtractorConfig
from aliked_ros.inference import open_inference
from aliked_ros.inference.bfloat16 import why_no_bfloat16
from aliked_ros.inference.machine import why_no_gpu
from aliked_ros.native import one_torch_thread
from aliked_ros.network.weights import load_some_network
from aliked_ros.spreading import spread
from aliked_ros.structs import Features, Image

_log = logging.getLogger(__name__)

_GPU_BATCH = 8  # images at once
_GPU_BATCH_PIXELS = 8_500_000  # in them, unless one has more: 0.3 GB for 1241x376


class Extractor:
    """Finds and describes the keypoints of images.

    >>> extractor = Extractor(ExtractorConfig(model="aliked-n16", max_keypoints=1000))
    >>> features = extractor(image)  # (H, W, 3) RGB or (H, W) grey, uint8
    >>> features.keypoints  # (N, 2) px, (x, y), best score first

    Attributes:
        config: the active configuration.
        device: where the network runs and where the features are.
        model: the network in use; not that of `config` where only the packaged weights are found.
        descriptor_dim: D, numbers in a descriptor.
        weights_id: short name of the parameters: eight digits of the file's SHA-256,
            "package-" before those of the packaged weights, or "seed:N".
    """

    def __init__(self, config: ExtractorConfig | None = None) -> None:
        self.config = config or ExtractorConfig()
        self.device = pick_device(self.config.device)
        if self.config.device == "auto" and (problem := why_no_gpu()):
            _log.warning(problem)
        dtype = _pick_dtype(self.config, self.device)
        # Hundreds of tiny operations: a team of threads would wait for its last one in each.
        with one_torch_thread():
            network, self.weights_id = load_some_network(self.config.model, self.config.weights)
            self._inference = open_inference(network, self.device, dtype, self.config.backend)
        self.model = network.model
        self.descriptor_dim = network.dim
        # On a CPU a batch gains nothing and leaves the caches.
        self._batch_limit = _GPU_BATCH if self.device.type == "cuda" else 1

    @property
    def backend(self) -> str:
        """How the network is run, as "torch", "compiled kernels" or "CUDA graphs"."""
        return self._inference.name

    @property
    def left_out(self) -> dict[str, str]:
        """Stages of the network that plain torch does on a GPU instead of a kernel, and why."""
        return self._inference.left_out

    def __call__(self, image: Image) -> Features:
        """Return the features of one image.

        Args:
            image: (H, W) grey or (H, W, 3) RGB, uint8: an array, a tensor, or whatever else gives
                its memory by `__dlpack__`; what lies on the device already does not go through the
                host.

        Returns:
            Features on `device`, float32. An image of one single colour has no keypoints.

        Raises:
            TypeError: if the image is not an array or tensor of uint8.
            ValueError: if it has another shape or no pixels.
            DeviceLostError: if the GPU has not answered for several images: start a new process.
        """
        return self._extract_batch([_check_image(image)])[0]

    def extract_all(self, images: Image | Sequence[Image]) -> list[Features]:
        """Return the features of several images, each the same as alone.

        Args:
            images: (B, H, W) grey or (B, H, W, 3) RGB, uint8; or a list of images of any sizes, of
                which neighbours of one size share a batch on a GPU.

        Raises:
            As for one image.
        """
        return [
            features
            for batch in _split_batches(_check_images(images), self._batch_limit)
            for features in self._extract_batch(batch)
        ]

    def reconfigure(self, config: ExtractorConfig) -> None:
        """Change which keypoints are kept from the next image on.

        Live are `max_keypoints`, `spread_from` and `detection_threshold`.

        Raises:
            ValueError: if another field differs; that needs a new Extractor.
        """
        same = replace(
            config,
            max_keypoints=self.config.max_keypoints,
            spread_from=self.config.spread_from,
            detection_threshold=self.config.detection_threshold,
        )
        if same != self.config:
            raise ValueError(
                f"{config} changes more than max_keypoints, spread_from and detection_threshold "
                f"of {self.config}: make a new Extractor"
            )
        self.config = config

    def warm_up(self, height: int, width: int) -> None:
        """Run RGB images of one size through the network, so that the first real one is fast."""
        noise = np.arange(height * width * 3).reshape(height, width, 3).astype(np.uint8)
        for _ in range(2):
            self(noise)

    def _extract_batch(self, images: list[Image]) -> list[Features]:
        """Return the features of images of one shape; waits for the device once, at the end."""
        config = self.config
        num = max(config.max_keypoints, config.spread_from)
        found = self._inference(images, num, config.detection_threshold)
        return [spread(features, config.max_keypoints) for features in found]


def _split_batches(images: list[Image], limit: int) -> list[list[Image]]:
    """Return the images in order, in runs of one shape, of at most `limit` and few pixels."""
    batches: list[list[Image]] = []
    for image in images:
        last = batches[-1] if batches else []
        fits = (len(last) + 1) * image.shape[0] * image.shape[1] <= _GPU_BATCH_PIXELS
        if last and len(last) < limit and fits and last[0].shape == image.shape:
            last.append(image)
        else:
            batches.append([image])
    return batches


def pick_device(name: str) -> torch.device:
    """Return the device of a name; "auto" is CUDA where there is one."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cpu":
        return torch.device("cpu")
    kind, _, number = name.partition(":")
    if kind != "cuda" or not (number.isdecimal() or name == "cuda"):
        raise ValueError(f"device is {name!r}: must be 'auto', 'cpu', 'cuda' or 'cuda:N'")
    available = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if available <= int(number or 0):
        raise ValueError(
            f"device is {name!r}, but torch {torch.__version__} finds {available} CUDA devices: "
            "set device to 'auto' or 'cpu', or install a CUDA build of torch and the driver"
        )
    return torch.device(name)


def _pick_dtype(config: ExtractorConfig, device: torch.device) -> torch.dtype:
    """Return the type of the convolutions, if the device has it."""
    if config.precision == "float16" and device.type != "cuda":
        raise ValueError(
            f"precision is 'float16' on device {str(device)!r}: half precision is faster "
            "on CUDA only; set precision to 'float32'"
        )
    if config.precision == "bfloat16" and (problem := why_no_bfloat16(device, config.backend)):
        raise ValueError(f"precision is 'bfloat16' on device {str(device)!r}: {problem}")
    dtypes = {"float16": torch.float16, "bfloat16": torch.bfloat16}
    return dtypes.get(config.precision, torch.float32)


def _check_type(image: Any) -> Image:
    """Return the image as an array or a tensor, if it is one of uint8."""
    if not isinstance(image, np.ndarray | Tensor):
        if not hasattr(image, "__dlpack__"):
            several = "; several images: extract_all" if isinstance(image, list | tuple) else ""
            raise TypeError(
                f"image is {type(image).__name__}: give a numpy array or a torch tensor{several}"
            )
        image = torch.utils.dlpack.from_dlpack(image)
    if image.dtype not in (np.uint8, torch.uint8):
        raise TypeError(f"image is of type {image.dtype}: convert it to uint8, 0 to 255")
    return image


def _check_image(candidate: Any) -> Image:
    """Return the image if it is (H, W) or (H, W, 3) uint8 with at least one pixel."""
    image = _check_type(candidate)
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[-1] != 3):
        raise ValueError(
            f"image has shape {tuple(image.shape)}: give (H, W) grey or (H, W, 3) RGB; several "
            "images: extract_all"
        )
    if 0 in image.shape:
        raise ValueError(f"image has shape {tuple(image.shape)}: it has no pixels")
    return image


def _check_images(candidates: Any) -> list[Image]:
    """Return the images of a list or of an array (B, H, W) or (B, H, W, 3)."""
    if not isinstance(candidates, list | tuple):
        candidates = _check_type(candidates)
        shape = tuple(candidates.shape)
        if len(shape) not in (3, 4) or (len(shape) == 3 and shape[-1] == 3):
            raise ValueError(
                f"images have shape {shape}: give (B, H, W) grey, (B, H, W, 3) RGB or a list; for "
                "one image call the extractor itself"
            )
    return [_check_image(image) for image in candidates]
