import pytest

from aliked_ros import onnx_export
from aliked_ros.__main__ import main

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
    monkeypatch.setattr(onnx_export, "compare_with_torch", compare)
    return calls


def _differences(size, agreement):
    return onnx_export.Differences(size, 20, 20, agreement, 0.0, 0.0, 0.0)


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


def test_a_file_that_differs_from_torch_is_exit_code_1(
    without_exporter, monkeypatch, tmp_path, capsys
):
    monkeypatch.setattr(
        onnx_export,
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
