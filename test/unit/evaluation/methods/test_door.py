import re
from importlib import import_module

import pytest

from aliked_ros.evaluation.methods.door import open_method
from aliked_ros.evaluation.methods.method import FAMILIES, Budget, MethodError


def test_seeded_aliked_and_opencv_run_by_name(textured_image):
    budget = Budget(50, 0.0, "cpu")
    for spec in ("aliked-t16:seed:0", "sift", "orb"):
        features = open_method(spec, budget).extract(textured_image)
        assert 0 < len(features) <= 50


def test_identity_tells_settings_apart_and_is_a_file_name():
    identities = {
        open_method(spec, Budget(count, threshold, "cpu")).identity
        for spec in ("aliked-t16:seed:0", "aliked-t16:seed:1", "sift")
        for count in (100, 200)
        for threshold in (0.1, 0.2)
    }
    assert len(identities) == 12
    assert all(re.fullmatch(r"[\w.-]+", identity) for identity in identities)


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("superpoint", "aliked-t16"),
        ("disk", "disk:FILE"),
        ("xfeat:nowhere.pt", "checkpoint"),
        ("alike-n:nowhere.pth", "nowhere.pth"),
        ("no_such_module:function", "no_such_module"),
        ("aliked_ros.matching:no_such_function", "no_such_function"),
        ("nowhere.py:function", "nowhere.py"),
    ],
)
def test_what_is_missing_is_named(spec, reason):
    with pytest.raises(MethodError, match=reason):
        open_method(spec, Budget())


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_has_a_module_that_opens_it(family):
    assert callable(import_module(f"aliked_ros.evaluation.methods.{family}").open_by_name)
