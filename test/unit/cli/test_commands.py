import pytest

from aliked_ros.__main__ import COMMANDS, main
from aliked_ros.cli.commands import find_command
from aliked_ros.cli.evaluate import SUBCOMMANDS

ALL = [("aliked_ros.cli", name) for name in COMMANDS]
ALL += [("aliked_ros.cli.evaluate", name) for name in SUBCOMMANDS]


@pytest.mark.parametrize(("package", "name"), ALL)
def test_every_command_is_a_module_that_describes_itself(package, name, capsys):
    module = find_command(package, name)
    words = [name] if package == "aliked_ros.cli" else ["evaluate", name]
    with pytest.raises(SystemExit) as stop:
        main([*words, "--help"])
    assert stop.value.code == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert module.DESCRIPTION in printed


def test_an_unknown_command_lists_the_known_ones(capsys):
    with pytest.raises(SystemExit):
        main(["fly"])
    error = capsys.readouterr().err
    assert all(name in error for name in COMMANDS)
