import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from aliked_ros.geometry import se3
from aliked_ros.geometry.camera import baseline_m, project_raw, rectify_keypoints
from aliked_ros.geometry.rectification import Rectifier, rectify_pair
from aliked_ros.structs import Camera

K_LEFT = np.array([[458.0, 0, 367.0], [0, 457.0, 248.0], [0, 0, 1]])
K_RIGHT = np.array([[460.0, 0, 380.0], [0, 459.0, 255.0], [0, 0, 1]])
RADTAN = np.array([-0.28, 0.07, 2e-4, 2e-5])
FISHEYE = np.array([-0.01, 0.02, -0.01, 0.002])
T_LEFT_RIGHT = se3.from_rotation_translation(
    Rotation.from_rotvec([0.01, -0.02, 0.03]).as_matrix(), np.array([0.11, 0.004, -0.003])
)
PAIRS = {
    "radtan": (("plumb_bob", RADTAN), ("plumb_bob", RADTAN)),
    "fisheye": (("equidistant", FISHEYE), ("equidistant", FISHEYE)),
    "mixed": (("none", np.zeros(0)), ("equidistant", FISHEYE)),
}


@pytest.fixture(params=list(PAIRS))
def pair(request):
    (model_left, D_left), (model_right, D_right) = PAIRS[request.param]
    left = Camera(752, 480, K_LEFT, model_left, D_left)
    right = Camera(752, 480, K_RIGHT, model_right, D_right)
    return left, right


def test_rows_agree_and_the_disparity_tells_the_depth(pair):
    left, right = rectify_pair(*pair, T_LEFT_RIGHT)
    points_left = np.random.default_rng(1).uniform([-1, -0.8, 2], [1, 0.8, 8], size=(100, 3))
    points_right = se3.transform(se3.inverse(T_LEFT_RIGHT), points_left)
    pixels_left = rectify_keypoints(project_raw(points_left, left), left)
    pixels_right = rectify_keypoints(project_raw(points_right, right), right)
    np.testing.assert_allclose(pixels_left[:, 1], pixels_right[:, 1], atol=1e-3)
    disparity = pixels_left[:, 0] - pixels_right[:, 0]
    depth = (points_left @ left.R.T)[:, 2]
    np.testing.assert_allclose(left.K_rectified[0, 0] * baseline_m(right) / disparity, depth, 1e-4)


def test_the_baseline_is_the_distance_between_the_cameras(pair):
    _, right = rectify_pair(*pair, T_LEFT_RIGHT)
    assert baseline_m(right) == pytest.approx(np.linalg.norm(T_LEFT_RIGHT[:3, 3]))


def test_the_rectifying_rotation_agrees_with_opencv():
    left, right = (Camera(752, 480, K, "plumb_bob", RADTAN) for K in (K_LEFT, K_RIGHT))
    T_right_left = se3.inverse(T_LEFT_RIGHT)
    R_left, R_right, *_ = cv2.stereoRectify(
        K_LEFT, RADTAN, K_RIGHT, RADTAN, (752, 480), T_right_left[:3, :3], T_right_left[:3, 3]
    )
    rectified_left, rectified_right = rectify_pair(left, right, T_LEFT_RIGHT)
    np.testing.assert_allclose(rectified_left.R, R_left, atol=1e-6)
    np.testing.assert_allclose(rectified_right.R, R_right, atol=1e-6)


def test_the_middle_of_the_image_stays_in_the_middle(pair):
    left, right = rectify_pair(*pair, T_LEFT_RIGHT)
    middle = np.array([[375.5, 239.5]])
    landed = (rectify_keypoints(middle, left) + rectify_keypoints(middle, right)) / 2
    np.testing.assert_allclose(landed, middle, atol=15)


def test_a_right_camera_on_the_left_side_is_refused():
    left = Camera(752, 480, K_LEFT)
    with pytest.raises(ValueError, match="left one first"):
        rectify_pair(left, left, se3.inverse(T_LEFT_RIGHT))


def test_a_right_camera_without_baseline_is_refused():
    with pytest.raises(ValueError, match=r"-fx \* baseline_m"):
        baseline_m(Camera(752, 480, K_LEFT))


def test_a_rectified_image_passes_through_without_a_copy():
    image = np.zeros((480, 752), dtype=np.uint8)
    assert Rectifier(Camera(752, 480, K_LEFT))(image) is image


def test_a_rectified_image_shows_each_keypoint_where_rectify_keypoints_says(pair):
    left, _ = rectify_pair(*pair, T_LEFT_RIGHT)
    raw = np.array([[300.0, 200.0], [420.0, 300.0], [500.0, 150.0]])
    image = np.zeros((480, 752), dtype=np.uint8)
    for x, y in raw.astype(int):
        cv2.circle(image, (int(x), int(y)), 6, 255, -1)
    rectified = Rectifier(left)(image)
    for x, y in rectify_keypoints(raw, left):
        rows, columns = np.mgrid[int(y) - 10 : int(y) + 12, int(x) - 10 : int(x) + 12]
        weight = rectified[rows, columns].astype(float)
        centroid = [(columns * weight).sum() / weight.sum(), (rows * weight).sum() / weight.sum()]
        np.testing.assert_allclose(centroid, [x, y], atol=0.15)


def test_a_pair_of_which_one_camera_stands_on_its_head_is_refused():
    camera = Camera(64, 48, np.array([[50.0, 0, 31.5], [0, 50.0, 23.5], [0, 0, 1]]))
    T_left_right = np.diag([-1.0, -1, 1, 1])
    T_left_right[0, 3] = 0.1
    with pytest.raises(ValueError, match="turned by 180 deg against the left one"):
        rectify_pair(camera, camera, T_left_right)
