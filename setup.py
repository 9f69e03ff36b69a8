"""Installs the ROS-free library with `pip install .`; everything about it is in pyproject.toml."""

from setuptools import setup

setup()
