"""Pairs from rendered rooms, against the renderer's own geometry, and from flawed sequences."""

import pickle
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from aliked_ros.datasets import DatasetError, FrameError
from aliked_ros.structs import Camera
from aliked_ros.synthetic.renderer import Renderer
from aliked_ros.synthetic.room import SyntheticRoom
from aliked_ros.synthetic.scene import build_room
from aliked_ros.training.pairs.depth import DepthPairOptions, warp_between
from aliked_ros.training.pairs.pair import draw_frames
from aliked_ros.training.pairs.sequence import SequencePairs

OPTIONS = DepthPairOptions(
    size_px=96, crop_share=(0.6, 1.0), min_visible=0.3, tolerance=0.0, relative_tolerance=0.03
)


def _room(num_frames=40):
    return SyntheticRoom(seed=0, width=160, height=120, num_frames=num_frames, texels_per_m=40.0)


@pytest.fixture(scope="module")
def room():
    return _room()


def _colours(image, points):
    x, y = (points[:, i].astype(np.float32) for i in (0, 1))
    return cv2.remap(image.astype(np.float32), x, y, cv2.INTER_LINEAR)[:, 0]


def _mean_gap(pair, shift_px):
    """Mean difference of colours between points and their warped ones, moved by a shift."""
    y, x = np.mgrid[4:92:2, 4:92:2]
    points = np.column_stack([x.ravel(), y.ravel()]).astype(np.float32)
    warped = pair.warp_1_0(torch.from_numpy(points))
    seen = warped.is_visible.numpy()
    moved = warped.points.numpy()[seen] + shift_px
    # Before the comparison both images get as soft as the difference of two resizes.
    soft0, soft1 = (cv2.GaussianBlur(i, (0, 0), 1.5) for i in (pair.image0, pair.image1))
    return np.abs(_colours(soft0, points[seen]) - _colours(soft1, moved)).mean()


def test_warped_pixels_have_the_colours_that_the_renderer_drew(room):
    pairs = SequencePairs(room, (2, 10), OPTIONS)
    generator = np.random.default_rng(0)
    drawn = [pairs.draw(generator) for _ in range(8)]
    exact = np.mean([_mean_gap(pair, np.zeros(2)) for pair in drawn])
    for shift in ([1, 0], [-1, 0], [0, 1], [0, -1]):
        # A pixel aside is clearly worse on every side: the warp has no bias of half a pixel.
        assert np.mean([_mean_gap(pair, np.array(shift)) for pair in drawn]) > 1.2 * exact


def test_what_is_called_visible_is_the_surface_that_the_renderer_hit(room):
    """Exact rays: points warped at whole pixels, and the depth rendered where they land."""
    frame0, frame1 = room.read(3), room.read(13)
    pairs = SequencePairs(room, (10, 10), replace(OPTIONS, crop_share=(1.0, 1.0)))
    view0, view1 = pairs.view(3), pairs.view(13)
    np.testing.assert_array_equal(view0.depth, frame0.depth_m)
    K = room.camera.K
    pixels = np.stack(np.meshgrid(np.arange(0, 160, 5), np.arange(0, 120, 5)), -1).reshape(-1, 2)
    rays = np.column_stack([pixels, np.ones(len(pixels))]) @ np.linalg.inv(K).T
    p_0 = rays * frame0.depth_m[pixels[:, 1], pixels[:, 0]][:, None]
    T_1_0 = np.linalg.inv(frame1.T_world_camera) @ frame0.T_world_camera
    np.testing.assert_allclose(
        view1.T_camera_world @ np.linalg.inv(view0.T_camera_world), T_1_0, atol=1e-9
    )
    p_1 = p_0 @ T_1_0[:3, :3].T + T_1_0[:3, 3]
    landed = p_1 @ K.T
    landed = landed[:, :2] / landed[:, 2:]
    inside = ((landed >= 0) & (landed <= [159, 119])).all(axis=1) & (p_1[:, 2] > 0)
    # One tiny image for each landing point: its only ray goes exactly through it.
    renderer = Renderer(build_room(seed=0, texels_per_m=40.0))
    exact = np.full(len(pixels), np.nan)
    for i in np.flatnonzero(inside):
        shifted = K.copy()
        shifted[:2, 2] -= landed[i]
        exact[i] = renderer.depth_m(frame1.T_world_camera, shifted, (1, 1))[0, 0]
    warped = warp_between(view0, view1, OPTIONS)(torch.from_numpy(pixels.astype(np.float32)))
    seen = warped.is_visible.numpy()
    np.testing.assert_allclose(warped.points.numpy()[seen], landed[seen], atol=1e-3)
    same = np.abs(exact - p_1[:, 2]) < 0.03 * p_1[:, 2]
    assert 0.3 < same.mean() < 0.98
    # Bilinear depth differs from the exact one at edges only.
    assert (seen == same)[inside].mean() > 0.97
    assert not seen[~inside].any()


