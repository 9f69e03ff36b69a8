import numpy as np
import pytest
from point_world import CAMERA, FRAME_NS, World, sideways

from aliked_ros.config import MatcherConfig, OdometryConfig
from aliked_ros.geometry import se3
from aliked_ros.odometry.ground_plane import MIN_KEYFRAMES, GroundScale, find_ground
from aliked_ros.odometry.visual_odometry import VisualOdometry
from aliked_ros.synthetic.room import SyntheticRoom

HEIGHT = 1.5
UP = np.array([0.0, -1.0, 0.0])  # of a level camera


def ground(num=100, seed=0, height=HEIGHT):
    generator = np.random.default_rng(seed)
    x, z = generator.uniform([-4, 2], [4, 11], (num, 2)).T
    return np.column_stack([x, np.full(num, height), z])


def wall(num=300, seed=1):
    """A house front at the side, from the ground up."""
    generator = np.random.default_rng(seed)
    y, z = generator.uniform([-3, 3], [HEIGHT, 20], (num, 2)).T
    return np.column_stack([np.full(num, 5.0), y, z])


def clutter(num=200, seed=2):
    return np.random.default_rng(seed).uniform([-6, -4, 2], [6, HEIGHT, 15], (num, 3))


def steps(num):
    """What lies just above the ground, at all heights alike."""
    points = ground(num, seed=4)
    points[:, 1] *= np.linspace(0.7, 0.9, num)
    return points


def measured(points, relative=0.03, seed=3):
    """The points as triangulation gives them: wrong along their rays."""
    factor = 1 + np.random.default_rng(seed).normal(0, relative, len(points))
    return points * factor[:, None]


@pytest.mark.parametrize("unit", [0.01, 1.0, 40.0])
def test_the_ground_is_found_whatever_the_unit(unit):
    found = find_ground(unit * ground(), UP)
    assert found.height == pytest.approx(unit * HEIGHT, rel=1e-6)
    assert found.num_points == 100
    assert found.reason == ""


def test_it_is_found_among_walls_clutter_and_wrong_points():
    wrong = np.random.default_rng(5).uniform([-6, -4, 2], [6, 4, 15], (60, 3))
    points = np.vstack([measured(ground(150)), wall(), clutter(), wrong])
    found = find_ground(points, UP)
    assert found.height == pytest.approx(HEIGHT, rel=0.03)


@pytest.mark.parametrize("tilt_deg", [-30.0, -15.0, 40.0])
def test_a_tilted_camera_is_no_matter_if_its_mount_is_known(tilt_deg):
    R_camera_level = se3.exp_so3(np.radians([tilt_deg, 0.0, 10.0]))
    points = np.vstack([measured(ground()), clutter(100)]) @ R_camera_level.T
    assert find_ground(points, R_camera_level @ UP).height == pytest.approx(HEIGHT, rel=0.03)


def test_a_mount_that_is_a_little_off_is_made_up_for():
    points = measured(ground(300)) @ se3.exp_so3(np.radians([1.5, 0.0, 1.0])).T
    off = abs(find_ground(points, UP).height / HEIGHT - 1)
    assert off < 0.04
    # Without a fitted tilt it would be what the mean height says.
    assert abs(np.median(points[:, 1]) / HEIGHT - 1) > 2 * off


def test_the_floor_counts_and_not_the_table_on_it():
    table = ground(200, seed=7, height=0.5 * HEIGHT)[:, [0, 1, 2]] * [0.3, 1, 0.3]
    assert find_ground(np.vstack([table, ground(120)]), UP).height == pytest.approx(HEIGHT, 0.01)


