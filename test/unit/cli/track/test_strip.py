from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from aliked_ros.cli.track.strip import TrackStrip


def _result(frame, num_tracks=5):
    """Tracks that move to the right by a pixel a frame, in no order of their ids."""
    ids = np.arange(num_tracks)[::-1].astype(np.uint64)
    keypoints = np.column_stack([10.0 * ids + frame, np.full(num_tracks, 20.0)])
    tracks = SimpleNamespace(
        track_ids=ids,
        keypoints_current=keypoints.astype(np.float32),
        inlier_mask=np.ones(num_tracks, bool),
        lengths=np.full(num_tracks, frame + 1),
    )
    return SimpleNamespace(tracks=tracks)


@pytest.mark.parametrize(
    ("num_frames", "rows", "columns"), [(1, 1, 1), (9, 1, 1), (15, 3, 2), (40, 3, 2)]
)
def test_a_strip_holds_at_most_six_pictures_once_tails_have_grown(
    num_frames, rows, columns, tmp_path
):
    strip = TrackStrip(num_frames)
    for frame in range(num_frames):
        strip.add(np.zeros((60, 80), np.uint8), _result(frame))
    strip.save(tmp_path / "tracks.png")
    height, width = cv2.imread(str(tmp_path / "tracks.png")).shape[:2]
    assert height // 60 == rows
    assert width // 80 == columns


def test_tracked_keypoints_are_drawn_on_the_picture(tmp_path):
    strip = TrackStrip(1)
    strip.add(np.zeros((60, 80), np.uint8), _result(0))
    strip.save(tmp_path / "tracks.png")
    picture = cv2.imread(str(tmp_path / "tracks.png"))
    assert all(picture[18:23, 10 * number + 1].max() > 50 for number in range(5))


def test_a_run_that_saw_nothing_leaves_no_strip(tmp_path):
    TrackStrip(5).save(tmp_path / "tracks.png")
    assert not (tmp_path / "tracks.png").exists()
