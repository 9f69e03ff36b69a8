import cv2
import numpy as np
import torch
from lightglue_world import random_state

from aliked_ros.__main__ import main

NETWORK = ["--model", "aliked-t16", "--weights", "seed:0", "--max-keypoints", "50"]


def test_an_image_matches_itself_and_the_picture_shows_both(tmp_path, textured_image):
    photo = str(tmp_path / "photo.png")
    cv2.imwrite(photo, textured_image)
    assert main(["match", photo, photo, "--out", str(tmp_path / "out"), *NETWORK]) == 0
    written = np.load(tmp_path / "out" / "matches.npz")
    assert len(written["indices"]) > 40
    np.testing.assert_array_equal(written["indices"][:, 0], written["indices"][:, 1])
    np.testing.assert_array_equal(written["keypoints0"], written["keypoints1"])
    np.testing.assert_allclose(written["similarities"], 1.0, atol=1e-5)
    picture = cv2.imread(str(tmp_path / "out" / "matches.png"))
    assert picture.shape[0] == 96
    assert picture.shape[1] > 256


def test_images_without_matches_give_an_empty_result_and_exit_code_1(tmp_path):
    photo = str(tmp_path / "blank.png")
    cv2.imwrite(photo, np.zeros((48, 64), np.uint8))
    assert main(["match", photo, photo, "--out", str(tmp_path / "out"), *NETWORK]) == 1
    assert np.load(tmp_path / "out" / "matches.npz")["indices"].shape == (0, 2)


def test_a_missing_image_is_one_line_and_exit_code_2(tmp_path, capsys):
    assert main(["match", "a.png", "b.png", "--out", str(tmp_path), *NETWORK]) == 2
    assert "a.png" in capsys.readouterr().err


def test_lightglue_is_a_matcher_of_the_command(tmp_path, textured_image):
    photo, weights = str(tmp_path / "photo.png"), str(tmp_path / "own.pth")
    cv2.imwrite(photo, textured_image)
    torch.save(random_state(1), weights)
    network = ["--model", "aliked-n16", "--weights", "seed:0", "--max-keypoints", "50"]
    matcher = ["--matcher", "lightglue", "--matcher.weights", weights]
    out = tmp_path / "out"
    assert main(["match", photo, photo, "--out", str(out), *network, *matcher]) == 0
    written = np.load(out / "matches.npz")
    assert len(written["indices"]) > 10
    np.testing.assert_array_equal(written["indices"][:, 0], written["indices"][:, 1])


def test_lightglue_refuses_short_descriptors_in_one_line(tmp_path, textured_image, capsys):
    photo = str(tmp_path / "photo.png")
    cv2.imwrite(photo, textured_image)
    arguments = ["--out", str(tmp_path), *NETWORK, "--matcher", "lightglue"]
    assert main(["match", photo, photo, *arguments]) == 2
    assert "set the extractor's model to aliked-n16" in capsys.readouterr().err
