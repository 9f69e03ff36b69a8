import cv2
import numpy as np
import pytest

from aliked_ros.datasets.disturbed import DISTURBANCES, DisturbedSequence
from aliked_ros.datasets.sequence import Calibration, DatasetError, Pictures, Sequence

NUM, RATE_HZ = 60, 10


class Stripes(Sequence):
    """A pair of cameras with depth before a wall of stripes; the first pixel tells the frame."""

    layout = "stripes"

    def __init__(self, sensors=("mono", "stereo", "rgbd")):
        stamps_ns = 10**9 + np.arange(NUM, dtype=np.int64) * (10**9 // RATE_HZ)
        super().__init__("stripes", stamps_ns, Calibration(), sensors=sensors)

    def _load(self, index, with_right, with_depth):
        image = np.tile(np.repeat(np.array([40, 160], np.uint8), 32), (240, 5))
        image[0, 0] = index
        depth_m = np.full(image.shape, 2.0, np.float32)
        return Pictures(
            image, image.copy() if with_right else None, depth_m if with_depth else None
        )


@pytest.mark.parametrize("name", DISTURBANCES)
def test_a_seed_repeats_every_pixel_and_another_one_does_not(name):
    first, again, other = (_content(name, seed) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def _content(name, seed):
    """Everything that a disturbed sequence holds, in a form that can be compared."""
    sequence = DisturbedSequence(Stripes(), name, seed)
    frames = [(frame.image.tobytes(), frame.depth_m.tobytes()) for frame in sequence]
    return sequence.stamps_ns.tolist(), sequence.spells, frames


def test_a_fifth_of_the_frames_is_dropped_but_not_the_first():
    disturbed = DisturbedSequence(Stripes(), "drop")
    assert len(disturbed) == NUM - round(0.2 * (NUM - 1))
    shown = [int(disturbed.read(index).image[0, 0]) for index in range(len(disturbed))]
    assert shown[0] == 0
    np.testing.assert_array_equal(disturbed.stamps_ns, Stripes().stamps_ns[shown])
    after_gap = [i for i in range(1, len(shown)) if shown[i] > shown[i - 1] + 1]
    assert [spell.stop for spell in disturbed.spells] == after_gap


def test_a_blackout_lasts_a_second_and_blinds_every_camera():
    disturbed = DisturbedSequence(Stripes(), "blackout")
    (spell,) = disturbed.spells
    assert spell.stop - spell.start == RATE_HZ
    for index in (spell.start - 1, spell.start, spell.stop - 1, spell.stop):
        frame = disturbed.read(index)
        is_black = spell.start <= index < spell.stop
        assert frame.image[1:].any() != is_black
        assert frame.right_image[1:].any() != is_black
        assert np.isnan(frame.depth_m).all() == is_black


def test_brightness_steps_by_thirty_percent():
    disturbed = DisturbedSequence(Stripes(), "brightness")
    levels = np.array([disturbed.read(i).image[1:].mean() for i in range(len(disturbed))])
    relative = levels / levels[0]
    assert set(np.round(relative, 1)) <= {0.7, 1.0, 1.3}
    changed = np.flatnonzero(np.abs(np.diff(relative)) > 0.1) + 1
    assert [spell.start for spell in disturbed.spells] == changed.tolist()
    assert len(changed) >= 4


def test_blur_smears_for_a_second_and_keeps_the_brightness():
    disturbed = DisturbedSequence(Stripes(), "blur")
    (spell,) = disturbed.spells
    sharp = disturbed.read(spell.start - 1).image
    contrasts = []
    for index in range(spell.start, spell.stop):
        image = disturbed.read(index).image
        assert image[1:].mean() == pytest.approx(sharp[1:].mean(), abs=2)
        contrasts.append(np.abs(cv2.Sobel(image, cv2.CV_64F, 1, 0)[1:]).max())
    assert np.median(contrasts) < 0.7 * np.abs(cv2.Sobel(sharp, cv2.CV_64F, 1, 0)[1:]).max()


def test_holes_cover_a_third_of_the_depth_and_no_image():
    disturbed = DisturbedSequence(Stripes(), "depth_holes")
    missing = [np.isnan(disturbed.read(i).depth_m).mean() for i in range(10)]
    assert np.mean(missing) == pytest.approx(0.3, abs=0.05)
    np.testing.assert_array_equal(disturbed.read(5).image, Stripes().read(5).image)
    assert disturbed.spells == ()


def test_only_the_first_frames_count_where_fewer_are_asked_for():
    disturbed = DisturbedSequence(Stripes(), "blackout", num_frames=20)
    assert len(disturbed) == 20
    (spell,) = disturbed.spells
    assert 0 < spell.start < spell.stop < 20


def test_holes_in_the_depth_need_depth():
    with pytest.raises(DatasetError, match="no depth images"):
        DisturbedSequence(Stripes(("mono",)), "depth_holes")


def test_an_unknown_disturbance_is_named():
    with pytest.raises(DatasetError, match=r"'fog'.*drop, blackout"):
        DisturbedSequence(Stripes(), "fog")
