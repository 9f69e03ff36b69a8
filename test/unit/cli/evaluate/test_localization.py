import json

import pytest

from aliked_ros.__main__ import main


def test_rendered_room_is_localized_to_the_centimetre(tmp_path):
    pytest.importorskip("pycolmap")
    out = tmp_path / "out"
    few = ["--methods", "sift", "--max-keypoints", "400", "--map-every", "20"]
    assert main(["evaluate", "localization", "synthetic", "--out", str(out), *few]) == 0
    found = json.loads((out / "localization.json").read_text())["methods"]["sift"]
    assert found["shares_within"][0] >= 0.8
    assert found["median_m"] < 0.02
    folder = next((out / "hloc").iterdir())
    assert (folder / "sfm" / "images.bin").is_file()
    num_queries = len((folder / "queries_with_intrinsics.txt").read_text().splitlines())
    assert num_queries == len(found["errors_m_deg"])
    num_results = len((folder / "results.txt").read_text().splitlines())
    assert 0.8 * num_queries <= num_results <= num_queries


def test_without_pycolmap_one_line_says_what_to_install(tmp_path, hide_package, capsys):
    hide_package("pycolmap")
    assert main(["evaluate", "localization", "synthetic", "--out", str(tmp_path)]) == 2
    assert "pip install" in capsys.readouterr().err
