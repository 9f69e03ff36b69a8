"""evaluate localization: a map from posed images, queries localized in it, as in Aachen."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aliked_ros.cli.evaluate.method_options import add_options, open_contestants
from aliked_ros.cli.evaluate.publishing import publish
from aliked_ros.cli.progress import progress_bar

if TYPE_CHECKING:
    from aliked_ros.datasets import Sequence
    from aliked_ros.evaluation.methods.contestants import Contestant
    from aliked_ros.evaluation.pose.localization import Localization, PointMap
    from aliked_ros.evaluation.reports.report import Report
    from aliked_ros.structs import Camera, Features

Extraction = Callable[[int], "Features"]

_IN_MEMORY = 64  # images: about 1 MB each

DESCRIPTION = "Share of queries localized within (0.25 m, 2 deg), (0.5 m, 5 deg), (5 m, 10 deg)."


@dataclass(frozen=True, eq=False)
class Scene:
    """The posed images of a place.

    Attributes:
        sequence: where the images come from.
        camera: pinhole of the rectified images.
        poses: frame -> T_world_rectified (4, 4).
        in_map: frames that the map is made of.
        queries: frames to be localized.
        read: frame -> rectified image.
    """

    sequence: Sequence
    camera: Camera
    poses: dict[int, Any]
    in_map: list[int]
    queries: list[int]
    read: Callable[[int], Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("root", metavar="ROOT", help="sequence with calibration and ground truth")
    parser.add_argument("--map-every", type=int, default=10, metavar="N", help="frames of the map")
    parser.add_argument("--query-every", type=int, default=10, metavar="N", help="frames to find")
    parser.add_argument(
        "--map-pairs", type=int, default=20, metavar="N", help="partners of a map image"
    )
    parser.add_argument(
        "--prior",
        type=int,
        default=0,
        metavar="N",
        help="match a query with the N map images nearest to its true pose; 0: with all of them",
    )
    parser.add_argument(
        "--threshold-px", type=float, default=12.0, help="of an inlier (default: 12, as in hloc)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the pose's random sampling")
    parser.add_argument("--camera-info", type=Path, metavar="FILE", help="calibration instead")
    parser.add_argument("--export-features", action="store_true", help="also as hloc's HDF5")
    add_options(parser, max_keypoints=2048, methods="aliked-n16,sift")


def run(options: argparse.Namespace) -> int:
    """Write localization.md, .json and, per method, a COLMAP model and hloc's files into DIR."""
    return publish(evaluate(options), options.out)


def evaluate(options: argparse.Namespace) -> Report:
    """Return the report of a run."""
    from aliked_ros.evaluation.pose.colmap import require_pycolmap

    require_pycolmap()
    scene = _open(options)
    results = {}
    for contestant in open_contestants(options):
        folder = options.out / "hloc" / contestant.method.identity
        name, extract = contestant.method.name, _reader(scene, contestant)
        point_map = _build(scene, extract, folder, name, options.map_pairs)
        found = _localize_all(scene, extract, point_map, name, options)
        _export(scene, extract, folder, found, options.export_features)
        results[name] = _summary(scene, point_map, found)
    return _report(scene, results, options)


def _open(options: argparse.Namespace) -> Scene:
    from aliked_ros.cli.sequence_options import say
    from aliked_ros.datasets import open_sequence
    from aliked_ros.datasets.doubts import find_doubts
    from aliked_ros.evaluation.pose.localization import split
    from aliked_ros.evaluation.pose.sampling import rectified_camera, rectified_poses
    from aliked_ros.geometry.rectification import Rectifier

    sequence = open_sequence(options.root, options.camera_info)
    say([*sequence.remarks, *find_doubts(sequence, "mono")])
    camera = rectified_camera(sequence.require_camera())
    poses = rectified_poses(sequence)
    in_map, queries = split(len(sequence), options.map_every, options.query_every)
    in_map, queries = ([f for f in frames if f in poses] for frames in (in_map, queries))
    if len(in_map) < 3 or not queries:
        raise ValueError(
            f"{sequence.name} gives {len(in_map)} images for the map and {len(queries)} queries "
            "with ground truth: at least 3 and 1 are needed; lower --map-every"
        )
    rectify = Rectifier(sequence.require_camera())

    def read(frame: int) -> Any:
        return rectify(sequence.read(frame, "mono").image)

    return Scene(sequence, camera, poses, in_map, queries, read)


def _reader(scene: Scene, contestant: Contestant) -> Extraction:
    """Return frame -> features; the last ones stay in memory, all on disk."""
    from functools import lru_cache

    return lru_cache(_IN_MEMORY)(lambda frame: contestant.extract(scene.read(frame)))


