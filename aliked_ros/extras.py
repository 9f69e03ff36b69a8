"""Packages that only some features need, and what to say where one is missing."""

from __future__ import annotations

from importlib import import_module


class MissingPackageError(RuntimeError):
    """A package is not installed; the text names the feature, the package and the command."""


def require(package: str, *, extra: str, feature: str) -> None:
    """Make sure that a package can be imported, before the work that needs it begins.

    Args:
        package: what is imported.
        extra: group of optional dependencies in pyproject.toml that installs it.
        feature: what needs it, at the beginning of the sentence.

    Raises:
        MissingPackageError: in one sentence, with the command that helps.
    """
    try:
        import_module(package)
    except ImportError as error:
        raise MissingPackageError(
            f'{feature} needs {package} ({error}): pip install "aliked_ros[{extra}]"'
        ) from error
