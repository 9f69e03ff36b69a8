import json

import cv2
import pytest

from aliked_ros.__main__ import main


@pytest.fixture
def photographs(tmp_path, textured_image):
    folder = tmp_path / "photographs"
    folder.mkdir()
    larger = cv2.resize(textured_image, (256, 192), interpolation=cv2.INTER_CUBIC)
    cv2.imwrite(str(folder / "a.png"), larger)
    return folder


def robustness(photographs, out, curves):
    options = ["--out", str(out), "--methods", "sift", "--curves", curves]
    return main(["evaluate", "robustness", str(photographs), *options])


def test_a_curve_falls_from_the_unchanged_image_and_is_drawn(photographs, tmp_path):
    out = tmp_path / "out"
    assert robustness(photographs, out, "blur,jpeg") == 0
    curves = json.loads((out / "robustness.json").read_text())["curves"]
    blur = curves["blur"]["methods"]["sift"]["MMA@3"]
    assert len(blur) == len(curves["blur"]["levels"])
    assert blur[0] > 95
    assert min(blur) < blur[0]
    for name in ("blur", "jpeg"):
        assert cv2.imread(str(out / f"robustness_{name}.png")) is not None
    assert "MMA@3 over JPEG quality" in (out / "robustness.md").read_text()


def test_unknown_curve_is_named(photographs, tmp_path, capsys):
    assert robustness(photographs, tmp_path / "out", "fog") == 2
    assert "fog" in capsys.readouterr().err


def test_folder_without_photographs_is_named(tmp_path, capsys):
    assert robustness(tmp_path, tmp_path / "out", "blur") == 2
    assert "photographs" in capsys.readouterr().err
