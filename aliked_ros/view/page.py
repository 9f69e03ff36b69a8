"""Items -> what rerun shows: image with tracks, path, map, plots, states."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aliked_ros.view.wire import Item

_GREEN, _RED, _BLUE, _AMBER, _ORANGE, _PINK = (
    (60, 220, 130), (235, 80, 70), (70, 160, 255), (250, 190, 60), (255, 150, 50), (235, 70, 160),
)  # fmt: skip
STATE_COLOURS = {
    "tracking": _GREEN,
    "predicted": _AMBER,
    "initialising": _BLUE,
    "lost": _RED,
    "unusable": (204, 77, 153),
    "paused": (178, 178, 178),
}
_JPEG_QUALITY = 80
_SIGMAS = 3.0  # semi-axes of the ellipsoid of a position
TIMELINE = "time"
_TAIL_S = 0.25  # how long a track's tail is


class Page:
    """Logs items to rerun's current recording.

    Args:
        up: the world's axis that points upwards: "z" (odom, REP 105) or "-y" (an optical frame).

    An item has `stamp_ns`, and some of:

        image: (H, W) or (H, W, 3) RGB, uint8.
        previous, current, is_inlier: (K, 2) and (K, 2) px, (K,) bool: keypoints found again.
        T_world_body: (4, 4) pose of camera or base; the unit of the world.
        covariance: (6, 6) of it; its position about the axes of the body.
        is_measured: whether the pose was measured.
        camera: (S, 2, 3) lines that draw the camera, in the world.
        landmarks: (L, 3), and num_seen: (L,) keyframes that see each.
        keyframes: (S, 2, 3) lines that draw them, in the world.
        names, values: (P,) texts "PLOT/CURVE" and (P,) numbers.
        state, reason: texts.
    """

    def __init__(self, up: str) -> None:
        import rerun as rr

        self._rr: Any = rr
        self._last_position: NDArray[Any] | None = None
        self._last_state: tuple[str, str] | None = None
        self._show = {
            "image": self._image,
            "current": self._tracks,
            "T_world_body": self._pose,
            "camera": self._camera,
            "landmarks": self._landmarks,
            "keyframes": self._keyframes,
            "names": self._plots,
            "state": self._state,
        }
        is_z = up == "z"
        axes = rr.ViewCoordinates.RIGHT_HAND_Z_UP if is_z else rr.ViewCoordinates.RDF
        rr.log("world", axes, static=True)
        rr.log("world/body", rr.TransformAxes3D(0.3), static=True)
        colours = [(*colour, 255) for colour in STATE_COLOURS.values()]
        states = list(STATE_COLOURS)
        rr.log("state", rr.StateConfiguration(values=states, colors=colours), static=True)

    def show(self, item: Item) -> None:
        """Log what an item holds at its stamp."""
        self._rr.set_time(TIMELINE, timestamp=np.datetime64(int(item["stamp_ns"]), "ns"))
        for name, show in self._show.items():
            if name in item:
                show(item)

    def _image(self, item: Item) -> None:
        image = np.ascontiguousarray(item["image"])
        self._rr.log("image", self._rr.Image(image).compress(_JPEG_QUALITY))

    def _tracks(self, item: Item) -> None:
        lines = np.stack([item["previous"], item["current"]], axis=1)  # (K, 2, 2)
        colours = np.where(item["is_inlier"][:, None], _GREEN, _RED).astype(np.uint8)
        rr = self._rr
        rr.log("image/tails", rr.LineStrips2D(lines, colors=colours, radii=rr.Radius.ui_points(1)))
        rr.log(
            "image/keypoints",
            rr.Points2D(item["current"], colors=colours, radii=rr.Radius.ui_points(2.5)),
        )

    def _pose(self, item: Item) -> None:
        rr, T = self._rr, item["T_world_body"]
        position = T[:3, 3]
        rr.log("world/body", rr.Transform3D(translation=position, mat3x3=T[:3, :3]))
        if self._last_position is not None:
            colour = _BLUE if item["is_measured"] else _AMBER
            line = [self._last_position, position]
            radius = rr.Radius.ui_points(1.5)
            rr.log("world/path", rr.LineStrips3D([line], colors=[colour], radii=radius))
        self._last_position = position
        if "covariance" in item:
            self._ellipsoid(item["covariance"][:3, :3])

    def _ellipsoid(self, covariance: NDArray[Any]) -> None:
        """Show the covariance (3, 3) of the position about the axes of the body."""
        rr = self._rr
        variances, axes = np.linalg.eigh(covariance)
        if not np.isfinite(variances).all() or variances[-1] > 1e3:  # unknown: nothing to draw
            rr.log("world/body/uncertainty", rr.Clear(recursive=False))
            return
        axes[:, 0] *= np.sign(np.linalg.det(axes))
        rr.log(
            "world/body/uncertainty",
            rr.Transform3D(mat3x3=axes),
            rr.Ellipsoids3D(
                half_sizes=[_SIGMAS * np.sqrt(np.maximum(variances, 0.0))],
                colors=[(*_ORANGE, 90)],
                fill_mode="solid",
            ),
        )

    def _camera(self, item: Item) -> None:
        self._lines("world/camera", item["camera"], _PINK, 1.5)

    def _keyframes(self, item: Item) -> None:
        self._lines("world/keyframes", item["keyframes"], _ORANGE, 0.8)

    def _lines(
        self, path: str, lines: NDArray[Any], colour: tuple[int, int, int], width: float
    ) -> None:
        """Show line segments (S, 2, 3)."""
        rr = self._rr
        rr.log(path, rr.LineStrips3D(lines, colors=[colour], radii=rr.Radius.ui_points(width)))

    def _landmarks(self, item: Item) -> None:
        rr, points = self._rr, item["landmarks"]
        share = np.clip((item["num_seen"] - 1) / 9.0, 0.0, 1.0)[:, None]
        colours = (1 - share) * (110, 110, 160) + share * (120, 240, 170)
        rr.log(
            "world/landmarks",
            rr.Points3D(points, colors=colours.astype(np.uint8), radii=rr.Radius.ui_points(1.5)),
        )

    def _plots(self, item: Item) -> None:
        for name, value in zip(item["names"].tolist(), item["values"].tolist(), strict=True):
            if np.isfinite(value):
                self._rr.log(f"plots/{name}", self._rr.Scalars(value))

    def _state(self, item: Item) -> None:
        state, reason = str(item["state"]), str(item.get("reason", ""))
        if (state, reason) == self._last_state:
            return
        self._last_state = state, reason
        rr = self._rr
        rr.log("state", rr.StateChange(state=state))
        text = f"{state}: {reason}" if reason else state
        level = "INFO" if state == "tracking" and not reason else "WARN"
        rr.log("log", rr.TextLog(text, level=level))


def make_blueprint() -> Any:
    """Return how the page is laid out."""
    import rerun.blueprint as rrb

    def since(start: Any) -> Any:
        return rrb.VisibleTimeRanges(
            timeline=TIMELINE, start=start, end=rrb.TimeRangeBoundary.cursor_relative(seconds=0)
        )

    tails = since(rrb.TimeRangeBoundary.cursor_relative(seconds=-_TAIL_S))
    whole_path = since(rrb.TimeRangeBoundary.infinite())
    image = rrb.Spatial2DView(origin="image", name="Tracks", overrides={"image/tails": tails})
    world = rrb.Spatial3DView(
        origin="world", name="Path and map", overrides={"world/path": whole_path}
    )
    plots = [
        rrb.TimeSeriesView(origin=f"plots/{name}", name=title)
        for name, title in (("counts", "Keypoints"), ("latency_ms", "Latency [ms]"))
    ]
    states = rrb.StateTimelineView(origin="state", name="State")
    return rrb.Blueprint(
        rrb.Horizontal(
            rrb.Vertical(
                image, states, rrb.TextLogView(origin="log", name="Reasons"), row_shares=[4, 1, 1.5]
            ),
            rrb.Vertical(world, rrb.Horizontal(*plots), row_shares=[4, 2.5]),
            column_shares=[1, 1.2],
        ),
        rrb.TimePanel(state="collapsed", play_state="following"),
        rrb.BlueprintPanel(state="collapsed"),
        rrb.SelectionPanel(state="collapsed"),
    )
