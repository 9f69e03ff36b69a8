"""A configuration -> what is trained."""

from __future__ import annotations

from aliked_ros.training.loop.extractor_task import ExtractorTask
from aliked_ros.training.loop.matcher_task import MatcherTask
from aliked_ros.training.loop.task import Task
from aliked_ros.training.matcher_recipe import MatcherTrainingConfig
from aliked_ros.training.pairs.sources import training_pairs, validation_pairs
from aliked_ros.training.recipe import TrainingConfig


def open_task(config: TrainingConfig | MatcherTrainingConfig) -> Task:
    """Return the task of a configuration, with its pairs.

    Raises:
        ValueError: if there are no pairs to learn from, or no weights of the extractor.
    """
    source, validation = training_pairs(config), validation_pairs(config)
    if isinstance(config, MatcherTrainingConfig):
        return MatcherTask(config, source, validation)
    return ExtractorTask(config, source, validation)
