"""report: what the page of a run says, and that it needs nothing beside it."""

import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from aliked_ros.__main__ import main
from aliked_ros.cli.report.alignment import align
from aliked_ros.cli.report.page import make_page
from aliked_ros.cli.report.run_files import STATES, read_run
from aliked_ros.cli.report.svg import line_chart, nice_ticks, path_picture, state_band, thin
from aliked_ros.datasets import tum_rows
from aliked_ros.datasets.ground_truth import GroundTruth

NUM_FRAMES = 12
ROOT = Path(__file__).parents[3]


@pytest.fixture
def folder(tmp_path):
    """The files of `track`: six frames of initialising, then tracking along a bow."""
    rows = ["stamp_s,state,motion,reason,is_keyframe,num_keypoints,num_matches,num_inliers,"
            "parallax_deg,read_ms,extract_ms,total_ms"]  # fmt: skip
    poses = []
    for number in range(NUM_FRAMES):
        tracking = number >= 6
        state = "tracking" if tracking else "initialising"
        reason = "" if tracking else "too little <parallax>"
        rows.append(f"{10 + number / 10:.9f},{state},general,{reason},False,500,400,"
                    f"{300 if tracking else 0},nan,1,20,{22 + number}")  # fmt: skip
        T = np.eye(4)
        T[:3, 3] = [np.cos(number / 5), np.sin(number / 5), 0.1 * number]
        if tracking:
            poses.append((10 * 10**9 + number * 10**8, T))
    (tmp_path / "frames.csv").write_text("\n".join(rows) + "\n")
    tum_rows.write(tmp_path / "trajectory.txt", poses)
    moved = []
    for stamp_ns, T in poses:
        other = T.copy()
        other[:3, 3] = 2 * T[:3, 3] + [5, 6, 7]
        moved.append((stamp_ns, other))
    tum_rows.write(tmp_path / "groundtruth.txt", moved)
    report = {
        "sequence": {"name": "walk <1>", "layout": "TUM", "num_frames": 13},
        "sensor": "mono",
        "score": {"ate_rmse_m": 0.01234567, "alignment": "Sim(3)"},
        "skipped": [{"frame": 12, "reason": "the file is torn"}],
        "config": {"extractor": {"model": "aliked-n16"}},
        "weights": "sha256:abc",
        "version": "9.9",
    }
    (tmp_path / "report.json").write_text(json.dumps(report))
    cv2.imwrite(str(tmp_path / "tracks.png"), np.full((40, 1600, 3), 90, np.uint8))
    return tmp_path


class Page(HTMLParser):
    """Collects what a page refers to, and its text."""

    def __init__(self, html):
        super().__init__()
        self.references, self.words = [], []
        self.feed(html)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attributes):
        self.references += [value for name, value in attributes if name in ("src", "href")]

    def handle_data(self, data):
        self.words.append(data)


def test_the_page_says_what_the_run_was(folder, capsys):
    assert main(["report", str(folder)]) == 0
    assert capsys.readouterr().out == f"written: {folder / 'report.html'}\n"
    html = (folder / "report.html").read_text()
    text = Page(html).text
    for said in (
        "walk <1> mono",
        "tracked 6 (46.2 %)",
        "initialising 6",
        "skipped 1",
        "ate_rmse_m 0.01235",
        "too little <parallax> 6",
        "skipped: the file is torn 1",
        "initialising, 0.0 to 0.6 s, 6 frames. too little <parallax>",
        "extract 20.00 20.00 20.00",
        "extractor.model aliked-n16",
        "weights sha256:abc",
        "version 9.9",
    ):
        assert said in text
    assert "<parallax>" not in html  # what others wrote stays text


