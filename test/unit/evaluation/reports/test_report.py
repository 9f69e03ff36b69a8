import json

import cv2
import numpy as np

from aliked_ros.evaluation.reports.report import Report, Table, write_report

TABLE = Table(
    "Original size",
    ("method", "keypoints", "MMA@3", "paper"),
    [["aliked-n16", 1650.4, 65.216, None], ["sift", 3010.0, float("inf"), 60.0]],
    {"keypoints": 0, "MMA@3": 2},
)


def test_cells_are_rounded_and_unknown_ones_stay_empty():
    lines = TABLE.markdown().splitlines()
    assert lines[0] == "### Original size"
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    assert cells[0] == ["method", "keypoints", "MMA@3", "paper"]
    assert cells[2] == ["aliked-n16", "1650", "65.22", ""]
    assert cells[3] == ["sift", "3010", "-", "60.0"]
    assert len({len(line) for line in lines[2:]}) == 1


def test_folder_holds_markdown_json_and_pictures(tmp_path):
    picture = np.zeros((4, 6, 3), np.uint8)
    picture[:, :, 0] = 200  # red
    figures = {"curve": [np.float64(1.5), float("nan")], "count": np.int64(3)}
    report = Report("planes", "Planes", "About.", [TABLE], figures, {"planes_curve": picture})
    write_report(tmp_path / "out", report, {"commit": "abc", "hardware": "a processor"})
    text = (tmp_path / "out" / "planes.md").read_text()
    assert "- commit: abc" in text
    assert "![planes_curve](planes_curve.png)" in text
    document = json.loads((tmp_path / "out" / "planes.json").read_text())
    assert document["curve"] == [1.5, None]
    assert document["count"] == 3
    assert document["provenance"]["hardware"] == "a processor"
    written = cv2.imread(str(tmp_path / "out" / "planes_curve.png"))
    assert written[0, 0].tolist() == [0, 0, 200]
