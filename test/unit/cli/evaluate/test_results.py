import cv2
import numpy as np
import pytest

from aliked_ros.__main__ import main
from aliked_ros.cli.evaluate import results
from aliked_ros.cli.evaluate.results import Section


@pytest.fixture
def data(tmp_path, textured_image):
    """Only graf is at hand."""
    folder = tmp_path / "data" / "graf"
    folder.mkdir(parents=True)
    for name in ("img1", "img2"):
        cv2.imwrite(str(folder / f"{name}.ppm"), textured_image)
    np.savetxt(folder / "H1to2p", np.eye(3))
    return tmp_path / "data"


def test_page_holds_what_the_data_give_and_leaves_the_rest_empty(data, tmp_path, monkeypatch):
    def sections(root, out):
        assert [section.name for section in original(root, out)] == ["graf", "speed"]
        yield Section("graf", "Homography: graf", "homography",
                      root / "graf", "--methods sift --sizes 0")  # fmt: skip

    original = results.sections
    monkeypatch.setattr(results, "sections", sections)
    page, out = tmp_path / "docs" / "results.md", tmp_path / "out"
    assert main(["evaluate", "results", str(data), "--out", str(out), "--page", str(page)]) == 0
    text = page.read_text()
    for word in ("commit: ", "hardware: ", "## Homography: graf", "| sift"):
        assert word in text
    assert "evaluate homography graf --methods sift" in text
    assert str(tmp_path) not in text
    pictures = sorted(path.name for path in (page.parent / "pictures").iterdir())
    assert pictures == [
        "results_graf_mma.png", "results_graf_pareto.png"
    ]  # fmt: skip
    assert all(f"pictures/{name}" in text for name in pictures)
    # The paper's figures stand there, ours are empty: HPatches was not at hand.
    row = next(line for line in text.splitlines() if line.startswith("| aliked-t16"))
    assert [cell.strip() for cell in row.split("|")[2:6]] == ["", "", "72.99", "78.70"]
    assert (out / "graf" / "homography.json").is_file()