def test_the_page_needs_nothing_beside_it(folder):
    html = make_page(read_run(folder))
    references = Page(html).references
    assert len(references) == 1  # the picture
    assert references[0].startswith("data:image/jpeg;base64,")
    style = html.split("<style>")[1].split("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style
    assert "prefers-color-scheme: dark" in style
    assert "<script" not in html


def test_every_chart_is_well_formed(folder):
    html = make_page(read_run(folder))
    charts = [f"<svg{part.split('</svg>')[0]}</svg>" for part in html.split("<svg")[1:]]
    assert len(charts) == 5  # path, its error, states, keypoints, latency
    for chart in charts:
        ET.fromstring(chart)


def test_every_state_and_curve_has_a_colour(folder):
    html = make_page(read_run(folder))
    style = html.split("<style>")[1].split("</style>")[0]
    message = (ROOT / "msg" / "OdometryStatus.msg").read_text()
    states = re.findall(r"^uint8 (?!MOTION)(\w+)=\d+", message, re.MULTILINE)
    assert "TRACKING" in states
    for name in [*(state.lower() for state in states), "line.s2", "line.p1"]:
        assert f".{name} {{" in style


def test_states_are_named_as_the_message_names_them():
    message = (ROOT / "msg" / "OdometryStatus.msg").read_text()
    named = re.findall(r"^uint8 (?!MOTION)(\w+)=(\d+)", message, re.MULTILINE)
    assert {number: name.lower() for name, number in named} == STATES


def test_a_run_where_nothing_was_tracked_has_a_page(folder):
    (folder / "trajectory.txt").write_text(tum_rows.HEADER + "\n")
    table = folder / "frames.csv"
    table.write_text(table.read_text().replace("tracking", "lost"))
    assert "No frame was tracked." in make_page(read_run(folder))


def test_a_run_without_truth_or_picture_has_a_page(folder):
    (folder / "groundtruth.txt").unlink()
    (folder / "tracks.png").unlink()
    html = make_page(read_run(folder))
    assert "There is no ground truth." in html
    assert "<img" not in html


def test_the_folder_of_the_demo_is_read_too(folder):
    (folder / "frames.csv").unlink()
    (folder / "report.json").unlink()
    header = "stamp_s,state,reason,num_keypoints,num_matches,num_inliers,extract_ms,latency_ms"
    rows = "1.0,1,waiting,9,8,0,3.0,9e12\n1.1,2,,9,8,7,3.0,9e12"
    (folder / "status.csv").write_text(f"{header}\n{rows}\n")
    (folder / "summary.json").write_text(json.dumps({"frames in": 2, "skipped": 0}))
    run = read_run(folder)
    assert run.states == ["initialising", "tracking"]
    assert "waiting 1" in Page(make_page(run)).text


def test_every_curve_of_many_stages_has_a_colour(folder):
    lines = (folder / "frames.csv").read_text().replace("total_ms", "a_ms,b_ms,c_ms,d_ms,none_ms")
    rows = [
        line + (",1,2,3,nan" if number else "") for number, line in enumerate(lines.splitlines())
    ]
    (folder / "frames.csv").write_text("\n".join(rows) + "\n")
    html = make_page(read_run(folder))
    style = html.split("<style>")[1].split("</style>")[0]
    drawn = set(re.findall(r'class="line (\w\d)"', html))
    assert {"s0", "s4"} <= drawn
    assert all(f".line.{name} {{" in style for name in drawn)
    assert "none" not in html.split("Latency")[1].split("<section>")[0]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (
            lambda folder: (folder / "frames.csv").unlink(),
            r"has no frames.csv and report.json, nor status",
        ),
        (lambda folder: (folder / "report.json").unlink(), r"give the output folder of `track` or"),
        (lambda folder: (folder / "report.json").write_text("{"), r"report.json is no JSON"),
        (lambda folder: (folder / "report.json").write_text("[]"), r"holds no object"),
        (lambda folder: (folder / "frames.csv").write_text("a\n"), r"has no frame: run"),
        (lambda folder: (folder / "frames.csv").write_text("a\n1\n"), r"no column num_inliers"),
        (
            lambda folder: (folder / "frames.csv").write_text(
                (folder / "frames.csv").read_text().replace(",500,", ",many,")
            ),
            r"has a num_keypoints that is no number",
        ),
    ],
)
def test_a_folder_that_is_none_of_a_run_is_named(folder, spoil, said):
    spoil(folder)
    with pytest.raises(ValueError, match=said):
        read_run(folder)


def poses(positions, start_ns=0):
    T = np.tile(np.eye(4), (len(positions), 1, 1))
    T[:, :3, 3] = positions
    return GroundTruth(start_ns + np.arange(len(positions), dtype=np.int64) * 10**8, T)


def test_alignment_finds_turn_shift_and_scale():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(20, 3))
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    turn *= np.linalg.det(turn)
    estimate = 0.5 * (truth - [1, 2, 3]) @ turn
    _, moved, reference = align(poses(estimate), poses(truth), with_scale=True)
    np.testing.assert_allclose(moved, reference, atol=1e-9)
    _, rigid, _ = align(poses(estimate), poses(truth), with_scale=False)
    assert np.ptp(rigid, axis=0).max() < 0.7 * np.ptp(truth, axis=0).max()


def test_alignment_never_mirrors():
    rng = np.random.default_rng(1)
    truth = rng.normal(size=(20, 3))
    _, moved, reference = align(poses(truth * [1, 1, -1]), poses(truth), with_scale=False)
    assert np.linalg.norm(moved - reference, axis=1).max() > 0.1


def test_paths_of_different_times_are_not_compared():
    line = np.random.default_rng(2).normal(size=(5, 3))
    assert align(poses(line), poses(line, start_ns=10**12), with_scale=False) is None


def test_a_long_run_keeps_its_worst_frames():
    x = np.arange(100_000.0)
    y = np.zeros(100_000)
    y[54_321] = 9.0
    thin_x, thin_y = thin(x, y, np.max)
    assert len(thin_x) == len(thin_y) == 600
    assert thin_y.max() == 9.0


def test_ticks_are_round():
    assert nice_ticks(0.0, 1.0) == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert nice_ticks(0.0, 437.0) == [0.0, 100.0, 200.0, 300.0, 400.0]


def test_a_chart_of_nothing_and_a_path_of_one_point_are_drawn():
    ET.fromstring("<a>" + line_chart({"x": (np.zeros(0), np.zeros(0))}, "t", "y") + "</a>")
    ET.fromstring("<a>" + path_picture({"estimate": np.zeros((1, 3))}, "m") + "</a>")
    ET.fromstring(state_band(np.zeros(1), ["lost"], ["a < b"]))


def test_a_path_keeps_its_shape():
    square = np.array([[0, 0, 0], [2, 0, 0], [2, 1, 0]], float)
    picture = ET.fromstring("<a>" + path_picture({"estimate": square}, "m") + "</a>")
    line = next(item for item in picture.iter() if item.get("class", "").startswith("line"))
    points = np.array([pair.split(",") for pair in line.get("points").split()], float)
    along, up = points[1] - points[0], points[2] - points[1]
    assert along[0] == pytest.approx(-2 * up[1], rel=0.01)  # y grows downwards in a picture
    assert along[1] == up[0] == 0
