"""Features messages <-> features; the only conversions that need torch."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np
import torch
from std_msgs.msg import Header

from aliked_ros import structs
from aliked_ros.msg import Features
from aliked_ros.nodes.base.conversions.fields import check_length, flat
from aliked_ros.nodes.base.descriptor_encoding import decode_descriptors, encode_descriptors

_MAX_SIDE_PX = 100_000  # of an image
_UNIT_TOLERANCE = 0.02  # of the length of a descriptor
_CODES = {
    "float32": Features.FLOAT32,
    "float16": Features.FLOAT16,
    "int8": Features.INT8,
}
_DTYPES: dict[int, np.dtype[Any]] = {
    Features.FLOAT32: np.dtype("<f4"),
    Features.FLOAT16: np.dtype("<f2"),
    Features.INT8: np.dtype("i1"),
}


def features_to_message(
    features: structs.Features, header: Header, model: str, descriptor_type: str = "float32"
) -> Features:
    """Return the message of features on any device; descriptors as one of DESCRIPTOR_TYPES."""
    features = features.to("cpu")
    return Features(
        header=header,
        height=features.image_size[0],
        width=features.image_size[1],
        model=model,
        keypoints=flat("f", features.keypoints),
        scores=flat("f", features.scores),
        dispersity=flat("f", features.dispersity),
        descriptor_dim=features.descriptors.shape[1],
        descriptor_type=_CODES[descriptor_type],
        descriptors=flat("B", encode_descriptors(features.descriptors, descriptor_type)),
    )


def features_from_message(message: Features) -> structs.Features:
    """Return the features; float32 arrays are views of the message, descriptors unit rows.

    Raises:
        ValueError: if the arrays contradict each other, hold numbers that cannot be, or the
            descriptor type is unknown.
    """
    _check_sizes(message)
    count, dtype = len(message.scores), _DTYPES[message.descriptor_type]
    descriptors = np.frombuffer(message.descriptors, dtype).reshape(count, message.descriptor_dim)
    features = structs.Features(
        keypoints=_view(message.keypoints).reshape(count, 2),
        scores=_view(message.scores),
        dispersity=_view(message.dispersity),
        descriptors=decode_descriptors(torch.from_numpy(descriptors)),
        image_size=(message.height, message.width),
    )
    _check_values(features)
    return features


def _check_sizes(message: Features) -> None:
    """Raise ValueError if the arrays of a message contradict each other."""
    count, dtype = len(message.scores), _DTYPES.get(message.descriptor_type)
    if dtype is None:
        raise ValueError(f"descriptor_type is {message.descriptor_type}: use FLOAT32/FLOAT16/INT8")
    expected = count * message.descriptor_dim * dtype.itemsize
    if len(message.descriptors) != expected:
        raise ValueError(
            f"descriptors has {len(message.descriptors)} bytes: {count} keypoints with "
            f"{message.descriptor_dim} numbers of {dtype.itemsize} bytes need {expected}"
        )
    for name, size in (("keypoints", 2 * count), ("dispersity", count)):
        check_length(name, getattr(message, name), size, "scores", count)
    if min(message.width, message.height) <= 0 or max(message.width, message.height) > _MAX_SIDE_PX:
        raise ValueError(f"image size is {message.width}x{message.height}: no image has that size")


def _check_values(features: structs.Features) -> None:
    """Raise ValueError if features hold numbers that no extractor finds.

    A single one that is no number would spoil whatever is computed with it.
    """
    for name in ("keypoints", "scores", "dispersity", "descriptors"):
        num_bad = int((~torch.isfinite(getattr(features, name))).sum())
        if num_bad:
            raise ValueError(f"{name} has {num_bad} numbers that are not finite")
    if len(features) == 0:
        return
    height, width = features.image_size
    far = (features.keypoints < -1) | (features.keypoints > torch.tensor([width, height]))
    if bool(far.any()):
        raise ValueError(
            f"keypoints has {int(far.any(dim=1).sum())} points outside the image of "
            f"{width}x{height}"
        )
    lengths = torch.linalg.vector_norm(features.descriptors, dim=1)
    if bool((lengths - 1).abs().max() > _UNIT_TOLERANCE):
        raise ValueError(
            f"descriptors has rows of length {float(lengths.min()):.3g} to "
            f"{float(lengths.max()):.3g}: they must be unit rows"
        )


def _view(values: array) -> torch.Tensor:
    """View a float32 field as a tensor, which keeps the field alive."""
    return torch.from_numpy(np.frombuffer(values, np.float32))
