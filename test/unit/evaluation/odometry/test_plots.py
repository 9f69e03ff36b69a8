import numpy as np

from aliked_ros.evaluation.odometry.plots import plot_bars, plot_paths
from aliked_ros.evaluation.odometry.table import NAMES, Row, Spread

BLUE, RED, GREEN = [31, 111, 235], [209, 73, 91], [42, 157, 74]


def row(feature, sensor="stereo", **figures):
    names = {"sequence": "lane", "sensor": sensor, "disturbance": "none", "configuration": ""}
    empty = dict.fromkeys(("ate_with_scale_m", "rpe_m", "lost_frames"))
    spreads = {key: Spread(value, value, value, 1) for key, value in figures.items()}
    return Row(tuple((names | {"method": feature})[name] for name in NAMES), empty | spreads)


def num_pixels(picture, colour):
    return (np.abs(picture.astype(int) - colour).sum(axis=2) < 10).sum()


def test_bars_show_each_feature_in_its_colour():
    figures = {"ate_with_scale_m": 0.05, "rpe_m": 0.02, "lost_frames": 1.0}
    picture = plot_bars(
        [row("sift", **figures), row("orb", **figures), row("aliked-n16", "mono", **figures)]
    )
    assert picture.dtype == np.uint8
    for colour in (BLUE, RED, GREEN):
        assert num_pixels(picture, colour) > 100


def test_a_longer_bar_is_a_larger_figure():
    picture = plot_bars([row("sift", rpe_m=0.01), row("orb", rpe_m=0.04)])
    assert num_pixels(picture, RED) > 2 * num_pixels(picture, BLUE)


def test_without_figures_there_are_no_bars():
    assert plot_bars([row("sift")]) is None


def test_paths_are_drawn_over_the_truth():
    truth_m = np.column_stack([np.linspace(0, 10, 50), np.zeros(50), np.linspace(0, 5, 50) ** 2])
    picture = plot_paths("lane", truth_m, {"sift": truth_m + 0.5})
    assert num_pixels(picture, BLUE) > 100