def _build(
    scene: Scene, extract: Extraction, folder: Path, name: str, num_partners: int
) -> PointMap:
    import numpy as np

    from aliked_ros.config import MatcherConfig
    from aliked_ros.evaluation.pose.colmap import triangulate
    from aliked_ros.evaluation.pose.localization import nearest
    from aliked_ros.evaluation.pose.sampling import image_name
    from aliked_ros.matching import match

    poses = {frame: scene.poses[frame] for frame in scene.in_map}
    pairs = set()
    for frame in scene.in_map:
        others = {other: pose for other, pose in poses.items() if other != frame}
        for other in nearest(poses[frame], others, num_partners):
            pairs.add((min(frame, other), max(frame, other)))
    matches = {}
    for first, second in progress_bar(sorted(pairs), desc=f"{name} map", unit="pair"):
        found = match(extract(first), extract(second), MatcherConfig(min_similarity=-1.0))
        matches[first, second] = found.indices.numpy()
    keypoints = {
        frame: extract(frame).keypoints.numpy().astype(np.float64) for frame in scene.in_map
    }
    names = {frame: image_name(frame) for frame in scene.in_map}
    return triangulate(scene.camera, names, poses, keypoints, matches, folder)


def _localize_all(
    scene: Scene,
    extract: Extraction,
    point_map: PointMap,
    name: str,
    options: argparse.Namespace,
) -> dict[int, Localization]:
    import numpy as np

    from aliked_ros.config import MatcherConfig
    from aliked_ros.evaluation.pose.localization import localize, nearest
    from aliked_ros.matching import match

    poses = {frame: scene.poses[frame] for frame in scene.in_map}
    found = {}
    for query in progress_bar(scene.queries, desc=f"{name} queries", unit="image"):
        features = extract(query)
        partners = nearest(scene.poses[query], poses, options.prior or len(poses))
        matches = {
            frame: match(
                features, extract(frame), MatcherConfig(min_similarity=-1.0)
            ).indices.numpy()
            for frame in partners
        }
        keypoints = features.keypoints.numpy().astype(np.float64)
        found[query] = localize(
            keypoints, matches, point_map, scene.camera.K, options.threshold_px, options.seed
        )
    return found


def _export(
    scene: Scene,
    extract: Extraction,
    folder: Path,
    found: dict[int, Localization],
    with_features: bool,
) -> None:
    """Write what hloc and the benchmark's server read beside the model."""
    from aliked_ros.evaluation.pose import colmap
    from aliked_ros.evaluation.pose.sampling import image_name

    names = [image_name(frame) for frame in scene.queries]
    colmap.write_queries(folder / "queries_with_intrinsics.txt", names, scene.camera)
    poses = {
        image_name(frame): result.T_world_camera
        for frame, result in found.items()
        if result.T_world_camera is not None
    }
    colmap.write_results(folder / "results.txt", poses)
    if with_features:
        frames = [*scene.in_map, *scene.queries]
        named = ((image_name(frame), extract(frame)) for frame in frames)
        colmap.write_features(folder / "features.h5", named)


def _summary(scene: Scene, point_map: PointMap, found: dict[int, Localization]) -> dict[str, Any]:
    import numpy as np

    from aliked_ros.evaluation.pose.localization import pose_error, shares_within

    errors = {
        frame: pose_error(scene.poses[frame], result.T_world_camera)
        for frame, result in found.items()
    }
    median_m, median_deg = np.median(np.array(list(errors.values())), axis=0).tolist()
    return {
        "points": len(point_map.points_world),
        "mean_track_length": point_map.mean_track_length,
        "mean_reprojection_error_px": point_map.mean_error_px,
        "mean_inliers": float(np.mean([result.num_inliers for result in found.values()])),
        "median_m": median_m,
        "median_deg": median_deg,
        "shares_within": shares_within(list(errors.values())),
        "errors_m_deg": {str(frame): error for frame, error in errors.items()},
    }


def _report(scene: Scene, results: dict[str, Any], options: argparse.Namespace) -> Report:
    from aliked_ros.evaluation.pose.localization import BOUNDS
    from aliked_ros.evaluation.reports.report import Report, Table

    how = f"the {options.prior} nearest map images" if options.prior else "all map images"
    about = (
        f"{scene.sequence.name}: map of {len(scene.in_map)} images with known poses, triangulated "
        f"by COLMAP; {len(scene.queries)} queries matched with {how}, at most "
        f"{options.max_keypoints} keypoints, mutual nearest neighbours, inliers within "
        f"{options.threshold_px:g} px. Percent of the queries within each bound."
    )
    columns = ["method", "points", "track length", "inliers", "median [m]", "median [deg]"]
    columns += [f"{metres:g} m, {degrees:g} deg" for metres, degrees in BOUNDS]
    keys = ("points", "mean_track_length", "mean_inliers", "median_m", "median_deg")
    rows = [
        [name, *(found[key] for key in keys), *(100 * share for share in found["shares_within"])]
        for name, found in results.items()
    ]
    decimals = {"points": 0, "track length": 2, "inliers": 0, "median [m]": 3, "median [deg]": 2}
    table = Table("Queries localized", tuple(columns), rows, decimals)
    return Report("localization", "Visual localization", about, [table], {"methods": results})
