import cv2
import numpy as np
import pytest

from aliked_ros.evaluation.homography.metrics import warp
from aliked_ros.evaluation.homography.pairs import PairsError, find_pairs

H_1_0 = np.array([[1.1, 0.05, -3.0], [0.02, 0.95, 4.0], [1e-4, 0, 1.0]])


def write_image(path, seed=0, size=(60, 80)):
    coarse = np.random.default_rng(seed).integers(0, 255, (8, 10, 3), np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC))


def write_sequence(folder, image="{}.ppm", homography="H_1_{}", numbers=(2, 3, 10)):
    for number in (1, *numbers):
        write_image(folder / image.format(number), number)
    for number in numbers:
        np.savetxt(folder / homography.format(number), H_1_0)


def test_hpatches_is_read_in_the_order_of_its_numbers(tmp_path):
    write_sequence(tmp_path / "v_wall")
    write_sequence(tmp_path / "i_dome", image="{}.png")
    pairs = find_pairs(tmp_path)
    assert [pair.name for pair in pairs] == [
        "i_dome 1-2", "i_dome 1-3", "i_dome 1-10", "v_wall 1-2", "v_wall 1-3", "v_wall 1-10",
    ]  # fmt: skip
    assert {pair.kind for pair in pairs[:3]} == {"illumination"}
    assert {pair.kind for pair in pairs[3:]} == {"viewpoint"}
    assert np.allclose(pairs[0].H_1_0, H_1_0)


def test_sequences_that_the_protocol_leaves_out_come_on_demand(tmp_path):
    write_sequence(tmp_path / "i_dc")
    write_sequence(tmp_path / "v_wall")
    assert len(find_pairs(tmp_path)) == 3
    assert len(find_pairs(tmp_path, with_large=True)) == 6
    assert len(find_pairs(tmp_path / "i_dc")) == 3  # who names one wants it


def test_oxfords_loose_pairs_are_found_alone_and_in_a_folder(tmp_path):
    write_sequence(tmp_path / "graf", "img{}.ppm", "H1to{}p", (2, 3))
    for root in (tmp_path, tmp_path / "graf"):
        assert [pair.name for pair in find_pairs(root)] == ["graf 1-2", "graf 1-3"]


def test_resized_pair_has_the_resized_homography(tmp_path):
    write_sequence(tmp_path / "graf", "img{}.ppm", "H1to{}p", (2,))
    pair = find_pairs(tmp_path)[0]
    image0, image1, resized = pair.load(40)
    assert image0.shape == image1.shape == (30, 40, 3)
    points = np.array([[10.0, 20.0], [30.0, 5.0]])
    expected = (warp(H_1_0, (points + 0.5) * 2 - 0.5) + 0.5) / 2 - 0.5
    assert np.allclose(warp(resized, points), expected)
    assert pair.load()[0].shape == (60, 80, 3)


def test_photographs_are_warped_by_seeded_homographies(tmp_path):
    for number in range(3):
        write_image(tmp_path / f"{number}.jpg", number)
    first, again, other = (find_pairs(tmp_path, seed=seed) for seed in (1, 1, 2))
    assert [pair.kind for pair in first] == ["synthetic"] * 3
    for one, two, three in zip(first, again, other, strict=True):
        assert np.array_equal(one.H_1_0, two.H_1_0)
        assert not np.allclose(one.H_1_0, three.H_1_0)
        assert np.array_equal(one.load()[1], two.load()[1])
    image0, image1, H = first[0].load()
    # Each pixel of image 1 is a place of image 0 under another light: their orders agree.
    grey0, grey1 = (cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (image0, image1))
    back = cv2.warpPerspective(grey0, H, (80, 60))
    assert np.corrcoef(back.ravel(), grey1.ravel())[0, 1] > 0.95


def test_folder_without_images_says_what_was_looked_for(tmp_path):
    with pytest.raises(PairsError, match=r"HPatches.*Oxford.*photographs"):
        find_pairs(tmp_path)
    with pytest.raises(PairsError, match="not a folder"):
        find_pairs(tmp_path / "nowhere")


def test_missing_image_and_broken_homography_are_named(tmp_path):
    write_sequence(tmp_path / "v_wall")
    (tmp_path / "v_wall" / "3.ppm").unlink()
    with pytest.raises(PairsError, match=r"H_1_3 needs .*3\.ppm"):
        find_pairs(tmp_path)
    write_image(tmp_path / "v_wall" / "3.ppm")
    (tmp_path / "v_wall" / "H_1_3").write_text("1 0 0\n0 1 0\n0 0 x\n")
    with pytest.raises(PairsError, match="H_1_3"):
        find_pairs(tmp_path)
    np.savetxt(tmp_path / "v_wall" / "H_1_3", np.zeros((3, 3)))
    with pytest.raises(PairsError, match="invertible"):
        find_pairs(tmp_path)


def test_a_broken_photograph_does_not_count_towards_the_limit(tmp_path):
    for number in range(4):
        write_image(tmp_path / f"{number}.png", number)
    (tmp_path / "0.png").write_bytes(b"broken")
    assert [pair.name for pair in find_pairs(tmp_path, limit=2)] == ["1", "2"]
