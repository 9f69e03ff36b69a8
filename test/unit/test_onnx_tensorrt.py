"""The form for TensorRT: its operators, its types, and what ONNX Runtime computes from it."""

import pytest
from onnx_files import check_standard, notes_of, shapes_of, types_of, unreadable

from aliked_ros.extras import MissingPackageError
from aliked_ros.network.aliked import ALIKED
from aliked_ros.onnx_comparison import TOLERANCES, compare_with_torch, open_file
from aliked_ros.onnx_export import PRECISIONS, write_onnx

MAX_KEYPOINTS = 50
SIZE = (61, 83)  # no multiple of anything
OPSETS = {"float32": 19, "float16": 20}  # what is written without asking, and the newest


@pytest.fixture(scope="module", params=PRECISIONS)
def precision(request):
    return request.param


@pytest.fixture(scope="module")
def file(precision, seeded_network, tmp_path_factory):
    """A file of float32 for one size, one of float16 for any."""
    pytest.importorskip("onnxscript")
    path = tmp_path_factory.mktemp("onnx") / f"{precision}.onnx"
    options = {
        "float32": {"size": SIZE},
        "float16": {"size": None, "precision": precision, "opset": OPSETS[precision]},
    }[precision]
    knobs = {"max_keypoints": MAX_KEYPOINTS, "detection_threshold": 0.0}
    write_onnx(seeded_network, path, form="tensorrt", **knobs, **options)
    return path


@pytest.fixture(scope="module")
def model(file):
    onnx = pytest.importorskip("onnx")
    return onnx.load(file)


def _differences(path, network, size=SIZE):
    pytest.importorskip("onnxruntime")
    try:
        (differences,) = compare_with_torch(path, network, [size])
    except MissingPackageError as error:
        pytest.skip(str(error))
    return differences


def test_the_file_computes_what_torch_computes(file, precision, seeded_network):
    differences = _differences(file, seeded_network)
    assert differences.are_tolerable, differences
    assert differences.num_found == MAX_KEYPOINTS
    assert differences.keypoint_px < TOLERANCES[precision].keypoint_px / 10


def test_other_weights_than_those_of_the_file_are_noticed(file):
    other = ALIKED.from_seed("aliked-t16", 1).eval()
    assert not _differences(file, other).are_tolerable


def test_every_operator_and_type_is_one_that_tensorrt_reads(model, precision):
    check_standard(model, OPSETS[precision])
    kinds = [node.op_type for node in model.graph.node]
    assert kinds.count("DeformConv") == 4
    # Where deformable convolutions are gathered, there are half as many nodes again.
    assert len(kinds) < 1100


def test_every_shape_is_fixed_where_the_size_is(model, precision):
    onnx = pytest.importorskip("onnx")
    if precision == "float16":
        assert shapes_of(model)["image"] == [1, 3, "height", "width"]
        return
    assert shapes_of(model)["image"] == [1, 3, *SIZE]
    graph = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
    values = (*graph.input, *graph.value_info, *graph.output)
    unknown = [
        value.name
        for value in values
        if not all(axis.HasField("dim_value") for axis in value.type.tensor_type.shape.dim)
    ]
    assert len(values) > 500
    assert not unknown


def test_the_notes_say_form_and_precision(model, precision):
    notes = notes_of(model)
    assert (notes["form"], notes["precision"]) == ("tensorrt", precision)


def test_takes_and_gives_float32(model):
    types = types_of(model)
    assert types["image"] == "FLOAT"
    assert [types[name] for name in ("keypoints", "scores", "descriptors")] == ["FLOAT"] * 3
    assert types["num_keypoints"] == "INT32"


