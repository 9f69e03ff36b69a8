"""Knobs of the trainings: each is described and refuses what cannot be meant."""

from dataclasses import fields

import pytest

from aliked_ros.training.matcher_recipe import MatcherTrainingConfig
from aliked_ros.training.recipe import TrainingConfig

KNOBS = [(kind, knob) for kind in (TrainingConfig, MatcherTrainingConfig) for knob in fields(kind)]


@pytest.mark.parametrize(
    ("kind", "knob"), KNOBS, ids=[f"{kind.__name__}.{knob.name}" for kind, knob in KNOBS]
)
def test_every_knob_is_described_and_refuses_what_is_out_of_its_range(kind, knob):
    limits = knob.metadata
    assert len(limits["description"]) > 3
    outside = [limits["minimum"] - 1] if limits["minimum"] is not None else []
    outside += [limits["maximum"] + 1] if limits["maximum"] is not None else []
    outside += ["nothing of the kind"] if limits["choices"] else []
    for value in outside:
        with pytest.raises(ValueError, match=f"{kind.__name__}.{knob.name} is "):
            kind(**{knob.name: type(knob.default)(value)})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"width": 100}, "width is 100: must be a multiple of 64"),
        ({"min_error_px": 2.0}, "min_error_px is 2.0: must be at least max_error_px, 3.0"),
    ],
)
def test_settings_of_a_matcher_that_do_not_fit_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        MatcherTrainingConfig(**settings)
