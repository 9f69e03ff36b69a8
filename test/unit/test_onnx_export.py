"""Files for TensorRT and C++; without the optional group `export` these tests skip."""

import numpy as np
import pytest
from onnx_files import check_standard, notes_of, shapes_of

from aliked_ros.onnx_comparison import (
    TOLERANCES,
    blobs,
    compare,
    compare_with_torch,
)
from aliked_ros.onnx_export import OUTPUTS, ExportError, write_onnx

MAX_KEYPOINTS = 50


@pytest.fixture(scope="module")
def dynamic_file(seeded_network, tmp_path_factory):
    pytest.importorskip("onnxscript")
    path = tmp_path_factory.mktemp("onnx") / "dynamic.onnx"
    write_onnx(
        seeded_network,
        path,
        size=None,
        max_keypoints=MAX_KEYPOINTS,
        detection_threshold=0.0,
        weights_id="seed:0",
    )
    return path


def test_a_file_of_dynamic_size_computes_what_torch_computes(dynamic_file, seeded_network):
    pytest.importorskip("onnxruntime")
    # Multiples of 32, none, tall, and the smallest.
    sizes = [(96, 128), (97, 131), (150, 70), (64, 64)]
    for differences in compare_with_torch(dynamic_file, seeded_network, sizes):
        assert differences.are_tolerable, differences
        assert differences.num_found == MAX_KEYPOINTS
        assert differences.keypoint_px < 1e-3


def test_other_weights_than_those_of_the_file_are_noticed(dynamic_file):
    pytest.importorskip("onnxruntime")
    from aliked_ros.network.aliked import ALIKED

    other = ALIKED.from_seed("aliked-t16", 1).eval()
    assert not compare_with_torch(dynamic_file, other, [(96, 128)])[0].are_tolerable


def test_every_operator_is_a_standard_one_that_tensorrt_reads(dynamic_file):
    onnx = pytest.importorskip("onnx")
    check_standard(onnx.load(dynamic_file), opset=18)


def test_a_file_says_what_it_takes_gives_and_holds(dynamic_file):
    onnx = pytest.importorskip("onnx")
    model = onnx.load(dynamic_file)
    assert shapes_of(model) == {
        "image": [1, 3, "height", "width"],
        "keypoints": [1, MAX_KEYPOINTS, 2],
        "scores": [1, MAX_KEYPOINTS],
        "descriptors": [1, MAX_KEYPOINTS, 64],
        "num_keypoints": [1],
    }
    assert list(shapes_of(model)) == ["image", *OUTPUTS]
    notes = notes_of(model)
    assert notes["model"] == "aliked-t16"
    assert notes["form"] == "plain"
    assert notes["weights"] == "seed:0"
    assert notes["max_keypoints"] == str(MAX_KEYPOINTS)
    assert notes["detection_threshold"] == "0.0"


def test_more_keypoints_than_pixels_are_refused(seeded_network, tmp_path):
    pytest.importorskip("onnxscript")
    with pytest.raises(ExportError, match="max_keypoints is 1025, but the image has 1024 pixels"):
        write_onnx(
            seeded_network,
            tmp_path / "small.onnx",
            size=(32, 32),
            max_keypoints=1025,
            detection_threshold=0.2,
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "float16"}, "precision is float16: the form plain is float32"),
        ({"form": "tensorrt", "opset": 18}, "opset is 18: the form tensorrt needs at least 19"),
    ],
    ids=["precision", "opset"],
)
def test_what_a_form_does_not_have_is_refused(options, message, seeded_network, tmp_path):
    pytest.importorskip("onnxscript")
    knobs = {"size": (32, 32), "max_keypoints": 9, "detection_threshold": 0.2}
    with pytest.raises(ExportError, match=message):
        write_onnx(seeded_network, tmp_path / "a.onnx", **knobs, **options)


def _features(count):
    generator = np.random.default_rng(0)
    descriptors = generator.normal(size=(count, 8))
    descriptors /= np.linalg.norm(descriptors, axis=1, keepdims=True)
    return [generator.random((count, 2)) * 100, generator.random(count), descriptors]


def test_the_order_of_keypoints_makes_no_difference():
    expected = _features(100)
    found = [array[::-1] for array in expected]
    assert compare((9, 9), expected, found).agreement == 1


@pytest.mark.parametrize(
    ("number", "factor"), [(0, 1.01), (1, 1.01), (2, -1)], ids=["keypoint", "score", "descriptor"]
)
def test_two_of_a_hundred_wrong_are_too_many_and_one_is_not(number, factor):
    for wrong, are_tolerable in ((1, True), (2, False)):
        expected, found = _features(100), _features(100)
        found[number][:wrong] *= factor
        differences = compare((9, 9), expected, found)
        assert differences.agreement == pytest.approx(1 - wrong / 100)
        assert differences.are_tolerable == are_tolerable


def test_half_precision_may_differ_by_more():
    expected, found = _features(100), _features(100)
    found[0] += 0.05
    assert compare((9, 9), expected, found).agreement == 0
    assert compare((9, 9), expected, found, TOLERANCES["float16"]).agreement == 1


def test_missing_and_invented_keypoints_are_not_tolerable():
    assert not compare((9, 9), _features(100), _features(0)).are_tolerable
    assert not compare((9, 9), _features(0), _features(100)).are_tolerable
    assert compare((9, 9), _features(0), _features(0)).are_tolerable
    assert not compare((9, 9), [a[:90] for a in _features(100)], _features(100)).are_tolerable


def test_the_image_for_the_comparison_is_always_the_same():
    image = blobs(40, 50)
    assert image.shape == (1, 3, 40, 50)
    assert image.equal(blobs(40, 50))
    assert 0 <= image.min() < image.max() <= 1
