"""What a method of a comparison is: its name, its budget, and how it finds features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from aliked_ros.config import MODELS, MatcherConfig
from aliked_ros.structs import Features, Pixels

Extract = Callable[[Pixels], Features]

# Family, which is the module beside this one that opens it -> its models.
FAMILIES: dict[str, tuple[str, ...]] = {
    "aliked": MODELS,
    "alike": ("alike-t", "alike-s", "alike-n", "alike-l"),
    "opencv": ("sift", "orb"),
    "kornia": ("disk", "xfeat"),
}


class MethodError(ValueError):
    """A method that cannot be run; the text says what to do."""


@dataclass(frozen=True)
class Budget:
    """What every method of a comparison is given.

    Attributes:
        max_keypoints: at most this many per image.
        detection_threshold: of ALIKED and ALIKE, as in the paper; other methods have their own.
        device: as in ExtractorConfig.
    """

    max_keypoints: int = 5000
    detection_threshold: float = 0.2
    device: str = "auto"


@dataclass(frozen=True)
class MethodName:
    """A method as it was asked for: "MODEL", "MODEL:FILE" or "MODULE:FUNCTION".

    Attributes:
        text: all of it.
    """

    text: str

    @property
    def model(self) -> str:
        """What stands before the colon."""
        return self.text.partition(":")[0]

    @property
    def argument(self) -> str:
        """What stands behind the colon."""
        return self.text.partition(":")[2]

    @property
    def label(self) -> str:
        """The name in tables: a file by its own name instead of its path."""
        model, separator, argument = self.text.partition(":")
        return f"{model}{separator}{Path(argument).name}"

    def identity(self, version: str, budget: Budget) -> str:
        """Return a folder name that tells parameters and settings apart."""
        text = f"{self.label}-{version}-{budget.max_keypoints}-{budget.detection_threshold}"
        return "".join(letter if letter.isalnum() or letter in "-._" else "_" for letter in text)


@dataclass(frozen=True)
class Method:
    """A method that is ready to run.

    Attributes:
        name: as in the tables.
        model: the architecture, a key of complexity.py where it is counted.
        identity: a folder name that tells parameters and settings apart.
        extract: image (H, W, 3) RGB uint8 -> features.
        matcher: how the features of two images are paired; nearest neighbours however alike.
    """

    name: str
    model: str
    identity: str
    extract: Extract
    matcher: MatcherConfig = field(default_factory=lambda: MatcherConfig(min_similarity=-1.0))
