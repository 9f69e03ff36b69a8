"""Bundle adjustment: a window of keyframes and landmarks -> the most likely one."""

from aliked_ros.geometry.bundle.adjustment import adjust_bundle
from aliked_ros.geometry.bundle.problem import BundleProblem, BundleResult

__all__ = ["BundleProblem", "BundleResult", "adjust_bundle"]
