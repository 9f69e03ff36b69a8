import pytest
import torch
from lightglue_world import random_state

from aliked_ros import onnx_comparison, onnx_export, onnx_matcher
from aliked_ros.__main__ import main
from aliked_ros.network.released import sha256_of

NETWORK = ["--weights", "seed:0", "--max-keypoints", "20"]


@pytest.fixture
def without_exporter(monkeypatch):
    """Only the command: no file of use, and a comparison that finds nothing wrong."""
    calls = {}

    def write_onnx(network, path, **options):
        calls.update(options)
        path.write_bytes(b"")

    def compare(path, network, sizes):
        return [_differences(size, 1.0) for size in sizes]

    monkeypatch.setattr(onnx_export, "write_onnx", write_onnx)
    monkeypatch.setattr(onnx_comparison, "compare_with_torch", compare)
    return calls


def _differences(size, agreement):
    return onnx_comparison.Differences(size, 20, 20, agreement, 0.0, 0.0, 0.0)


def test_a_file_of_fixed_size_is_written_and_checked(tmp_path, capsys):
    pytest.importorskip("onnxscript")
    onnxruntime = pytest.importorskip("onnxruntime")
    path = tmp_path / "new" / "small.onnx"
    arguments = ["--size", "90x64", "--detection-threshold", "0"]
    assert main(["export", "aliked-t16", str(path), *NETWORK, *arguments]) == 0
    assert "90x64: 20 keypoints, torch 20; 100.0% agree" in capsys.readouterr().out
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].shape == [1, 3, 64, 90]


def test_the_size_is_one_or_any(without_exporter, tmp_path, capsys):
    path = str(tmp_path / "a.onnx")
    assert main(["export", "aliked-t16", path, *NETWORK]) == 0
    assert without_exporter["size"] == (480, 640)
    assert without_exporter["max_keypoints"] == 20
    assert main(["export", "aliked-t16", path, *NETWORK, "--dynamic"]) == 0
    assert without_exporter["size"] is None
    assert "any size" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["export", "aliked-t16", path, *NETWORK, "--dynamic", "--size", "64x64"])
    with pytest.raises(SystemExit):
        main(["export", "aliked-t16", path, *NETWORK, "--size", "64"])
    assert "'64': give width and height" in capsys.readouterr().err


def test_the_form_for_tensorrt_is_asked_for_with_its_precision(without_exporter, tmp_path, capsys):
    path = str(tmp_path / "a.onnx")
    assert main(["export", "aliked-t16", path, *NETWORK]) == 0
    assert (without_exporter["form"], without_exporter["precision"]) == ("plain", "float32")
    assert without_exporter["opset"] is None
    options = ["--form", "tensorrt", "--precision", "float16", "--opset", "20"]
    assert main(["export", "aliked-t16", path, *NETWORK, *options]) == 0
    assert "640x480, form tensorrt, float16" in capsys.readouterr().out
    assert (without_exporter["form"], without_exporter["precision"]) == ("tensorrt", "float16")
    assert without_exporter["opset"] == 20


def test_half_precision_is_refused_where_the_form_has_none(tmp_path, capsys):
    pytest.importorskip("onnxscript")
    path = str(tmp_path / "a.onnx")
    assert main(["export", "aliked-t16", path, *NETWORK, "--precision", "float16"]) == 2
    assert "precision is float16: the form plain is float32; give tensorrt" in (
        capsys.readouterr().err
    )


def test_a_file_that_differs_from_torch_is_exit_code_1(
    without_exporter, monkeypatch, tmp_path, capsys
):
    monkeypatch.setattr(
        onnx_comparison,
        "compare_with_torch",
        lambda path, network, sizes: [_differences(sizes[0], 0.5)],
    )
    assert main(["export", "aliked-t16", str(tmp_path / "a.onnx"), *NETWORK]) == 1
    printed = capsys.readouterr()
    assert "50.0% agree" in printed.out
    assert "a.onnx differs from torch: at least 99% of the keypoints" in printed.err


@pytest.mark.parametrize("package", ["onnx", "onnxscript"])
def test_without_onnx_the_command_says_what_to_install(hide_package, package, tmp_path, capsys):
    hide_package(package)
    path = tmp_path / "a.onnx"
    assert main(["export", "aliked-t16", str(path), *NETWORK]) == 2
    error = capsys.readouterr().err
    assert f"writing ONNX needs {package}" in error
    assert 'pip install "aliked_ros[export]"' in error
    assert not path.exists()


def test_without_onnx_runtime_the_file_is_written_and_called_unchecked(
    hide_package, monkeypatch, tmp_path, capsys
):
    monkeypatch.setattr(onnx_export, "write_onnx", lambda network, path, **_: path.write_bytes(b""))
    hide_package("onnxruntime")
    path = tmp_path / "a.onnx"
    assert main(["export", "aliked-t16", str(path), *NETWORK]) == 0
    assert "not checked: checking an ONNX file needs onnxruntime" in capsys.readouterr().out
    assert path.exists()


def test_more_keypoints_than_tensorrt_takes_are_remarked(without_exporter, tmp_path, capsys):
    path = str(tmp_path / "a.onnx")
    assert (
        main(["export", "aliked-t16", path, "--weights", "seed:0", "--max-keypoints", "4000"]) == 0
    )
    assert "TensorRT takes at most 3840" in capsys.readouterr().out


def test_the_matcher_is_written_and_checked(tmp_path, capsys):
    pytest.importorskip("onnxscript")
    onnxruntime = pytest.importorskip("onnxruntime")
    weights, path = tmp_path / "small.pth", tmp_path / "lightglue.onnx"
    torch.save(random_state(1), weights)
    assert main(["export", "lightglue", str(path), "--weights", str(weights)]) == 0
    printed = capsys.readouterr().out
    assert "lightglue.onnx: lightglue, any numbers of keypoints" in printed
    assert "700 and 300 keypoints:" in printed
    assert "the file computes what torch computes" in printed
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    digest = session.get_modelmeta().custom_metadata_map["weights"]
    assert digest == sha256_of(weights)[:8]


def test_a_matcher_that_differs_from_torch_is_exit_code_1(monkeypatch, tmp_path, capsys):
    weights, path = tmp_path / "small.pth", tmp_path / "a.onnx"
    torch.save(random_state(1), weights)
    monkeypatch.setattr(onnx_matcher, "write_matcher", lambda network, path, **_: path.touch())
    wrong = onnx_matcher.MatchDifferences((9, 9), 9, 8, 8 / 9, 0.0)
    monkeypatch.setattr(onnx_matcher, "compare_with_torch", lambda *_: [wrong])
    assert main(["export", "lightglue", str(path), "--weights", str(weights)]) == 1
    printed = capsys.readouterr()
    assert "9 and 9 keypoints: 8 matches, torch 9; 88.9% agree" in printed.out
    assert "a.onnx differs from torch: at least 99.9% of the matches" in printed.err


@pytest.mark.parametrize(
    "option",
    [
        ["--size", "64x64"],
        ["--dynamic"],
        ["--max-keypoints", "20"],
        ["--form", "tensorrt"],
        ["--precision", "float16"],
    ],
    ids=lambda option: option[0],
)
def test_what_only_an_extractor_has_is_refused_for_the_matcher(option, tmp_path, capsys):
    path = tmp_path / "a.onnx"
    assert main(["export", "lightglue", str(path), *option]) == 2
    assert f"{option[0]} is given and the model is lightglue: leave it out" in (
        capsys.readouterr().err
    )
    assert not path.exists()
