"""Maps triangulated by COLMAP from images whose poses are known, and files that hloc reads.

COLMAP's pixels have their origin at the corner of the top-left pixel: ours plus one half.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from aliked_ros.evaluation.pose.localization import NO_POINT, PointMap
from aliked_ros.extras import require
from aliked_ros.geometry import se3
from aliked_ros.geometry.epipolar import sampson_error_px
from aliked_ros.geometry.quaternions import to_quaternions
from aliked_ros.structs import Array, Camera, Features, Index

_CAMERA_ID = 1
_MAX_EPIPOLAR_ERROR_PX = 4.0


def require_pycolmap() -> Any:
    """Return pycolmap, made to speak of errors only.

    Raises:
        MissingPackageError: without pycolmap.
    """
    require("pycolmap", extra="localization", feature="evaluate localization")
    import pycolmap

    pycolmap.logging.minloglevel = 2  # COLMAP is verbose
    return pycolmap


def triangulate(
    camera: Camera,
    names: dict[int, str],
    T_world_cameras: dict[int, Array],
    keypoints: dict[int, Array],
    matches: dict[tuple[int, int], Index],
    folder: Path,
) -> PointMap:
    """Triangulate points and write the map as a COLMAP model.

    Args:
        camera: pinhole of all images.
        names: image -> file name; the numbers are at least 0.
        T_world_cameras: image -> (4, 4), metres.
        keypoints: image -> (N, 2), px.
        matches: pair of images -> (K, 2) indices into their keypoints.
        folder: for the model (sfm/) and the database; an older database is replaced.
    """
    pycolmap = require_pycolmap()
    (folder / "sfm").mkdir(parents=True, exist_ok=True)
    model = _posed_model(pycolmap, camera, names, T_world_cameras)
    database_path = folder / "database.db"
    database_path.unlink(missing_ok=True)
    database = pycolmap.Database.open(database_path)
    _write_model(database, model)
    _write_matches(database, camera, T_world_cameras, keypoints, matches)
    database.close()
    options = pycolmap.IncrementalPipelineOptions()
    options.extract_colors = False
    options.random_seed = 0
    # Images are not read again: their folder only has to exist.
    sfm = str(folder / "sfm")
    model = pycolmap.triangulate_points(model, database_path, folder, sfm, options=options)
    return _point_map(model, {index: len(points) for index, points in keypoints.items()})


def _write_matches(
    database: Any,
    camera: Camera,
    T_world_cameras: dict[int, Array],
    keypoints: dict[int, Array],
    matches: dict[tuple[int, int], Index],
) -> None:
    """Write keypoints and matches; those that fit the known poses count as verified."""
    import pycolmap

    for index, points in keypoints.items():
        database.write_keypoints(index + 1, (points + 0.5).astype(np.float32))
    for (first, second), pairs in matches.items():
        T_1_0 = se3.inverse(T_world_cameras[second]) @ T_world_cameras[first]
        pixels = keypoints[first][pairs[:, 0]], keypoints[second][pairs[:, 1]]
        is_right = sampson_error_px(*pixels, T_1_0, camera.K) <= _MAX_EPIPOLAR_ERROR_PX
        database.write_matches(first + 1, second + 1, pairs.astype(np.uint32))
        geometry = pycolmap.TwoViewGeometry()
        geometry.config = pycolmap.TwoViewGeometryConfiguration.CALIBRATED
        geometry.inlier_matches = pairs[is_right].astype(np.uint32)
        database.write_two_view_geometry(first + 1, second + 1, geometry)


def _posed_model(
    pycolmap: Any, camera: Camera, names: dict[int, str], T_world_cameras: dict[int, Array]
) -> Any:
    """Return a reconstruction of poses without points."""
    model = pycolmap.Reconstruction()
    size = {"width": camera.width, "height": camera.height}
    model.add_camera_with_trivial_rig(
        pycolmap.Camera(
            model="PINHOLE", params=colmap_pinhole(camera), camera_id=_CAMERA_ID, **size
        )
    )
    for index, name in names.items():
        image = pycolmap.Image(name=name, camera_id=_CAMERA_ID, image_id=index + 1)
        T_camera_world = se3.inverse(T_world_cameras[index])
        model.add_image_with_trivial_frame(image, pycolmap.Rigid3d(T_camera_world[:3]))
    return model


def _write_model(database: Any, model: Any) -> None:
    for camera in model.cameras.values():
        database.write_camera(camera, use_camera_id=True)
    for rig in model.rigs.values():
        database.write_rig(rig, use_rig_id=True)
    for frame in model.frames.values():
        database.write_frame(frame, use_frame_id=True)
    for image in model.images.values():
        database.write_image(image, use_image_id=True)


def _point_map(model: Any, num_keypoints: dict[int, int]) -> PointMap:
    order = {point_id: position for position, point_id in enumerate(model.points3D)}
    points = np.array([point.xyz for point in model.points3D.values()]).reshape(-1, 3)
    point_of_keypoint = {
        index: np.full(count, NO_POINT, np.int64) for index, count in num_keypoints.items()
    }
    for point_id, point in model.points3D.items():
        for element in point.track.elements:
            point_of_keypoint[element.image_id - 1][element.point2D_idx] = order[point_id]
    return PointMap(
        points,
        point_of_keypoint,
        float(model.compute_mean_track_length()),
        float(model.compute_mean_reprojection_error()),
    )


def colmap_pinhole(camera: Camera) -> list[float]:
    """Return fx, fy, cx, cy of the rectified image in COLMAP's pixels."""
    K = camera.K_rectified
    return [float(value) for value in (K[0, 0], K[1, 1], K[0, 2] + 0.5, K[1, 2] + 0.5)]


def write_queries(path: Path, names: Iterable[str], camera: Camera) -> None:
    """Write hloc's list of queries: name, camera model, size and parameters."""
    parameters = " ".join(f"{value:.9g}" for value in colmap_pinhole(camera))
    size = f"{camera.width} {camera.height}"
    path.write_text("".join(f"{name} PINHOLE {size} {parameters}\n" for name in names))


def write_results(path: Path, poses: dict[str, Array]) -> None:
    """Write T_camera_world (4, 4) of named queries as benchmarks do: qw qx qy qz tx ty tz."""
    lines = []
    for name, T_world_camera in poses.items():
        T_camera_world = se3.inverse(T_world_camera)
        x, y, z, w = to_quaternions(T_camera_world[:3, :3])
        values = (w, x, y, z, *T_camera_world[:3, 3])
        lines.append(" ".join([name, *(f"{value:.9g}" for value in values)]))
    path.write_text("".join(f"{line}\n" for line in lines))


def write_features(path: Path, named: Iterable[tuple[str, Features]]) -> int:
    """Write features as hloc's extraction does (HDF5, one group per image); return how many.

    Groups that the file has already stay as they are, so that an interrupted run resumes.
    """
    require("h5py", extra="localization", feature="writing features for hloc")
    import h5py

    count = 0
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "a", libver="latest") as file:
        for name, features in named:
            count += 1
            if name in file:
                continue
            group = file.create_group(name)
            group.create_dataset("keypoints", data=features.keypoints.cpu().numpy())
            group.create_dataset("scores", data=features.scores.cpu().numpy())
            group.create_dataset("descriptors", data=features.descriptors.cpu().numpy().T)
            height, width = features.image_size
            group.create_dataset("image_size", data=np.array([width, height]))
    return count
