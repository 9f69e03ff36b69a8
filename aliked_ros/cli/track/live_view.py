"""What `track` shows while it works: each frame as an item of the view."""

from __future__ import annotations

import numpy as np

from aliked_ros.evaluation.odometry.records import FrameRecord, MapHolder
from aliked_ros.geometry.frusta import frusta
from aliked_ros.odometry.result import OdometryResult, State
from aliked_ros.structs import Camera, Pixels
from aliked_ros.view.viewer import Viewer

_MAP_PERIOD = 15  # frames, unless a keyframe was inserted
_SHARE = 0.1  # a camera is drawn as large as this share of the distance of what it sees


class LiveView:
    """Shows frames one after another.

    Args:
        viewer: takes the items.
        camera: whose images are tracked.
        odometry: says what its map holds.
    """

    def __init__(self, viewer: Viewer, camera: Camera, odometry: MapHolder) -> None:
        self._viewer, self._camera, self._odometry = viewer, camera, odometry
        self._num_frames = 0
        self._size = 0.0  # of a drawn camera, unit of the poses; 0 before there is a landmark

    def add(self, image: Pixels, result: OdometryResult, record: FrameRecord) -> None:
        """Show a frame: its image, (H, W) or (H, W, 3), and what became of it."""
        item = frame_item(image, result, record)
        if result.is_keyframe or self._num_frames % _MAP_PERIOD == 0:
            item |= self._map_item(result)
        if result.T_world_camera is not None and self._size:
            item["camera"] = frusta([result.T_world_camera], self._camera, self._size)
        self._num_frames += 1
        self._viewer.show(item)

    def _map_item(self, result: OdometryResult) -> dict[str, object]:
        points, num_seen = self._odometry.landmarks()
        if len(points) and result.T_world_camera is not None:
            distances = np.linalg.norm(points - result.T_world_camera[:3, 3], axis=1)
            self._size = _SHARE * float(np.median(distances))
        poses = [T_world_camera for _, T_world_camera in self._odometry.keyframes()]
        lines = frusta(poses, self._camera, 0.5 * self._size)
        return {"landmarks": points, "num_seen": num_seen, "keyframes": lines}


def frame_item(image: Pixels, result: OdometryResult, record: FrameRecord) -> dict[str, object]:
    """Return the item of a frame, without the map."""
    tracks = result.tracks
    plots = {
        f"counts/{name.removeprefix('num_')}": value
        for name, value in record.figures.items()
        if name.startswith("num_")
    } | {f"latency_ms/{stage}": ms for stage, ms in record.latencies_ms.items()}
    item: dict[str, object] = {
        "stamp_ns": result.stamp_ns,
        "image": image,
        "previous": tracks.keypoints_previous,
        "current": tracks.keypoints_current,
        "is_inlier": tracks.inlier_mask,
        "names": list(plots),
        "values": list(plots.values()),
        "state": result.state.value,
        "reason": result.reason,
    }
    if result.T_world_camera is not None:
        item["T_world_body"] = result.T_world_camera
        item["covariance"] = result.covariance
        item["is_measured"] = result.state is State.TRACKING
    return item