def test_half_precision_ends_before_the_score_map_and_spares_the_deformable_blocks(
    model, precision
):
    types = types_of(model)
    producers = {name: node for node in model.graph.node for name in node.output}
    halves = {name for name, type_ in types.items() if type_ == "FLOAT16"}
    assert bool(halves) == (precision == "float16")

    (sigmoid,) = (node for node in model.graph.node if node.op_type == "Sigmoid")
    # Back from the logits: three convolutions, then the sum of four parts of eight channels.
    behind, convolutions, node = [], 0, producers[sigmoid.input[0]]
    while convolutions < 3:
        behind += [types[name] for name in node.input]
        convolutions += node.op_type == "Conv"
        node = producers[node.input[0]]
    assert set(behind) <= {"FLOAT", "INT64"}
    assert {types[name] for node in _after(model, sigmoid) for name in node.output} <= {
        "FLOAT", "INT64", "INT32", "BOOL"
    }  # fmt: skip

    for node in model.graph.node:
        if node.op_type in ("DeformConv", "TopK", "Softmax", "Resize"):
            assert types[node.output[0]] == "FLOAT", node.op_type
            assert not halves & set(node.input), node.op_type
    full_size = [
        types[node.input[0]]
        for node in model.graph.node
        if node.op_type == "Conv" and types[node.output[0]] == "FLOAT16"
    ]
    # Two each of blocks 1 and 2, a shortcut, two levels and four parts of the score head's first.
    assert len(full_size) == (11 if halves else 0)


def _after(model, first):
    """Yield the nodes from one on to the keypoints and scores, which are behind the score map."""
    known = set(first.output)
    wanted = _ancestors(model, ("keypoints", "scores"))
    for node in model.graph.node:
        if known & set(node.input) and wanted & set(node.output):
            known |= set(node.output)
            yield node


def _ancestors(model, names):
    """Return the names of all that some values are computed from."""
    wanted = set(names)
    for node in reversed(model.graph.node):
        if wanted & set(node.output):
            wanted |= set(node.input)
    return wanted


def test_a_runtime_without_deformconv_is_named(tmp_path):
    pytest.importorskip("onnxruntime")
    onnx = pytest.importorskip("onnx")
    # An operator that no ONNX Runtime has on a CPU stands in for the one that older ones lack.
    helper, half = onnx.helper, onnx.TensorProto.BFLOAT16
    values = [helper.make_tensor_value_info(name, half, [1, 1, 9, 9]) for name in "xy"]
    node = helper.make_node("DeformConv", ["x", "w", "o"], ["y"], kernel_shape=[3, 3], pads=[1] * 4)
    weights = [
        helper.make_tensor("w", half, [1, 1, 3, 3], [0.0] * 9),
        helper.make_tensor("o", half, [1, 18, 9, 9], [0.0] * 1458),
    ]
    graph = helper.make_graph([node], "g", values[:1], values[1:], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
    onnx.save(model, tmp_path / "a.onnx")
    with pytest.raises(
        MissingPackageError, match=r"lacks an operator .*DeformConv came with 1\.25"
    ):
        open_file(tmp_path / "a.onnx")


def test_what_tensorrt_does_not_read_is_found():
    onnx = pytest.importorskip("onnx")
    helper = onnx.helper
    values = [
        helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [3, 4]),
        helper.make_tensor_value_info("n", onnx.TensorProto.INT64, [3, 4]),
        helper.make_tensor_value_info("k", onnx.TensorProto.INT64, [1]),
    ]
    nodes = [
        helper.make_node("NonZero", ["x"], ["a"]),
        helper.make_node("Clip", ["n"], ["b"]),
        helper.make_node("TopK", ["x", "k"], ["c", "d"]),
        helper.make_node("Add", ["x", "x"], ["e"]),
    ]
    outputs = [
        helper.make_tensor_value_info("b", onnx.TensorProto.INT64, [3, 4]),
        helper.make_tensor_value_info("e", onnx.TensorProto.FLOAT, [3, 4]),
    ]
    graph = helper.make_graph(nodes, "g", values, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    assert dict(unreadable(model)) == {
        ("NonZero", "of ['FLOAT']"): 1,
        ("Clip", "of ['INT64']"): 1,
        ("TopK", "of what is computed"): 1,
    }
