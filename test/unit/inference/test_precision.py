"""TF32 is off inside, whichever of torch's interfaces somebody used, and as it was behind."""

from __future__ import annotations

import threading

import pytest
import torch

from aliked_ros.inference.precision import exact_float32

CUDA = torch.device("cuda")
NEW = hasattr(torch._C, "_get_fp32_precision_getter")


def settings():
    if not NEW:
        return torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision()
    get = torch._C._get_fp32_precision_getter
    operations = (("cuda", "conv"), ("cuda", "rnn"), ("cuda", "matmul"), ("mkldnn", "matmul"))
    return [get(*operation) for operation in operations], old_precision_of_products()


def old_precision_of_products():
    """What the old interface says; it does not answer where the new one was used."""
    try:
        return torch.get_float32_matmul_precision()
    except RuntimeError:
        return "no answer"


def use_the_old_interface():
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.cuda.matmul.allow_tf32 = True


def use_the_precision_of_products():
    torch.set_float32_matmul_precision("high")


def use_the_new_interface():
    torch.backends.cudnn.conv.fp32_precision = "tf32"
    torch.backends.cudnn.rnn.fp32_precision = "ieee"
    torch.backends.cuda.matmul.fp32_precision = "tf32"


def use_the_switch_for_everything():
    torch.backends.fp32_precision = "tf32"


@pytest.fixture(autouse=True)
def _put_back():
    if not NEW:
        yield
        return
    names = (("generic", "all"), ("cuda", "all"), ("cuda", "conv"), ("cuda", "rnn"),
             ("cuda", "matmul"), ("mkldnn", "all"), ("mkldnn", "conv"), ("mkldnn", "rnn"),
             ("mkldnn", "matmul"))  # fmt: skip
    before = [torch._C._get_fp32_precision_getter(*name) for name in names]
    yield
    torch.set_float32_matmul_precision("highest")
    for name, value in zip(names, before, strict=True):
        torch._C._set_fp32_precision_setter(*name, value)


@pytest.mark.parametrize(
    "somebody",
    [
        lambda: None,
        use_the_old_interface,
        use_the_precision_of_products,
        pytest.param(use_the_new_interface, marks=pytest.mark.skipif(not NEW, reason="old torch")),
        pytest.param(
            use_the_switch_for_everything, marks=pytest.mark.skipif(not NEW, reason="old torch")
        ),
    ],
)
def test_products_are_exact_inside_and_as_they_were_behind(somebody):
    somebody()
    before = settings()
    with exact_float32(CUDA):
        # torch asks the old interface in each matrix product, and stops if the new one differs.
        assert torch.backends.cuda.matmul.allow_tf32 is False
        if NEW:
            assert torch._C._get_fp32_precision_getter("cuda", "conv") == "ieee"
    assert settings() == before


def test_the_last_one_out_puts_it_back():
    torch.set_float32_matmul_precision("high")
    before = settings()
    entered, leave = threading.Event(), threading.Event()

    def other():
        with exact_float32(CUDA):
            entered.set()
            leave.wait(20)

    thread = threading.Thread(target=other)
    with exact_float32(CUDA):
        thread.start()
        assert entered.wait(20)
    assert torch.backends.cuda.matmul.allow_tf32 is False  # the other one is still inside
    leave.set()
    thread.join()
    assert settings() == before


def test_a_cpu_is_left_alone():
    torch.set_float32_matmul_precision("high")
    before = settings()
    with exact_float32(torch.device("cpu")):
        assert settings() == before
