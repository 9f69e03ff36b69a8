from dataclasses import fields

import pytest

from aliked_ros.training.recipe import TrainingConfig


@pytest.mark.parametrize("knob", fields(TrainingConfig), ids=lambda knob: knob.name)
def test_every_knob_is_described_and_refuses_what_is_out_of_its_range(knob):
    limits = knob.metadata
    assert len(limits["description"]) > 3
    outside = [limits["minimum"] - 1] if limits["minimum"] is not None else []
    outside += [limits["maximum"] + 1] if limits["maximum"] is not None else []
    outside += ["nothing of the kind"] if limits["choices"] else []
    for value in outside:
        with pytest.raises(ValueError, match=f"TrainingConfig.{knob.name} is "):
            TrainingConfig(**{knob.name: type(knob.default)(value)})
