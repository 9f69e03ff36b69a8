"""What the tests send to a running extractor, and what it says of itself."""

import numpy as np
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from std_msgs.msg import Header

from aliked_ros.nodes.base.conversions.cameras import image_to_message
from aliked_ros.nodes.base.conversions.fields import ns_to_stamp


def textured(seed=0, size=(120, 160)):
    """Return an image of random rectangles, (H, W, 3) uint8."""
    generator = np.random.default_rng(seed)
    image = np.full((*size, 3), 127, np.uint8)
    for _ in range(60):
        top, left = generator.integers(0, size[0]), generator.integers(0, size[1])
        height, width = generator.integers(5, 40, 2)
        image[top : top + height, left : left + width] = generator.integers(0, 256, 3)
    return image


def message_of(image, stamp_ns, **changes):
    header = Header(stamp=ns_to_stamp(stamp_ns), frame_id="left_optical")
    message = image_to_message(image, header)
    for name, value in changes.items():
        setattr(message, name, value)
    return message


def diagnostics(probe):
    """Return the newest status of the extractor and its values."""
    status = probe.heard["/diagnostics"][-1].status[0]
    return status, {item.key: item.value for item in status.values}


def set_parameter(probe, name, value):
    kind, field = {
        int: (ParameterType.PARAMETER_INTEGER, "integer_value"),
        float: (ParameterType.PARAMETER_DOUBLE, "double_value"),
        str: (ParameterType.PARAMETER_STRING, "string_value"),
    }[type(value)]
    parameter = Parameter(name=name, value=ParameterValue(type=kind, **{field: value}))
    request = SetParameters.Request(parameters=[parameter])
    return probe.call(SetParameters, "/aliked_extractor/set_parameters", request).results[0]


def count_of(probe, name):
    """Return a count of the newest diagnostics."""
    return int(diagnostics(probe)[1].get(name, 0))
