import numpy as np
import pytest

from aliked_ros.images import GreyRange


def ramp(low, high, dtype=np.uint16):
    return np.linspace(low, high, 4800).reshape(60, 80).astype(dtype)


@pytest.mark.parametrize(("low", "high"), [(0, 1020), (0, 4080), (0, 16300), (7300, 8320)], ids=str)
def test_the_part_of_16_bits_that_is_used_fills_8_bits(low, high):
    made = GreyRange()
    pixels = made.to_8_bit(ramp(low, high))
    assert pixels.min() <= 1
    assert pixels.max() >= 254
    assert abs(int(np.median(pixels)) - 127) < 4
    assert made.brightest == high
    assert made.used == pytest.approx((low, high), rel=0.01, abs=40)


def test_an_image_of_16_bits_stays_as_it_is():
    made = GreyRange()
    image = ramp(3000, 60000)
    np.testing.assert_allclose(made.to_8_bit(image), image / 257.0, atol=0.51)
    assert made.used == (0, 65535)


def test_the_range_stays_while_a_scene_changes_a_little_and_moves_when_it_changes_much():
    made = GreyRange()
    made.to_8_bit(ramp(7300, 8300))
    used = made.used
    made.to_8_bit(ramp(7400, 8250))
    assert made.used == used
    made.to_8_bit(ramp(9000, 9400))
    assert made.used == pytest.approx((9000, 9400), abs=20)


def test_noise_is_not_stretched():
    noise = np.random.default_rng(0).integers(7300, 7306, (60, 80)).astype(np.uint16)
    assert np.ptp(GreyRange().to_8_bit(noise)) < 30


def test_the_other_image_of_a_pair_has_the_same_range():
    made = GreyRange()
    made.to_8_bit(ramp(0, 1000))
    np.testing.assert_allclose(made.held().to_8_bit(ramp(0, 500))[-1, -1], 127, atol=2)
    assert made.used == pytest.approx((0, 1000), abs=5)


def test_a_setting_holds_whatever_is_there():
    assert GreyRange("full").to_8_bit(ramp(0, 1000)).max() == 4
    pixels = GreyRange("7300 8300").to_8_bit(ramp(7000, 9000))
    assert (pixels.min(), pixels.max()) == (0, 255)


def test_floating_point_numbers_that_are_none_are_black():
    image = ramp(0.0, 1.0, np.float32)
    image[0, 0] = np.nan
    pixels = GreyRange().to_8_bit(image)
    assert pixels[0, 0] == 0
    assert pixels.max() == 255


@pytest.mark.parametrize("setting", ["", "dark", "5", "9 3", "nan 5", "1 2 3"])
def test_a_setting_that_is_none_is_refused(setting):
    with pytest.raises(ValueError, match=f"grey_range is {setting!r}: give 'auto', 'full'"):
        GreyRange(setting)
