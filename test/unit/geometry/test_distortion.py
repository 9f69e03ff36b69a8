import numpy as np
import pytest

from aliked_ros.geometry.distortion import standard_distortion, standard_model

FIVE = [0.03, -0.02, 1e-4, 1e-4, 0.001]


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("plumb_bob", "plumb_bob"),
        ("radtan", "plumb_bob"),
        ("radial-tangential", "plumb_bob"),
        ("Brown_Conrady", "plumb_bob"),
        ("rational_polynomial", "rational_polynomial"),
        ("rational polynomial", "rational_polynomial"),
        ("equidistant", "equidistant"),
        ("fisheye", "equidistant"),
        ("equi", "equidistant"),
        ("KANNALA_BRANDT4", "equidistant"),
        ("", "none"),
        ("PERSPECTIVE", "none"),
    ],
)
def test_a_model_is_known_by_all_its_names(name, model):
    assert standard_model(name) == model


@pytest.mark.parametrize("name", ["ftheta", "modified_brown_conrady", "fov", "omni", "thin_prism"])
def test_an_unknown_model_is_named_with_the_known_ones(name):
    with pytest.raises(ValueError, match=f"distortion_model is '{name}'.*equidistant.*plumb_bob"):
        standard_distortion(name, FIVE)
    # A pinhole is a pinhole, whatever it is called.
    assert standard_distortion(name, [0.0] * 5)[0] == "none"


@pytest.mark.parametrize(
    ("name", "values", "num"),
    [
        ("plumb_bob", FIVE, 5),
        ("plumb_bob", FIVE[:4], 4),
        ("plumb_bob", [*FIVE, 0, 0, 0], 5),  # Orbbec
        ("rational_polynomial", [*FIVE, 0.1, 0.2, 0.3], 8),
        ("rational_polynomial", FIVE, 5),  # OpenCV's other three are 0
        ("rational_polynomial", [*FIVE, 0.1, 0.2, 0.3, 0, 0, 0, 0, 0, 0], 14),
        ("rational_polynomial", [*FIVE, 0.1, 0.2, 0.3, 0, 0], 8),
        ("equidistant", [0.01, -0.002, 1e-4, 1e-5], 4),
        ("equidistant", [0.01, -0.002, 1e-4, 1e-5, 0.0], 4),  # T265
        ("fisheye", [0.0, 0.0, 0.0, 0.0], 4),
        ("fisheye", [0.0] * 8, 4),
    ],
)
def test_zeros_behind_the_values_of_a_model_do_not_count(name, values, num):
    model, D = standard_distortion(name, values)
    assert model == standard_model(name)
    np.testing.assert_array_equal(D, values[:num])


@pytest.mark.parametrize(
    ("name", "values", "text"),
    [
        ("equidistant", FIVE, "distortion_model equidistant needs 4 values, D has 5"),
        ("plumb_bob", [*FIVE, 1e-4], "distortion_model plumb_bob needs 5 values, D has 6"),
        (
            "plumb_bob",
            [*FIVE, 0.1, 0.2, 0.3],
            "distortion_model plumb_bob needs 5 values, D has 8 (as rational_polynomial has)",
        ),
        ("radtan", [0.1, 0.2], "distortion_model radtan (plumb_bob) needs 5 values, D has 2"),
        ("equidistant", [], "distortion_model equidistant needs 4 values, D has 0"),
        ("", FIVE, "distortion_model is '' and D is"),
        ("plumb_bob", [float("nan")] * 5, "distortion coefficients D are [nan"),
    ],
)
def test_another_number_of_values_is_refused_by_name(name, values, text):
    with pytest.raises(ValueError, match="D") as caught:
        standard_distortion(name, values)
    assert text in str(caught.value)


@pytest.mark.parametrize("name", ["plumb_bob", "none", ""])
def test_a_camera_without_distortion_has_no_values(name):
    for values in ([], [0.0] * 5, [0.0] * 8):
        model, D = standard_distortion(name, values)
        assert (model, len(D)) == ("none", 0)
