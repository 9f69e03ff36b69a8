import numpy as np
import torch

from aliked_ros import Extractor, ExtractorConfig
from aliked_ros.spreading import spread
from aliked_ros.structs import Features

SIZE = (480, 640)


def features_at(places):
    """Return features at places (N, 2), best first, that name themselves by their descriptor."""
    keypoints = torch.tensor(places, dtype=torch.float32)
    num = len(keypoints)
    scores = torch.linspace(1, 0.1, num)
    return Features(keypoints, scores, torch.zeros(num), torch.arange(num)[:, None].float(), SIZE)


def numbers(features):
    return features.descriptors[:, 0].long().tolist()


def test_each_cell_gives_its_best_before_any_gives_its_second():
    crowd = [(5 + index, 5) for index in range(10)]  # one cell of 40 px
    found = spread(features_at([*crowd, (300, 300), (600, 10)]), 4)
    assert numbers(found) == [0, 1, 10, 11]


def test_the_order_stays_best_first():
    generator = np.random.default_rng(0)
    given = features_at(generator.uniform((0, 0), (640, 480), (500, 2)))
    kept = numbers(spread(given, 123))
    assert len(kept) == 123
    assert kept == sorted(kept)


def test_few_features_stay_as_they_are():
    given = features_at([(1, 1), (2, 2)])
    assert spread(given, 2) is given
    assert numbers(spread(features_at([(1, 1), (2, 2), (3, 3)]), 0)) == []
    assert len(spread(features_at(np.zeros((0, 2))), 5)) == 0


def test_more_of_the_image_is_covered():
    generator = np.random.default_rng(1)
    crowd = generator.normal((100, 100), 15, (400, 2))
    rest = generator.uniform((0, 0), (640, 480), (400, 2))
    given = features_at(np.vstack([crowd, rest]))
    best, all_over = given.select(torch.arange(200)), spread(given, 200)
    assert all_over.keypoints.std(dim=0).min() > 5 * best.keypoints.std(dim=0).max()


def test_the_extractor_keeps_so_many_that_lie_all_over_the_image(textured_image):
    config = ExtractorConfig(
        model="aliked-t16", weights="package", max_keypoints=50, detection_threshold=0.01
    )
    extractor = Extractor(config)
    best = extractor(textured_image)
    extractor.reconfigure(ExtractorConfig(**{**vars(config), "spread_from": 400}))
    found = extractor(textured_image)
    extractor.reconfigure(ExtractorConfig(**{**vars(config), "max_keypoints": 400}))
    expected = spread(extractor(textured_image), 50)
    assert len(found) == len(best) == 50
    assert torch.equal(found.keypoints, expected.keypoints)
    assert not torch.equal(found.keypoints, best.keypoints)
