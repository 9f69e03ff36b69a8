import pytest

pytest.importorskip("rclpy", reason="ROS is not installed: run make install")

import torch

from aliked_ros.nodes.base import machine


def test_memory_is_shown_everywhere_and_that_of_a_gpu_only_with_one(diagnostics):
    machine.show_machine(diagnostics, torch.device("cpu"))
    values = diagnostics.read()[1]
    assert int(values["memory of the process (MB)"]) > 10
    assert "GPU memory (MB)" not in values


def test_the_hottest_zone_counts_and_one_that_is_off_does_not(tmp_path):
    assert machine.hottest_deg_c(tmp_path) is None
    for index, text in enumerate(("41000\n", "55500\n", "")):
        zone = tmp_path / f"thermal_zone{index}"
        zone.mkdir()
        (zone / "temp").write_text(text)
    assert machine.hottest_deg_c(tmp_path) == 55.5
