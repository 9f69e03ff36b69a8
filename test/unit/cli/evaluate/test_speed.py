import json

import cv2

from aliked_ros.__main__ import main
from aliked_ros.evaluation.methods import descriptor_stage, timing
from aliked_ros.network.weights import load_network


def test_speed_is_reported_for_every_method_and_number_of_keypoints(
    tmp_path, textured_image, monkeypatch
):
    monkeypatch.setattr(
        descriptor_stage, "load_released", lambda model: load_network(model, "seed:0")[0]
    )
    monkeypatch.setattr(timing, "IMAGE_SIZE", (96, 128))
    cv2.imwrite(str(tmp_path / "image.png"), textured_image)
    out = tmp_path / "out"
    options = ["--out", str(out), "--methods", "sift,orb", "--repeats", "1", "--counts", "20,50"]
    assert main(["evaluate", "speed", str(tmp_path / "image.png"), *options]) == 0
    document = json.loads((out / "speed.json").read_text())
    assert set(document["frames_per_second"]) == {"sift", "orb"}
    for times in document["descriptor_stage_ms"].values():
        assert len(times) == len(document["keypoints"])
        assert min(times) > 0
    text = (out / "speed.md").read_text()
    assert "| dense head takes ... times as long as SDDH, aliked-n16 " in text
    assert (out / "speed_descriptors.png").is_file()
