"""Features messages <-> features; the only conversions that need torch."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np
import torch
from std_msgs.msg import Header

from aliked_ros import structs
from aliked_ros.msg import Features
from aliked_ros.nodes.base.conversions.fields import flat
from aliked_ros.nodes.base.descriptor_encoding import decode_descriptors, encode_descriptors

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
        ValueError: if the arrays contradict each other or the descriptor type is unknown.
    """
    _check_sizes(message)
    count, dtype = len(message.scores), _DTYPES[message.descriptor_type]
    descriptors = np.frombuffer(message.descriptors, dtype).reshape(count, message.descriptor_dim)
    return structs.Features(
        keypoints=_view(message.keypoints).reshape(count, 2),
        scores=_view(message.scores),
        dispersity=_view(message.dispersity),
        descriptors=decode_descriptors(torch.from_numpy(descriptors)),
        image_size=(message.height, message.width),
    )


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
        if len(getattr(message, name)) != size:
            raise ValueError(
                f"{name} has {len(getattr(message, name))} numbers for {count} scores: give {size}"
            )


def _view(values: array) -> torch.Tensor:
    """View a float32 field as a tensor, which keeps the field alive."""
    return torch.from_numpy(np.frombuffer(values, np.float32))
