"""A short form of `make soak`: every frame is counted, and the next good one works."""

import pytest
from diagnostic_msgs.msg import DiagnosticArray
from soak.frames import soak
from soak.fuzz import MODES, fuzz


@pytest.mark.parametrize("name", MODES)
def test_a_node_lives_on_whatever_it_is_sent_and_its_sum_is_exact(name, processes, probe, tmp_path):
    probe.listen(DiagnosticArray, "/diagnostics")
    more = {"output_dir": tmp_path / "out"} if name == "recorder" else {}
    outcome = fuzz(name, 120, 1, processes, probe, **more)
    assert outcome.faults == []
    assert outcome.sum.received > 8  # the good ones at the end are not all


def test_a_process_that_is_disturbed_all_the_time_counts_every_frame(processes, probe):
    probe.listen(DiagnosticArray, "/diagnostics")
    report = soak(150, 3, processes, probe, disturbed_share=0.15)
    assert report.faults == []
    assert report.states["TRACKING"] > 50
