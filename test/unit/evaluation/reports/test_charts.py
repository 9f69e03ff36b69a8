import numpy as np

from aliked_ros.evaluation.methods.door import NAMES
from aliked_ros.evaluation.reports.charts import (
    Panel,
    Scatter,
    colour,
    pareto_front,
    plot_curves,
    plot_scatter,
)


def test_front_holds_what_no_other_beats():
    points = {
        "slow": (1.0, 90.0),
        "beaten": (2.0, 80.0),
        "middle": (3.0, 85.0),
        "fast": (9.0, 10.0),
    }
    assert pareto_front(points) == ["slow", "middle", "fast"]
    assert pareto_front(points, fewer_is_better=True) == ["slow"]


def test_front_of_equal_points_is_one_of_them():
    assert len(pareto_front({"a": (1.0, 5.0), "b": (1.0, 5.0)})) == 1
    assert pareto_front({}) == []


def test_every_method_has_a_colour_of_its_own():
    colours = [colour(name) for name in (*NAMES, "disk", "xfeat")]
    assert len(set(colours)) == len(colours)
    assert colour("my_function") == colour("my_function")


def test_curves_are_drawn_in_the_methods_colours():
    curves = {"aliked-n16": [10, 50, 90], "sift": [20, 30, 40]}
    picture = plot_curves("Title", [Panel("one", "x [px]", "y [%]", [1, 2, 3], curves)])
    assert picture.dtype == np.uint8
    for name in curves:
        drawn = [int(colour(name)[i : i + 2], 16) for i in (1, 3, 5)]
        assert (picture == drawn).all(axis=2).sum() > 20


def test_scatter_draws_a_point_per_method():
    points = {"aliked-t16": (100.0, 60.0), "alike-l": (10.0, 70.0)}
    picture = plot_scatter("Title", [Scatter("FPS", "MMA@3 [%]", points)])
    for name in points:
        drawn = [int(colour(name)[i : i + 2], 16) for i in (1, 3, 5)]
        assert (picture == drawn).all(axis=2).sum() > 20
