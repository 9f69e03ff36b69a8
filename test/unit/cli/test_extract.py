import cv2
import numpy as np
import pytest

from aliked_ros.__main__ import main

NETWORK = ["--model", "aliked-t16", "--weights", "seed:0", "--max-keypoints", "20"]


@pytest.fixture
def photo(tmp_path, textured_image):
    path = tmp_path / "photo.png"
    cv2.imwrite(str(path), textured_image)
    return path


def test_features_and_a_picture_are_written(photo, tmp_path):
    assert main(["extract", str(photo), "--out", str(tmp_path / "out"), *NETWORK]) == 0
    written = np.load(tmp_path / "out" / "npz" / "photo.npz")
    assert written["keypoints"].shape == (20, 2)
    assert written["descriptors"].shape == (20, 64)
    assert written["scores"].shape == written["dispersity"].shape == (20,)
    assert written["image_size"].tolist() == [96, 128]
    assert str(written["model"]) == "aliked-t16"
    picture = cv2.imread(str(tmp_path / "out" / "pictures" / "photo.png"))
    assert picture.shape == (96, 128, 3)


def test_a_folder_stands_for_its_images(photo, tmp_path):
    cv2.imwrite(str(tmp_path / "other.png"), np.zeros((32, 32), np.uint8))
    assert main(["extract", str(tmp_path), "--out", str(tmp_path / "out"), *NETWORK]) == 0
    names = {path.stem for path in (tmp_path / "out" / "npz").iterdir()}
    assert names == {"photo", "other"}
    assert len(np.load(tmp_path / "out" / "npz" / "other.npz")["keypoints"]) == 0


def test_images_of_the_same_name_do_not_overwrite_each_other(photo, tmp_path):
    (tmp_path / "more").mkdir()
    twin = tmp_path / "more" / "photo.png"
    twin.write_bytes(photo.read_bytes())
    arguments = ["extract", str(photo), str(twin), "--out", str(tmp_path / "out"), *NETWORK]
    assert main(arguments) == 0
    assert len(list((tmp_path / "out" / "npz").iterdir())) == 2


def test_a_broken_image_is_reported_and_the_others_are_done(photo, tmp_path, capsys):
    (tmp_path / "broken.png").write_bytes(b"no image")
    arguments = ["extract", str(tmp_path / "broken.png"), str(photo), "--out", str(tmp_path / "o")]
    assert main([*arguments, *NETWORK]) == 2
    assert "broken.png" in capsys.readouterr().err
    assert (tmp_path / "o" / "npz" / "photo.npz").is_file()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["nowhere.png"], "nowhere.png: no such image"),
        (["PHOTO", "--max-keypoints", "0"], "max_keypoints is 0"),
        (["PHOTO", "--weights", "nowhere.pth"], "nowhere.pth"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_code_2(
    photo, tmp_path, capsys, arguments, reason
):
    given = [str(photo) if argument == "PHOTO" else argument for argument in arguments]
    assert main(["extract", *NETWORK, "--out", str(tmp_path / "o"), *given]) == 2
    error = capsys.readouterr().err
    assert reason in error
    assert error.strip().count("\n") == 0


def test_on_request_an_error_shows_where_it_arose(tmp_path):
    with pytest.raises(FileNotFoundError):
        main(["--traceback", "extract", "nowhere.png", "--out", str(tmp_path), *NETWORK])


def test_images_without_keypoints_are_named_and_tell_the_exit_code(tmp_path, capsys):
    cv2.imwrite(str(tmp_path / "dark.png"), np.full((40, 50), 700, np.uint16))
    assert main(["extract", str(tmp_path), "--out", str(tmp_path / "out"), *NETWORK]) == 1
    assert "no keypoint in 1 images: dark.png (values 700 to 764)" in capsys.readouterr().err


def test_images_of_10_bits_have_keypoints(tmp_path, textured_image):
    cv2.imwrite(str(tmp_path / "a.png"), textured_image[:, :, 0].astype(np.uint16) * 4)
    arguments = ["extract", str(tmp_path), "--out", str(tmp_path / "out"), *NETWORK]
    assert main(arguments) == 0
    assert len(np.load(tmp_path / "out" / "npz" / "a.npz")["keypoints"]) == 20


def test_images_larger_than_allowed_are_not_decoded(photo, tmp_path, capsys):
    arguments = ["extract", str(photo), "--out", str(tmp_path / "out"), *NETWORK]
    assert main([*arguments, "--max-megapixels", "0.01"]) == 2
    assert "photo.png: image is 128x96, 0.0 megapixels, max_megapixels is 0.01" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize("setting", ["bright", "9 3", "1"])
def test_a_grey_range_that_is_none_is_named(photo, tmp_path, capsys, setting):
    arguments = ["extract", str(photo), "--out", str(tmp_path / "out"), *NETWORK]
    assert main([*arguments, "--grey-range", setting]) == 2
    assert f"grey_range is {setting!r}" in capsys.readouterr().err