@pytest.mark.parametrize(
    ("points", "words"),
    [
        (np.zeros((0, 3)), "0 landmarks"),
        (ground(15), "15 landmarks"),
        (wall(600) * [1, 1, 0.6], ""),
        (np.vstack([ground(60), steps(90)]), "stands out"),
        (ground() * [1, -1, 1], "0 landmarks"),  # a ceiling
        (measured(ground(), 0.2), ""),
    ],
)
def test_without_a_ground_in_sight_there_is_no_height_and_a_reason(points, words):
    found = find_ground(points, UP)
    assert np.isnan(found.height)
    assert words in found.reason
    assert found.reason


def test_the_floor_of_a_furnished_room_is_found_or_nothing():
    room = SyntheticRoom(1, width=160, height=120, num_frames=10, rate_hz=0.5, texels_per_m=20.0)
    K = room.camera.K
    y, x = np.mgrid[0:120:4, 0:160:4]
    rays = np.column_stack(
        [(x.ravel() - K[0, 2]) / K[0, 0], (y.ravel() - K[1, 2]) / K[1, 1], np.ones(x.size)]
    )
    errors = []
    for frame in room.frames("rgbd"):
        points = rays * frame.depth_m[::4, ::4].reshape(-1, 1)
        found = find_ground(points[np.isfinite(points).all(axis=1)], frame.T_world_camera[2, :3])
        errors.append(found.height / frame.T_world_camera[2, 3] - 1)
    # Walls and furniture stand on it and would lift it.
    assert np.nanmax(np.abs(errors)) < 0.04
    assert np.isfinite(errors).mean() >= 0.8


def test_the_scale_is_the_median_over_keyframes_with_what_they_differ_by():
    scale = GroundScale(1.65)
    assert "no keyframe" in scale.reason
    for stamp in range(9):
        wrong = 1.5 if stamp == 4 else 1.0
        scale.add(stamp, wrong * measured(ground(), seed=stamp) / 20, UP)
        assert (scale.scale() is None) == (stamp + 1 < MIN_KEYFRAMES)
    found = scale.scale()
    assert found.value == pytest.approx(20 * 1.65 / HEIGHT, rel=0.02)
    assert 0 < found.sigma < 0.05 * found.value
    scale.forget()
    assert scale.scale() is None


def test_a_keyframe_counts_once_and_as_it_is_known_last():
    scale = GroundScale(HEIGHT)
    for stamp in range(MIN_KEYFRAMES):
        for factor in (2.0, 1.0):
            scale.add(stamp, factor * ground(), UP)
        assert scale.num_measured == stamp + 1
    assert scale.scale().value == pytest.approx(1.0)
    scale.add(100, ground(5), UP)
    assert "5 landmarks" in scale.reason
    assert scale.num_measured == MIN_KEYFRAMES


def test_no_height_is_refused():
    with pytest.raises(ValueError, match="camera_height_m is 0"):
        GroundScale(0.0)


def test_a_single_camera_above_a_floor_gets_its_metres():
    generator = np.random.default_rng(0)
    above = generator.uniform([-8, -4, 3], [14, HEIGHT, 14], (700, 3))
    floor = np.column_stack(
        [generator.uniform(-8, 14, 900), np.full(900, HEIGHT), generator.uniform(2, 12, 900)]
    )
    world, path = World(np.vstack([above, floor])), sideways(50, 0.15)
    matcher = MatcherConfig(min_similarity=0.9)
    odometry = VisualOdometry(OdometryConfig(sensor="mono"), matcher, CAMERA)
    scale = GroundScale(HEIGHT)
    assert odometry.keyframe_points()[1].shape == (0, 3)
    positions = []
    for index, T in enumerate(path):
        result = odometry.process(index * FRAME_NS, world.see(T)[0])
        if result.T_world_camera is not None:
            positions.append((result.T_world_camera[:3, 3], T[:3, 3]))
            scale.add(*odometry.keyframe_points(), UP)
    (first, first_m), (last, last_m) = positions[5], positions[-1]
    truth = np.linalg.norm(last_m - first_m) / np.linalg.norm(last - first)
    assert scale.scale().value == pytest.approx(truth, rel=0.04)
