"""Builds the kernels of `pip install .`; all else about it is in pyproject.toml."""

import platform
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

# As in CMakeLists.txt: one build per instruction set, of which aliked_ros/native.py picks one.
BUILDS = {"x86_64": ["x86-64-v3", "x86-64-v4"]}.get(platform.machine(), [platform.machine()])
FLAGS = Path("src/compile_flags.txt").read_text().split()


def kernels(build: str) -> Extension:
    """Return a build of the kernels, left out where it cannot be compiled."""
    march = [f"-march={build}"] if platform.machine() == "x86_64" else []
    return Extension(
        f"aliked_ros.lib.libaliked_kernels_{build}",
        sorted(str(path) for path in Path("src").glob("*.cpp")),
        depends=sorted(str(path) for path in Path("src").glob("*.hpp")),
        extra_compile_args=[*FLAGS, *march],
        extra_link_args=["-pthread"],
        language="c++",
        optional=True,
    )


class BuildKernels(build_ext):
    """Names the libraries as CMake does: they know nothing of Python. Builds them side by side."""

    def finalize_options(self) -> None:
        """Take every core unless told otherwise."""
        super().finalize_options()
        self.parallel = self.parallel or True

    def get_ext_filename(self, fullname: str) -> str:
        """Return the path of a library in the wheel."""
        return fullname.replace(".", "/") + ".so"


class BuildWheel(bdist_wheel):
    """Makes one wheel for all versions of Python."""

    def get_tag(self) -> tuple[str, str, str]:
        """Return the names of Python, ABI and platform."""
        return "py3", "none", super().get_tag()[2]


setup(
    ext_modules=[kernels(build) for build in BUILDS],
    cmdclass={"build_ext": BuildKernels, "bdist_wheel": BuildWheel},
)
