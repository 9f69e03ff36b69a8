"""What ONNX files hold, and what TensorRT 10.1's parser reads of it."""

from collections import Counter

FLOATS = {"FLOAT", "FLOAT16"}
NUMBERS = FLOATS | {"INT32", "INT64"}
ANY = NUMBERS | {"BOOL"}

# Types of the first data input, by the list of operators of onnx-tensorrt at 10.1 (June 2024), as
# far as networks here need them. It also has bfloat16, which we do not write. Later lists take
# nothing away.
_OPERATORS = (
    (
        FLOATS,
        "Abs AveragePool Clip Conv Cos DeformConv Elu Erf Exp Floor Gemm LayerNormalization Log "
        "MatMul MaxPool ReduceLogSumExp Resize Round Sigmoid Sin Softmax Sqrt",
    ),
    (
        NUMBERS,
        "Add ArgMax Div Equal Greater GreaterOrEqual Less LessOrEqual Max Min Mod Mul Neg Range "
        "ReduceL2 ReduceMax ReduceSum Sign Sub TopK",
    ),
    (
        ANY,
        "Cast Concat Expand Gather GatherElements GatherND Identity Reshape Shape Slice Split "
        "Squeeze Transpose Unsqueeze",
    ),
    ({"BOOL"}, "And Not Where"),
)
TENSORRT = {name: types for types, names in _OPERATORS for name in names.split()}
ONE_TYPE = {"Conv", "DeformConv", "Gemm", "MatMul"}  # of all their inputs
# From which input on all must be known when an engine is built.
CONSTANT = dict.fromkeys(["ReduceL2", "ReduceMax", "ReduceSum", "Squeeze", "TopK", "Unsqueeze"], 1)
MAX_TOP_K = 3840


def types_of(model):
    """Return the type of every value: name -> FLOAT, INT64 and so on."""
    import onnx

    name_of = onnx.TensorProto.DataType.Name
    graph = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
    values = (*graph.value_info, *graph.input, *graph.output)
    types = {value.name: name_of(value.type.tensor_type.elem_type) for value in values}
    return types | {tensor.name: name_of(tensor.data_type) for tensor in graph.initializer}


def unreadable(model):
    """Return what TensorRT 10.1's parser does not read: (operator, why) -> how often."""
    types = types_of(model)
    constants = {tensor.name for tensor in model.graph.initializer}
    constants |= {node.output[0] for node in model.graph.node if node.op_type == "Constant"}
    faults = Counter()
    for node in model.graph.node:
        kind = node.op_type
        if kind == "Constant":
            continue
        inputs = [types[name] for name in node.input if name]
        if node.domain or inputs[0] not in TENSORRT.get(kind, set()):
            faults[kind, f"of {inputs}"] += 1
        elif kind in ONE_TYPE and len(set(inputs)) > 1:
            faults[kind, f"mixes {inputs}"] += 1
        elif kind in CONSTANT and not set(node.input[CONSTANT[kind] :]) <= constants:
            faults[kind, "of what is computed"] += 1
        elif why := _wrong_attribute(node, model):
            faults[kind, why] += 1
    return faults


def _wrong_attribute(node, model):
    import onnx

    attributes = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
    if node.op_type == "TopK":
        (k,) = (t for t in model.graph.initializer if t.name == node.input[1])
        if not attributes.get("sorted", 1):
            return "unsorted"
        if int(onnx.numpy_helper.to_array(k).item()) > MAX_TOP_K:
            return "of too many"
    if node.op_type in ("AveragePool", "MaxPool"):
        if len([name for name in node.output if name]) > 1:
            return "with indices"
        if set(attributes.get("dilations", [1])) != {1}:
            return "dilated"
    if node.op_type == "DeformConv":
        pads = attributes["pads"]
        if pads[: len(pads) // 2] != pads[len(pads) // 2 :]:
            return "of uneven pads"
    if node.op_type == "Resize" and (
        attributes["mode"] not in (b"nearest", b"linear")
        or attributes["coordinate_transformation_mode"]
        not in (b"half_pixel", b"pytorch_half_pixel", b"asymmetric", b"align_corners")
        or attributes.get("antialias")
    ):
        return "of an unknown mode"
    return ""


def check_standard(model, opset):
    """Assert that a model is valid, of standard operators alone, and readable to TensorRT."""
    import onnx

    onnx.checker.check_model(model, full_check=True)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", opset)]
    assert not model.functions
    assert not unreadable(model)


def shapes_of(model):
    """Return the shape of every input and output, in order: name -> lengths or names of axes."""
    return {
        value.name: [axis.dim_value or axis.dim_param for axis in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    }


def notes_of(model):
    """Return the file's own notes."""
    return {entry.key: entry.value for entry in model.metadata_props}
