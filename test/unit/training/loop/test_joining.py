"""Two processes under torchrun train as one."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from training_world import ALONE, tiny, tiny_source, tiny_task, write_photographs

from aliked_ros.training.loop.joining import join
from aliked_ros.training.loop.stepper import Stepper
from aliked_ros.training.loop.trainer import LAST
from aliked_ros.training.pairs.loading import batches

TIMEOUT_S = 240
TEST_FOLDER = Path(__file__).parents[3]

# What each process does: a whole run, and one that stops after a step and resumes.
RUN = """
import sys
from dataclasses import replace
from pathlib import Path

import torch
from training_world import tiny, tiny_source, tiny_task

from aliked_ros.training.loop.joining import join
from aliked_ros.training.loop.trainer import Trainer

folder = Path(sys.argv[1])
config = tiny(folder / "whole", num_steps=3, accumulate=2, max_gradient_norm=0.0, save_every=1)
source = tiny_source(folder / "photographs")


class Stop(Exception):
    pass


def trainer(config):
    made = Trainer(tiny_task(config, source), processes, lambda: 0.0)
    plain = made.stepper.advance

    def advance(given):
        if made.stepper.step == stop_before:
            raise Stop
        terms = plain(given)
        if made.stepper.step == 1:
            parameters = made.stepper.network.named_parameters()
            first.update({name: p.grad.clone() for name, p in parameters})
        return terms

    made.stepper.advance = advance
    return made


with join("cpu") as processes:
    first, stop_before = {}, -1
    whole = trainer(config)
    whole.run()
    stop_before, halves = 1, replace(config, out=str(folder / "halves"))
    try:
        trainer(halves).run()
    except Stop:
        stop_before = -1
    second = trainer(halves)
    assert second.stepper.step == 1
    second.run()
    parameters = [
        {name: p.detach() for name, p in each.stepper.network.named_parameters()}
        for each in (whole, second)
    ]
    torch.save(
        {"count": processes.count, "first": first, "whole": parameters[0], "halves": parameters[1]},
        folder / f"rank{processes.rank}.pt",
    )
"""


def _torchrun(script: Path, folder: Path) -> None:
    """Run two processes; they end with the test, whatever happens."""
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
        str(script), str(folder),
    ]  # fmt: skip
    path = os.pathsep.join([str(TEST_FOLDER), str(TEST_FOLDER.parent), *sys.path])
    environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        output, _ = process.communicate(timeout=TIMEOUT_S)
    finally:
        if process.poll() is None:
            _end(process)
    assert process.returncode == 0, output


def _end(process: subprocess.Popen) -> None:
    process.terminate()  # torchrun ends its processes, which have sessions of their own
    try:
        process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    if not torch.distributed.is_available() or not torch.distributed.is_gloo_available():
        pytest.skip("this torch was built without gloo, which lets processes on CPUs train")
    folder = tmp_path_factory.mktemp("two_processes")
    write_photographs(folder / "photographs")
    script = folder / "run.py"
    script.write_text(RUN)
    _torchrun(script, folder)
    return folder


@pytest.fixture(scope="module")
def ranks(folder):
    found = [torch.load(folder / f"rank{rank}.pt", weights_only=True) for rank in (0, 1)]
    assert [each["count"] for each in found] == [2, 2]
    return found


def test_both_processes_end_with_the_same_parameters(ranks):
    for name, value in ranks[0]["whole"].items():
        assert torch.equal(value, ranks[1]["whole"][name])


@pytest.fixture
def one_thread():
    """Round sums as the processes do, which torchrun gives one thread each."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_the_first_gradient_is_the_mean_over_the_batches_of_both_processes(
    folder, ranks, one_thread
):
    # Normalisation looks at one batch at a time, so one process that accumulates the same four
    # batches has the same gradient. It is the first step: running statistics play no part.
    config = tiny(folder / "alone", num_steps=3, accumulate=4, max_gradient_norm=0.0)
    stepper = Stepper(tiny_task(config), ALONE)
    source = tiny_source(folder / "photographs")
    four = list(batches(source, range(4), config.batch_pairs, config.num_random, config.seed, 0))
    stepper.advance(four)
    for name, parameter in stepper.network.named_parameters():
        assert torch.equal(ranks[0]["first"][name], ranks[1]["first"][name])
        scale = float(parameter.grad.abs().max())
        assert scale > 0
        torch.testing.assert_close(
            ranks[0]["first"][name], parameter.grad, rtol=1e-4, atol=1e-5 * scale
        )
    # The processes had batches of their own: with two of the four it is another gradient.
    half = Stepper(tiny_task(replace(config, accumulate=2)), ALONE)
    half.advance(four[::2])
    name = "conv1.weight"
    parameters = dict(half.network.named_parameters())
    assert not torch.allclose(ranks[0]["first"][name], parameters[name].grad, rtol=1e-2)


def test_two_processes_go_on_to_the_same_bits(folder, ranks):
    for name, value in ranks[0]["whole"].items():
        assert torch.equal(value, ranks[0]["halves"][name])
    states = [
        torch.load(folder / out / LAST, weights_only=True)["state"] for out in ("whole", "halves")
    ]
    for part in ("network", "average"):
        for name, value in states[0][part].items():
            assert torch.equal(value, states[1][part][name])


def test_one_set_of_files_is_written(folder, ranks):
    for out in ("whole", "halves"):
        names = [file.name for file in (folder / out).iterdir()]
        plain = sorted(name for name in names if not name.startswith("events"))
        assert plain == ["best.pth", "last.pt", "metrics.jsonl"]
        lines = (folder / out / "metrics.jsonl").read_text().splitlines()
        assert len(lines) == 3
    assert len(list((folder / "whole").glob("events*"))) <= 1


def test_without_torchrun_a_process_is_alone(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with join("cpu") as processes:
        assert (processes.rank, processes.count, processes.is_first) == (0, 1, True)
        module = torch.nn.Linear(1, 1)
        assert processes.wrap(module) is module
