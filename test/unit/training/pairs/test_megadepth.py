"""A small tree in MegaDepth's layout, written from a rendered room whose geometry is known."""

import cv2
import numpy as np
import pytest
import torch

from aliked_ros.extras import MissingPackageError
from aliked_ros.synthetic.room import SyntheticRoom
from aliked_ros.training.pairs.depth import DepthPairOptions
from aliked_ros.training.pairs.megadepth import MegaDepthPairs, read_depth

OPTIONS = DepthPairOptions(
    size_px=96, crop_share=(0.7, 1.0), min_visible=0.3, tolerance=0.05, relative_tolerance=0.0
)
FRAMES = (0, 4, 8)


def _objects(values):
    array = np.empty(len(values), object)
    array[:] = values
    return array


@pytest.fixture(scope="module")
def room():
    return SyntheticRoom(seed=0, width=160, height=120, num_frames=10, texels_per_m=40.0)


@pytest.fixture
def tree(tmp_path, room):
    """Three views of a room as one scene; every two of them overlap by 0.5."""
    h5py = pytest.importorskip("h5py", reason="MegaDepth's depth files need h5py")
    images, depths, poses = [], [], []
    for index in FRAMES:
        frame = room.read(index, "rgbd")
        image = tmp_path / f"Undistorted_SfM/0001/images/{index}.png"
        depth = tmp_path / f"phoenix/S6/zl548/MegaDepth_v1/0001/dense0/depths/{index}.h5"
        for file in (image, depth):
            file.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(image), cv2.cvtColor(frame.image, cv2.COLOR_RGB2BGR))
        labelled = frame.depth_m.copy()
        labelled[:10, :10] = -1  # ordinal labels, which some of MegaDepth's files hold
        with h5py.File(depth, "w") as file:
            file["depth"] = labelled
        images.append(str(image.relative_to(tmp_path)))
        depths.append(str(depth.relative_to(tmp_path)))
        poses.append(np.linalg.inv(frame.T_world_camera))
    K_colmap = room.camera.K.copy()
    K_colmap[:2, 2] += 0.5
    overlap = np.full((3, 3), 0.5)
    (tmp_path / "scene_info").mkdir()
    np.savez(
        tmp_path / "scene_info/0001.0.npz",
        image_paths=_objects(images),
        depth_paths=_objects(depths),
        intrinsics=_objects([K_colmap] * 3),
        poses=_objects(poses),
        overlap_matrix=overlap,
    )
    return tmp_path


def test_a_pair_has_the_geometry_of_the_room(tree, room):
    generator = np.random.default_rng(0)
    source = MegaDepthPairs(tree, (0.3, 0.7), OPTIONS)
    poses = [room.read(index).T_world_camera for index in FRAMES]
    relative = [np.linalg.inv(a) @ b for a in poses for b in poses if a is not b]
    for _ in range(5):
        pair = source.draw(generator)
        assert pair.image0.shape == pair.image1.shape == (96, 96, 3)
        T_1_0 = pair.warp_1_0.T_b_a.numpy()
        assert min(np.abs(T_1_0 - T).max() for T in relative) < 1e-9
        # The field of view tells that K followed the crop: fx / scale is the camera's own.
        assert pair.warp_1_0.K_a[0, 0] >= room.camera.K[0, 0] * 96 / 120 - 1e-6
        points = torch.from_numpy(
            np.random.default_rng(1).uniform(2, 93, (500, 2)).astype(np.float32)
        )
        there = pair.warp_1_0(points)
        back = pair.warp_0_1(there.points)
        seen = there.is_visible & back.is_visible
        assert seen.sum() > 50
        assert (back.points - points)[seen].norm(dim=1).median() < 0.05
    assert source.unreadable_lists == ()


def test_labels_below_zero_are_missing_depth(tree):
    depth = read_depth(next(tree.rglob("0.h5")))
    assert (depth[:10, :10] == 0).all()
    assert (depth >= 0).all()


def test_the_same_seed_draws_the_same_pair(tree):
    first, second = (
        MegaDepthPairs(tree, (0.3, 0.7), OPTIONS).draw(np.random.default_rng(7)) for _ in range(2)
    )
    assert np.array_equal(first.image0, second.image0)
    assert torch.equal(first.warp_1_0.depth_b, second.warp_1_0.depth_b)


def _cut_off(path):
    path.write_bytes(path.read_bytes()[:200])


@pytest.mark.parametrize("name", ["0.png", "0.h5"])
def test_a_broken_file_is_named_and_another_pair_drawn(tree, name):
    broken = next(tree.rglob(name))
    _cut_off(broken)
    source = MegaDepthPairs(tree, (0.3, 0.7), OPTIONS)
    generator = np.random.default_rng(0)
    unreadable = {text for _ in range(12) for text in source.draw(generator).unreadable}
    assert len(unreadable) == 1
    assert unreadable.pop().startswith(str(broken))


def test_a_missing_file_is_named(tree):
    for path in tree.rglob("*.png"):
        path.unlink()
    with pytest.raises(ValueError, match=r"MegaDepth.*100 ended at a file.*\.png"):
        MegaDepthPairs(tree, (0.3, 0.7), OPTIONS).draw(np.random.default_rng(0))


def test_depth_of_another_size_is_refused_by_name(tree):
    import h5py

    for path in tree.rglob("*.h5"):
        with h5py.File(path, "w") as file:
            file["depth"] = np.ones((60, 80), np.float32)
    with pytest.raises(ValueError, match=r"the depth is 80x60, the image .* 160x120"):
        MegaDepthPairs(tree, (0.3, 0.7), OPTIONS).draw(np.random.default_rng(0))


def test_broken_lists_are_told(tree):
    (tree / "scene_info/0002.0.npz").write_bytes(b"nothing")
    source = MegaDepthPairs(tree, (0.3, 0.7), OPTIONS)
    assert len(source.unreadable_lists) == 1
    assert "0002.0.npz" in source.unreadable_lists[0]


def test_no_pair_in_the_range_is_said_with_folder_and_layout(tree):
    with pytest.raises(ValueError, match=r"MegaDepth with scene_info.*0\.6 to 0\.7 in 1 lists"):
        MegaDepthPairs(tree, (0.6, 0.7), OPTIONS)


def test_an_empty_folder_is_said_with_folder_and_layout(tmp_path):
    pytest.importorskip("h5py", reason="MegaDepth's depth files need h5py")
    with pytest.raises(ValueError, match=r"scene_info.*in 0 lists"):
        MegaDepthPairs(tmp_path, (0.1, 0.7), OPTIONS)


def test_without_h5py_the_remedy_is_named(tmp_path, hide_package):
    hide_package("h5py")
    with pytest.raises(MissingPackageError, match=r"megadepth: .*needs h5py.*\[train\]"):
        MegaDepthPairs(tmp_path, (0.1, 0.7), OPTIONS)
