"""A strip of pictures with tracked keypoints, taken along a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from aliked_ros.datasets.image_files import write_image
from aliked_ros.drawing import TrackTails, draw_tracks, tile
from aliked_ros.odometry.result import OdometryResult
from aliked_ros.structs import Pixels

NUM_PICTURES = 6
COLUMNS = 2


class TrackStrip:
    """Follows the tracks of a run and keeps a few pictures of them, evenly spread."""

    def __init__(self, num_frames: int) -> None:
        """Choose the frames to be drawn out of that many."""
        count = min(NUM_PICTURES, num_frames)
        # The first picture waits for tails to grow.
        chosen = np.linspace(min(8, num_frames - 1), num_frames - 1, count)
        self._chosen = set(np.round(chosen).astype(int).tolist())
        self._tails = TrackTails()
        self._pictures: list[Pixels] = []
        self._num_seen = 0

    def add(self, image: Pixels, result: OdometryResult) -> None:
        """Take in the next frame: its image, (H, W) or (H, W, 3), and what became of it."""
        tracks = result.tracks
        track_ids = tracks.track_ids.astype(np.int64)
        self._tails.update(track_ids, tracks.keypoints_current)
        if self._num_seen in self._chosen:
            inlier_of = tracks.inlier_mask[np.argsort(track_ids)]
            _, paths, _ = self._tails.paths()
            lengths = tracks.lengths[np.argsort(track_ids)].astype(np.int64)
            self._pictures.append(draw_tracks(image, paths, lengths, inlier_of))
        self._num_seen += 1

    def save(self, path: Path) -> None:
        """Write the strip as one picture, if there is anything to show."""
        if self._pictures:
            write_image(path, tile(self._pictures, COLUMNS))
