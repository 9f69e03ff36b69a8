import cv2
import numpy as np
import pytest

from aliked_ros.geometry import se3
from aliked_ros.synthetic.renderer import NEAR_M, Renderer
from aliked_ros.synthetic.scene import Face, build_room

K = np.array([[60.0, 0, 39.5], [0, 60.0, 29.5], [0, 0, 1]])
SIZE = (60, 80)


def _wall(distance_m: float, texture: np.ndarray, width_m: float = 4.0) -> Face:
    """A wall across the optical axis of a camera at the world's origin."""
    return Face(
        np.array([-width_m / 2, -width_m / 2, distance_m]),
        np.array([width_m, 0, 0]),
        np.array([0, width_m, 0]),
        texture,
    )


def _plain(brightness: int) -> np.ndarray:
    return np.full((64, 64, 3), brightness, np.uint8)


def _slow_depth_m(faces: list[Face], T_world_camera: np.ndarray, x: int, y: int) -> float:
    """One ray against every face, the long way round."""
    ray = T_world_camera[:3, :3] @ np.linalg.inv(K) @ [x, y, 1.0]
    eye = T_world_camera[:3, 3]
    nearest = np.inf
    for face in faces:
        normal = np.cross(face.u, face.v)
        facing = normal @ (face.origin - eye)
        if facing <= 0 or normal @ ray <= 0:
            continue
        depth_m = facing / (normal @ ray)
        offset = eye + depth_m * ray - face.origin
        s, t = offset @ face.u / (face.u @ face.u), offset @ face.v / (face.v @ face.v)
        if 0 <= s <= 1 and 0 <= t <= 1 and NEAR_M < depth_m < nearest:
            nearest = depth_m
    return nearest


def test_depth_agrees_with_casting_one_ray_after_another():
    faces = build_room(0, 20.0)
    T_world_camera = se3.exp(np.array([2.0, 2.0, 1.2, 0.0, 0.0, 0.0]))
    T_world_camera[:3, :3] = se3.exp_so3(np.array([-1.4, 0.3, 0.2]))
    depth_m = Renderer(faces).depth_m(T_world_camera, K, SIZE)
    pixels = np.random.default_rng(0).integers((0, 0), (SIZE[1], SIZE[0]), (60, 2))
    expected = [_slow_depth_m(faces, T_world_camera, x, y) for x, y in pixels]
    np.testing.assert_allclose(depth_m[pixels[:, 1], pixels[:, 0]], expected, rtol=1e-5)


def test_a_corner_of_the_texture_is_drawn_where_it_projects():
    board = np.kron([[0, 1], [1, 0]], np.ones((64, 64)))
    # Soft edges, so that the measurement is not limited by the pixels of the picture.
    soft = cv2.GaussianBlur(40 + 170 * board, (0, 0), 3.0)
    texture = np.repeat(soft.astype(np.uint8)[:, :, None], 3, axis=2)
    renderer = Renderer([_wall(2.0, texture)])
    for shift in ((0.0, 0.0), (0.013, -0.02), (0.3, 0.11)):
        T_world_camera = np.eye(4)
        T_world_camera[:2, 3] = shift
        image = renderer.image(T_world_camera, K, SIZE)
        expected = K[:2, 2] - 30.0 * np.array(shift)
        start = expected.astype(np.float32).reshape(1, 1, 2)
        stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 100, 1e-4)
        found = cv2.cornerSubPix(image[:, :, 0], start, (5, 5), (-1, -1), stop)[0, 0]
        np.testing.assert_allclose(found, expected, atol=0.04)


def test_the_nearer_face_hides_the_farther_one():
    far, near = _wall(4.0, _plain(50), 12.0), _wall(2.0, _plain(200), 1.0)
    for faces in ([far, near], [near, far]):
        renderer = Renderer(faces)
        assert renderer.image(np.eye(4), K, SIZE)[30, 40, 0] == 200
        assert renderer.depth_m(np.eye(4), K, SIZE)[30, 40] == pytest.approx(2.0)
        assert renderer.depth_m(np.eye(4), K, SIZE)[2, 2] == pytest.approx(4.0)


def test_the_edge_of_a_face_is_smooth():
    renderer = Renderer([_wall(2.0, _plain(0), 8.0), _wall(1.9, _plain(200), 1.05)])
    levels = np.unique(renderer.image(np.eye(4), K, SIZE))
    assert ((levels > 10) & (levels < 190)).any()


def test_where_nothing_is_seen_depth_is_unknown_and_the_image_black():
    renderer = Renderer([_wall(2.0, _plain(200), 1.0)])
    depth_m = renderer.depth_m(np.eye(4), K, SIZE)
    assert np.isnan(depth_m[0, 0])
    assert renderer.image(np.eye(4), K, SIZE)[0, 0].tolist() == [0, 0, 0]


def test_a_face_is_seen_from_one_side_only():
    T_world_camera = se3.exp(np.array([0, 0, 0, 0, np.pi, 0]))
    T_world_camera[:3, 3] = [0, 0, 4.0]
    assert np.isnan(Renderer([_wall(2.0, _plain(200))]).depth_m(T_world_camera, K, SIZE)).all()


def test_a_face_that_reaches_behind_the_camera_is_drawn():
    floor = Face(
        np.array([-5.0, 1.0, 5.0]), np.array([10.0, 0, 0]), np.array([0, 0, -10.0]), _plain(90)
    )
    depth_m = Renderer([floor]).depth_m(np.eye(4), K, SIZE)
    # A pixel y below the horizon sees the floor 1 m below the eye at depth f / y.
    assert depth_m[59, 40] == pytest.approx(60.0 / 29.5, rel=1e-5)
    assert np.isnan(depth_m[20]).all()


def test_a_distant_texture_is_averaged_and_does_not_flicker():
    stripes = np.zeros((256, 256, 3), np.uint8)
    stripes[:, ::2] = 200
    renderer = Renderer([_wall(6.0, stripes, 2.0)])
    image = renderer.image(np.eye(4), K, SIZE)[25:35, 35:45, 0]
    assert image.mean() == pytest.approx(100, abs=6)
    assert image.std() < 6
