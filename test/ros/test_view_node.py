"""The node that shows: with a stand-in for rerun, and in a real browser where there is one."""

import cv2
from browser import Browser
from fake_rerun import install, logged
from pipeline_runs import NUM_FRAMES
from view_world import address_in, require_browser, shows_image_and_map, wait_for_picture


def play(processes, probe, network_parameters, folder):
    processes.start("composed_node", **network_parameters, odometry__sensor="rgbd",
                    camera_transform="optical")  # fmt: skip
    processes.start("player_node", dataset=folder, sensor="rgbd", rate=0.0, num_subscribers=2)
    assert processes.wait("player_node", 120.0) == 0, processes.log("player_node")


def test_everything_that_the_pipeline_publishes_is_shown(
    processes, probe, network_parameters, tum_folder, tmp_path
):
    processes.environment["ALIKED_VIEW_PYTHON"] = str(install(tmp_path))
    file = tmp_path / "run.rrd"
    processes.start("view_node", page=False, file=file)
    play(processes, probe, network_parameters, tum_folder)
    wanted = {"image", "image/keypoints", "world/body", "world/path", "world/landmarks",
              "world/keyframes", "plots/counts/inliers", "state"}  # fmt: skip
    probe.wait_until(lambda: wanted <= set(logged(tmp_path)), wanted)
    assert processes.interrupt("view_node") == 0
    assert NUM_FRAMES // 2 < logged(tmp_path).count("world/body") <= NUM_FRAMES
    assert file.exists()


def test_a_view_without_rerun_says_what_to_do(processes):
    processes.environment["ALIKED_VIEW_PYTHON"] = "/nowhere/python"
    processes.start("view_node")
    assert processes.wait("view_node") == 1
    assert "cannot be run" in processes.log("view_node")
    assert 'pip install "aliked_ros[view]"' in processes.log("view_node")


def test_a_browser_shows_image_and_map(processes, probe, network_parameters, tum_folder, tmp_path):
    require_browser()
    processes.start("view_node")
    play(processes, probe, network_parameters, tum_folder)
    address = address_in(processes.log("view_node"))
    with Browser(tmp_path, address) as browser:
        picture = wait_for_picture(browser, shows_image_and_map)
    cv2.imwrite(str(tmp_path / "page.png"), picture)
    assert shows_image_and_map(picture), tmp_path / "page.png"
    assert processes.interrupt("view_node") == 0
