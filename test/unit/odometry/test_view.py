from dataclasses import replace

import numpy as np
import torch
from point_world import CAMERA, room

from aliked_ros.odometry.view import make_view


def spread_of(scores, dispersity):
    features, depths_m = room(count=300).see(np.eye(4))
    num = len(depths_m)
    features = replace(
        features, scores=torch.full((num,), scores), dispersity=torch.full((num,), dispersity)
    )
    view = make_view(0, features, CAMERA, depths_m, 1e-3)
    index = np.arange(num)
    assert (view.sightings(index).spread == view.spread).all()
    return float(view.spread[0])


def test_a_keypoint_with_a_high_score_is_located_better():
    assert spread_of(0.9, 0.1) < 0.5 * spread_of(0.2, 0.1)
    assert abs(spread_of(2 / 3, 0.1) - 1) < 0.01


def test_scores_of_a_detector_without_dispersity_say_nothing():
    assert spread_of(0.9, 0.0) == spread_of(0.01, 0.0) == 1.0
