"""A run as one HTML page that needs nothing beside it."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable
from html import escape
from importlib.resources import files
from typing import Any

import cv2
import numpy as np

from aliked_ros import __version__
from aliked_ros.cli.report.alignment import align
from aliked_ros.cli.report.run_files import Run
from aliked_ros.cli.report.svg import NUM_COLOURS, line_chart, path_picture, state_band, thin

_STRIP_WIDTH_PX = 1200


def make_page(run: Run) -> str:
    """Return the page of a run."""
    title = _title(run)
    style = files("aliked_ros.cli.report").joinpath("style.css").read_text(encoding="utf-8")
    sections = [
        ("Summary", _summary(run)),
        ("Path", _path(run)),
        ("States", _states(run)),
        ("Keypoints", _counts(run)),
        ("Latency", _latency(run)),
        ("Frames without a pose", _causes(run)),
        ("Tracks", _strip(run)),
        ("Configuration", _configuration(run)),
    ]
    body = "".join(f"<section><h2>{name}</h2>{html}</section>" for name, html in sections if html)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{style}</style></head>"
        f"<body><h1>{escape(title)}</h1>{body}"
        f"<footer>aliked_ros {escape(__version__)}</footer></body></html>\n"
    )


def _title(run: Run) -> str:
    name = run.summary.get("sequence", {}).get("name") or run.folder.resolve().name
    return " ".join(word for word in (str(name), run.sensor) if word)


def _summary(run: Run) -> str:
    counts = Counter(run.states)
    total = len(run.states) + len(_skipped(run))
    rows: list[tuple[str, object]] = [
        ("frames", total),
        ("tracked", f"{counts['tracking']} ({100 * counts['tracking'] / total:.1f} %)"),
        ("predicted", counts["predicted"]),
        ("lost", counts["lost"]),
        ("initialising", counts["initialising"]),
        (
            "skipped",
            run.summary.get("skipped") if "frames in" in run.summary else len(_skipped(run)),
        ),
    ]
    if run.summary.get("restarts"):
        rows.append(("restarts", run.summary["restarts"]))
    if run.summary.get("interrupted"):
        rows.append(("interrupted", "before the last frame"))
    rows += [(f"{stage} median", f"{np.median(ms):.1f} ms") for stage, ms in _whole(run).items()]
    score = run.summary.get("score") or {
        name: run.summary[name] for name in ("ate_rmse_m", "length_m") if name in run.summary
    }
    rows += [(name, _shown(value)) for name, value in score.items()]
    return _table(rows)


def _path(run: Run) -> str:
    if run.path is None or len(run.path) == 0:
        was_tracked = "tracking" in run.states
        return f"<p>No {'path was recorded' if was_tracked else 'frame was tracked'}.</p>"
    positions = run.path.T_world_camera[:, :3, 3]
    aligned = None
    if run.truth is not None:
        aligned = align(run.path, run.truth, with_scale=run.sensor == "mono")
    if aligned is None:
        unit = "units" if run.sensor == "mono" else "m"
        return path_picture({"estimate": positions}, unit) + "<p>There is no ground truth.</p>"
    seconds, moved, reference = aligned
    errors = np.linalg.norm(moved - reference, axis=1)
    chart = line_chart(
        {"after alignment": thin(seconds, errors, np.max)}, "time [s]", "position error [m]", 150
    )
    return path_picture({"ground truth": reference, "estimate": moved}, "m") + chart


def _states(run: Run) -> str:
    known = ("tracking", "predicted", "initialising", "lost", "unusable", "paused")
    keys = "".join(
        f'<span class="key"><i class="{state}"></i>{state} {run.states.count(state)}</span>'
        for state in known
        if state in run.states
    )
    band = state_band(run.stamps_s, run.states, run.reasons)
    return f'<p class="legend">{keys} <small>point at a stretch for its reason</small></p>{band}'


def _counts(run: Run) -> str:
    series = {
        name.removeprefix("num_"): thin(run.stamps_s, values, np.min)
        for name, values in run.counts.items()
    }
    return line_chart(series, "time [s]", "per frame")


def _latency(run: Run) -> str:
    stages = {name: ms for name, ms in run.stages_ms.items() if np.isfinite(ms).any()}
    if not stages:
        return ""
    rows = [
        (name, f"{np.nanmedian(ms):.2f}", f"{np.nanpercentile(ms, 99):.2f}", f"{np.nanmax(ms):.2f}")
        for name, ms in stages.items()
    ]
    longest = sorted(stages, key=lambda name: -float(np.nanmedian(stages[name])))[:NUM_COLOURS]
    drawn = _whole(run) or {name: ms for name, ms in stages.items() if name in longest}
    chart = line_chart(
        {name: thin(run.stamps_s, ms, np.max) for name, ms in drawn.items()},
        "time [s]",
        "ms per frame",
    )
    return chart + _table(rows, ("stage", "median [ms]", "99 % [ms]", "largest [ms]"))


def _whole(run: Run) -> dict[str, Any]:
    """Return the latency of a whole frame, where the run measured it."""
    # The demo's `latency` counts from the stamps of the recording, which are not live.
    return {name: ms for name, ms in run.stages_ms.items() if name == "total"}


def _causes(run: Run) -> str:
    causes = run.causes().most_common()
    return (
        _table([(cause, count) for cause, count in causes], ("cause", "frames")) if causes else ""
    )


def _strip(run: Run) -> str:
    picture = run.strip
    if picture is None:
        return ""
    if picture.shape[1] > _STRIP_WIDTH_PX:
        height = round(picture.shape[0] * _STRIP_WIDTH_PX / picture.shape[1])
        picture = cv2.resize(picture, (_STRIP_WIDTH_PX, height), interpolation=cv2.INTER_AREA)
    blue_first = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", blue_first, [cv2.IMWRITE_JPEG_QUALITY, 80])
    text = base64.b64encode(data.tobytes()).decode()
    return f'<img alt="images with tracked keypoints" src="data:image/jpeg;base64,{text}">'


def _configuration(run: Run) -> str:
    rows: list[tuple[str, object]] = [
        (name, run.summary[name])
        for name in ("version", "weights", "network", "exit codes")
        if name in run.summary
    ]
    for section, values in run.summary.get("config", {}).items():
        rows += [(f"{section}.{name}", _shown(value)) for name, value in values.items()]
    return _table(rows)


def _skipped(run: Run) -> list[Any]:
    skipped = run.summary.get("skipped", [])
    return skipped if isinstance(skipped, list) else []


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _table(rows: Iterable[tuple[object, ...]], header: tuple[str, ...] = ()) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table>{f'<tr>{head}</tr>' if head else ''}{body}</table>"
