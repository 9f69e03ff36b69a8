import numpy as np
import pytest
import torch

pytest.importorskip("aliked_ros.msg", reason="the messages are not built: run make install")

from std_msgs.msg import Header

from aliked_ros.nodes.base.extraction import Extraction
from aliked_ros.structs import Features


def test_what_the_extractor_says_arrives_with_the_features():
    features = Features(torch.rand(3, 2), torch.rand(3), torch.rand(3), torch.eye(3, 64), (48, 64))
    sent = Extraction(
        Header(frame_id="camera"),
        features,
        "aliked-t16",
        image=np.zeros((48, 64), np.uint8),
        max_keypoints=30,
        num_skipped=2,
        transport_ms=1.0,
        wait_ms=2.0,
        decode_ms=3.0,
        extract_ms=4.0,
    )
    received = Extraction.from_message(sent.to_message("float32"))
    assert received.header == sent.header
    assert received.model == "aliked-t16"
    assert received.image is None
    assert (received.max_keypoints, received.num_skipped) == (30, 2)
    stages = ("transport_ms", "wait_ms", "decode_ms", "extract_ms")
    assert [getattr(received, name) for name in stages] == [1.0, 2.0, 3.0, 4.0]
    np.testing.assert_array_equal(received.features.keypoints, features.keypoints)
