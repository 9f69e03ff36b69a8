"""Our decoder beside the distribution's cv_bridge, where that is installed."""

import numpy as np
import pytest
from sensor_msgs.msg import Image

from aliked_ros.images import IMAGE_ENCODINGS
from aliked_ros.nodes.base.conversions.cameras import image_from_message

cv_bridge = pytest.importorskip("cv_bridge", reason="cv_bridge comes with a distribution's ROS")


@pytest.mark.parametrize("encoding", IMAGE_ENCODINGS)
def test_every_encoding_decodes_as_cv_bridge_does(encoding):
    generator = np.random.default_rng(0)
    num_bytes = (2 if "16" in encoding else 1) * {"rgba": 4, "bgra": 4}.get(encoding[:4], 3)
    message = Image(height=16, width=20, encoding=encoding, step=20 * num_bytes)
    message.data.frombytes(generator.integers(0, 256, 16 * message.step, np.uint8).tobytes())
    ours = image_from_message(message)
    target = "rgb8" if ours.ndim == 3 else "mono8"
    try:
        theirs = cv_bridge.CvBridge().imgmsg_to_cv2(message, target)
    except cv_bridge.CvBridgeError as error:
        pytest.skip(f"cv_bridge cannot convert {encoding} to {target}: {error}")
    np.testing.assert_array_equal(ours, theirs)
