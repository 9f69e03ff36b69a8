import struct

import cv2
import numpy as np
import pytest

from aliked_ros.images.orientation import turn_of_picture

PICTURE = cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1].tobytes()


def with_exif(orientation, order="<", tag=0x0112):
    mark = b"II*\0" if order == "<" else b"MM\0*"
    entry = struct.pack(order + "HHIHH", tag, 3, 1, orientation, 0)
    tiff = mark + struct.pack(order + "IH", 8, 1) + entry + bytes(4)
    body = b"Exif\0\0" + tiff
    return PICTURE[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + PICTURE[2:]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("orientation", "turn_deg"), [(1, 0), (3, 180), (6, 90), (8, 270)])
def test_the_turn_is_that_of_exif(order, orientation, turn_deg):
    assert turn_of_picture(with_exif(orientation, order)) == turn_deg


def test_what_says_nothing_is_not_turned():
    data = with_exif(6)
    for other in (PICTURE, b"", b"\x89PNG", with_exif(6, tag=0x0110), data[:24], data[:30]):
        assert turn_of_picture(other) == 0
