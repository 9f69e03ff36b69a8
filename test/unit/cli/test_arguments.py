import argparse
from dataclasses import dataclass

import pytest

from aliked_ros.cli.arguments import add_options, config_from
from aliked_ros.config import Config, ExtractorConfig, knob


@dataclass(frozen=True)
class FakeConfig(Config):
    is_fast: bool = knob(True, "whether 100 % speed is wanted")
    range_m: float = knob(2.5, "how far", minimum=0.0)
    mode: str = knob("near", "which one", choices=("near", "far"))


def _parse(*arguments, short=False):
    parser = argparse.ArgumentParser()
    add_options(parser, "fake", FakeConfig, short=short)
    return config_from(parser.parse_args(arguments), "fake", FakeConfig)


def test_without_options_the_defaults_are_those_of_the_config():
    assert _parse() == FakeConfig()


def test_every_type_of_knob_can_be_set():
    config = _parse("--no-fake.is-fast", "--fake.range-m", "4", "--fake.mode", "far")
    assert config == FakeConfig(is_fast=False, range_m=4.0, mode="far")


def test_a_bare_name_works_where_it_is_wanted():
    assert _parse("--range-m", "3", short=True).range_m == 3.0
    assert _parse("--fake.range-m", "3", short=True).range_m == 3.0
    with pytest.raises(SystemExit):
        _parse("--range-m", "3")


def test_single_knobs_can_be_short_or_left_out():
    parser = argparse.ArgumentParser()
    add_options(parser, "fake", FakeConfig, short=("mode",), without=("range_m",))
    assert parser.parse_args(["--mode", "far"]) == argparse.Namespace(**{"fake.mode": "far"})
    for unknown in ("--range-m", "--fake.range-m", "--is-fast"):
        with pytest.raises(SystemExit):
            parser.parse_args([unknown, "3"])


def test_a_bad_value_names_field_and_value():
    with pytest.raises(ValueError, match=r"FakeConfig\.range_m is -1\.0"):
        _parse("--fake.range-m", "-1")


def test_the_help_tells_description_and_default(capsys):
    parser = argparse.ArgumentParser()
    add_options(parser, "extractor", ExtractorConfig, short=True)
    add_options(parser, "fake", FakeConfig)
    with pytest.raises(SystemExit):
        parser.parse_args(["--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "network variant (default: aliked-n16)" in text
    assert "whether 100 % speed is wanted (default: True)" in text
