"""Which variable names the profile of Fast DDS: it changed from version 2 to 3."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

_NEW, _OLD = "FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE"


def profile_variable(environment: Mapping[str, str] = os.environ) -> str:
    """Return the name that the Fast DDS of this environment reads: Jazzy has 2, Kilted 3.

    Version 3 reads both, and loads neither where both are set.
    """
    prefixes = environment.get("AMENT_PREFIX_PATH", "").split(os.pathsep)
    has_new = any((Path(prefix) / "share" / "fastdds").is_dir() for prefix in prefixes if prefix)
    return _NEW if has_new else _OLD


def has_profile(environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether the user chose a profile that the Fast DDS of this environment reads."""
    return profile_variable(environment) in environment or (
        profile_variable(environment) == _NEW and _OLD in environment
    )
