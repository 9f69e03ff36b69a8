"""Make docs/pictures/overview.webp: a walk through the rendered room, tracked and seen from above.

python3 scripts/readme_picture.py [--frames 300] [--out docs/pictures/overview.webp]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np

from aliked_ros import (
    Camera,
    Extractor,
    ExtractorConfig,
    MatcherConfig,
    OdometryConfig,
    OdometryResult,
    VisualOdometry,
    sample_depth,
)
from aliked_ros.drawing import TrackTails, draw_tracks
from aliked_ros.synthetic.room import SyntheticRoom

HEIGHT = 330  # px, of the moving picture
ROOM_M = 6.4  # side of the square that is seen from above
CORNER_M = np.array([-0.2, -0.7])  # its lower left corner in the room
OVERVIEW = Path(__file__).resolve().parent.parent / "docs" / "pictures" / "overview.webp"

INK, PAPER = (40, 40, 46), (250, 250, 248)
LANDMARK, TRUTH, ESTIMATE = (150, 170, 190), (190, 190, 190), (214, 82, 36)


def main() -> int:
    """Track the room frame by frame and draw what is seen on the left, the map on the right."""
    options = parse_options()
    room = SyntheticRoom(num_frames=300)
    config = ExtractorConfig(
        model=options.model, weights=options.weights, max_keypoints=options.max_keypoints
    )
    extractor = Extractor(config)
    camera = room.require_camera()
    odometry = VisualOdometry(OdometryConfig(sensor="rgbd"), MatcherConfig(), camera)
    assert room.ground_truth is not None
    above = SeenFromAbove(camera, room.ground_truth.T_world_camera)
    tails = TrackTails()
    pictures = []
    for index, frame in enumerate(room.frames("rgbd", limit=options.frames)):
        features = extractor(frame.image)
        keypoints = features.to("cpu").keypoints.numpy()
        depths_m = sample_depth(frame.depth_m, keypoints)
        result = odometry.process(frame.stamp_ns, features, depths_m)
        seen = draw_seen(frame.image, result, tails)
        above.add(result, keypoints, depths_m)
        if index % options.every == options.every - 1:
            scaled = cv2.resize(seen, (HEIGHT * 4 // 3, HEIGHT), interpolation=cv2.INTER_AREA)
            pictures.append(np.hstack([scaled, above.draw(index)]))
    duration_ms = round(options.every * 1000 / 15)
    write(options.out, pictures, duration_ms, options.quality)
    size_kb = options.out.stat().st_size / 1000
    print(f"{options.out}: {len(pictures)} pictures, {size_kb:.0f} kB")
    print(f"end of the walk: {above.error_m(index) * 1e3:.1f} mm from the truth")
    return 0


def parse_options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=OVERVIEW, help="the moving picture")
    parser.add_argument("--frames", type=int, default=300, help="of the walk, 15 a second")
    parser.add_argument("--every", type=int, default=4, help="one frame in so many is shown")
    parser.add_argument("--quality", type=int, default=36, help="of WebP, 1 to 100")
    parser.add_argument("--model", default="aliked-n16")
    parser.add_argument("--weights", default="")
    parser.add_argument("--max-keypoints", type=int, default=500)
    options = parser.parse_args()
    if options.out.suffix != ".webp":
        parser.error(f"--out is {options.out}: give a name that ends in .webp")
    if not 1 <= options.every <= options.frames <= 300:
        parser.error(
            f"--frames is {options.frames}, --every is {options.every}: give 1 <= every <= frames "
            "<= 300, one lap"
        )
    return options


def draw_seen(image: np.ndarray, result: OdometryResult, tails: TrackTails) -> np.ndarray:
    """Return the image (H, W, 3) RGB with the tracks that end in it."""
    tracks = result.tracks
    track_ids = tracks.track_ids.astype(np.int64)
    tails.update(track_ids, tracks.keypoints_current)
    _, paths, ages = tails.paths()
    return draw_tracks(image, paths, ages, tracks.inlier_mask[np.argsort(track_ids)])


class SeenFromAbove:
    """The room from above: true path, estimated path, and the points that were seen.

    Args:
        camera: whose keypoints have depths.
        T_room_camera: (N, 4, 4) true poses, metres; the first one places the odometry's world.
    """

    def __init__(self, camera: Camera, T_room_camera: np.ndarray) -> None:
        self._K = camera.K
        self._truth = T_room_camera
        self._path: list[np.ndarray] = []  # T_room_camera as estimated
        self._points = np.full((HEIGHT, HEIGHT, 3), PAPER, np.uint8)

    def add(self, result: OdometryResult, keypoints: np.ndarray, depths_m: np.ndarray) -> None:
        """Take in a frame: its pose; keypoints (N, 2) px with depths (N,), metres."""
        assert result.T_world_camera is not None
        T_room_camera = self._truth[0] @ result.T_world_camera
        self._path.append(T_room_camera)
        if not result.is_keyframe:
            return
        rays = np.column_stack([keypoints, np.ones(len(keypoints))]) @ np.linalg.inv(self._K).T
        points = (rays * depths_m[:, None])[np.isfinite(depths_m)]
        in_room = points @ T_room_camera[:3, :3].T + T_room_camera[:3, 3]
        for x, y in self._to_pixels(in_room):
            cv2.circle(self._points, (x, y), 1, LANDMARK, -1, cv2.LINE_AA)

    def draw(self, index: int) -> np.ndarray:
        """Return the picture (HEIGHT, HEIGHT, 3) RGB after frame `index`."""
        canvas = self._points.copy()
        truth, path = self._truth[:, :3, 3], np.array(self._path)
        cv2.polylines(canvas, [self._to_pixels(truth)], False, TRUTH, 3, cv2.LINE_AA)
        cv2.polylines(canvas, [self._to_pixels(path[:, :3, 3])], False, ESTIMATE, 2, cv2.LINE_AA)
        wedge = np.array([[0.0, 0, 0], [-0.25, 0, 0.45], [0.25, 0, 0.45]])  # the camera's view
        seen = wedge @ path[-1, :3, :3].T + path[-1, :3, 3]
        cv2.fillPoly(canvas, [self._to_pixels(seen)], ESTIMATE, cv2.LINE_AA)
        metre = round(HEIGHT / ROOM_M)
        cv2.line(canvas, (14, HEIGHT - 14), (14 + metre, HEIGHT - 14), INK, 2, cv2.LINE_AA)
        write_text(canvas, "1 m", (20 + metre, HEIGHT - 10), INK)
        write_text(canvas, "truth", (14, 20), (120, 120, 120))
        write_text(canvas, f"odometry, {self.error_m(index) * 100:.1f} cm off", (80, 20), ESTIMATE)
        return canvas

    def error_m(self, index: int) -> float:
        """Return how far the estimate of frame `index` is from the truth, metres."""
        return float(np.linalg.norm((self._path[index] - self._truth[index])[:3, 3]))

    @staticmethod
    def _to_pixels(points: np.ndarray) -> np.ndarray:
        """Return points (N, 3) of the room as pixels (N, 2) int32, north up."""
        xy = (points[:, :2] - CORNER_M) * HEIGHT / ROOM_M
        return np.round(np.column_stack([xy[:, 0], HEIGHT - xy[:, 1]])).astype(np.int32)


def write_text(
    canvas: np.ndarray, text: str, at: tuple[int, int], colour: tuple[int, int, int]
) -> None:
    """Write a line of text whose lower left corner is `at` (x, y), px."""
    cv2.putText(canvas, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, 1, cv2.LINE_AA)


def write(path: Path, pictures: list[np.ndarray], duration_ms: int, quality: int) -> None:
    """Write RGB pictures as an endless animation; the last one stays for two seconds."""
    animation = cv2.Animation()
    animation.frames = [np.ascontiguousarray(picture[:, :, ::-1]) for picture in pictures]
    animation.durations = np.array([*[duration_ms] * (len(pictures) - 1), 2000])
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwriteanimation(str(path), animation, [cv2.IMWRITE_WEBP_QUALITY, quality]):
        raise OSError(f"{path} cannot be written")


if __name__ == "__main__":
    sys.exit(main())
