"""Real-time ALIKED local features and visual odometry for ROS 2."""

from __future__ import annotations

from pkgutil import extend_path
from typing import TYPE_CHECKING, Any

# Python started in the repository finds this folder first; .msg and .srv lie in the overlay only.
__path__ = extend_path(__path__, __name__)

__version__ = "0.1.0"
__all__ = ["Camera", "Extractor", "ExtractorConfig", "Features", "Matches", "__version__"]

if TYPE_CHECKING:
    from aliked_ros.config import ExtractorConfig
    from aliked_ros.extractor import Extractor
    from aliked_ros.structs import Camera, Features, Matches

_HOMES = {
    "Camera": "structs",
    "Extractor": "extractor",
    "ExtractorConfig": "config",
    "Features": "structs",
    "Matches": "structs",
}


def __getattr__(name: str) -> Any:
    # Importing a message (aliked_ros.msg) runs this file too; it must not cost an import of torch.
    if name not in _HOMES:
        raise AttributeError(f"module 'aliked_ros' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"aliked_ros.{_HOMES[name]}"), name)
