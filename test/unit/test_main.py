"""The command line as a whole: what becomes of errors, and the exit code."""

import argparse

import pytest

from aliked_ros import __main__ as command_line
from aliked_ros import __version__
from aliked_ros.extras import MissingPackageError


@pytest.fixture
def run(monkeypatch):
    """Run the program with a command that does what is given."""

    def run(command, *options):
        parsed = argparse.Namespace(
            traceback="--traceback" in options, command="track", run_command=lambda _: command()
        )
        parser = argparse.Namespace(parse_args=lambda _: parsed)
        monkeypatch.setattr(command_line, "_parser", lambda: parser)
        return command_line.main([])

    return run


def failing(error):
    def fail():
        raise error

    return fail


def test_the_exit_code_is_that_of_the_command(run):
    assert run(lambda: 0) == 0
    assert run(lambda: 3) == 3


@pytest.mark.parametrize(
    "error",
    [ValueError("K is\n  wrong"), OSError("K is wrong"), MissingPackageError("K is wrong")],
)
def test_an_error_is_one_line_with_the_name_of_the_command(run, capsys, error):
    assert run(failing(error)) == 2
    assert capsys.readouterr().err == "aliked_ros track: K is wrong\n"


@pytest.mark.parametrize("error", [RuntimeError("a bug"), KeyError("a bug")])
def test_a_bug_keeps_its_traceback(run, error):
    with pytest.raises(type(error), match="a bug"):
        run(failing(error))


def test_a_traceback_can_be_asked_for(run):
    with pytest.raises(ValueError, match="wrong"):
        run(failing(ValueError("wrong")), "--traceback")


def test_ctrl_c_ends_with_the_code_that_shells_expect(run, capsys):
    assert run(failing(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err == ""


def test_the_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit) as ended:
        command_line.main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.strip() == __version__


@pytest.mark.parametrize("kind", [FileExistsError, NotADirectoryError])
def test_a_file_in_the_place_of_a_folder_is_named_with_the_way_out(run, capsys, kind):
    assert run(failing(kind(17, "File exists", "/tmp/out"))) == 2
    assert capsys.readouterr().err == (
        "aliked_ros track: /tmp/out: a file is where a folder is to be made; give another folder\n"
    )


def test_an_error_of_the_system_names_the_file_without_its_number(run, capsys):
    assert run(failing(PermissionError(13, "Permission denied", "/out/a"))) == 2
    assert capsys.readouterr().err == "aliked_ros track: /out/a: Permission denied\n"