def test_the_same_seed_draws_the_same_pair(room):
    first, second, other = (
        SequencePairs(room, (2, 10), OPTIONS).draw(np.random.default_rng(seed))
        for seed in (5, 5, 6)
    )
    assert np.array_equal(first.image0, second.image0)
    assert np.array_equal(first.image1, second.image1)
    assert torch.equal(first.warp_0_1.T_b_a, second.warp_0_1.T_b_a)
    assert torch.equal(first.warp_1_0.depth_a, second.warp_1_0.depth_a)
    assert not np.array_equal(first.image0, other.image0)


def test_frames_are_as_far_apart_as_was_asked():
    generator = np.random.default_rng(0)
    frames = np.array([draw_frames(generator, 40, (3, 5)) for _ in range(200)])
    distances = frames[:, 1] - frames[:, 0]
    assert set(np.abs(distances)) == {3, 4, 5}
    assert (distances > 0).any()
    assert (distances < 0).any()
    assert (frames.min(), frames.max()) == (0, 39)


def test_pairs_are_made_of_frames_as_far_apart(room):
    pairs = SequencePairs(room, (7, 7), OPTIONS)
    poses = room.ground_truth.T_world_camera
    apart = [np.linalg.inv(poses[i + 7]) @ poses[i] for i in range(33)]
    apart += [np.linalg.inv(T) for T in apart]
    for seed in range(4):
        T_1_0 = pairs.draw(np.random.default_rng(seed)).warp_1_0.T_b_a.numpy()
        assert min(np.abs(T_1_0 - T).max() for T in apart) < 1e-9


def test_a_worker_can_be_given_a_source(room):
    source = pickle.loads(pickle.dumps(SequencePairs(room, (2, 10), OPTIONS)))
    assert source.draw(np.random.default_rng(0)).image0.shape == (96, 96, 3)


class _Flawed(SyntheticRoom):
    """A room whose frames, but a few, cannot be read."""

    readable = frozenset(range(20, 40))

    def _load(self, index, with_right, with_depth):
        if index not in self.readable:
            raise FrameError(index, f"frame{index}.png: cut off")
        return super()._load(index, with_right, with_depth)


def test_unreadable_frames_are_named_and_others_drawn():
    room = _Flawed(seed=0, width=160, height=120, num_frames=40, texels_per_m=40.0)
    generator = np.random.default_rng(0)
    pairs = [SequencePairs(room, (2, 10), OPTIONS).draw(generator) for _ in range(4)]
    names = {name for pair in pairs for name in pair.unreadable}
    assert names
    assert names <= {f"frame{i}.png: cut off" for i in range(20)}


def test_a_sequence_without_a_readable_frame_ends_with_its_name():
    room = _Flawed(seed=0, width=160, height=120, num_frames=40, texels_per_m=40.0)
    room.readable = frozenset()
    with pytest.raises(ValueError, match=r"room0 \(synthetic\).*cut off"):
        SequencePairs(room, (2, 10), OPTIONS).draw(np.random.default_rng(0))


def test_a_sequence_that_lacks_something_is_refused_at_once():
    blind = _room(10)
    blind.ground_truth = None
    with pytest.raises(DatasetError, match="ground-truth"):
        SequencePairs(blind, (1, 5), OPTIONS)
    flat = _room(10)
    flat.sensors = ("mono",)
    with pytest.raises(DatasetError, match="rgbd"):
        SequencePairs(flat, (1, 5), OPTIONS)
    with pytest.raises(DatasetError, match="frame_distance"):
        SequencePairs(_room(10), (10, 20), OPTIONS)


def test_images_of_a_distorted_camera_become_those_of_a_pinhole(room):
    K = room.camera.K
    lens = Camera(160, 120, K, "plumb_bob", np.array([-0.2, 0.05, 0.0, 0.0, 0.0]))
    bent = _room(10)
    bent.camera = lens
    frame = room.read(0)
    # Soft, so that being read between pixels twice changes little.
    plain = replace(frame, image=cv2.GaussianBlur(frame.image, (0, 0), 2.0))
    y, x = np.mgrid[:120, :160]
    # What the lens records: each raw pixel shows the pinhole pixel that it stands for.
    undone = cv2.undistortPoints(
        np.stack([x, y], -1).reshape(-1, 1, 2).astype(np.float64), K, lens.D, P=K
    )
    where = undone.reshape(120, 160, 2).astype(np.float32)
    raw = cv2.remap(plain.image, where, None, cv2.INTER_LINEAR)
    raw_depth = cv2.remap(plain.depth_m, where, None, cv2.INTER_NEAREST)
    frame = replace(plain, image=raw, depth_m=raw_depth)
    bent.read = lambda index, sensor=None: frame
    view = SequencePairs(bent, (1, 5), OPTIONS).view(0)
    inner = np.s_[20:100, 25:135]
    gap = np.abs(view.image[inner].astype(float) - plain.image[inner]).mean()
    unstraightened = np.abs(raw[inner].astype(float) - plain.image[inner]).mean()
    assert gap < 0.15 * unstraightened
    close = np.abs(view.depth[inner] - plain.depth_m[inner]) < 0.02 * plain.depth_m[inner]
    assert close.mean() > 0.95
