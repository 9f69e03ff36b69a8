import cv2
import pytest

from aliked_ros.__main__ import main


def test_features_of_a_tree_of_images_have_the_names_that_hloc_gives_them(tmp_path, textured_image):
    h5py = pytest.importorskip("h5py")
    for name in ("a.png", "night/b.jpg"):
        (tmp_path / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / "images" / name), textured_image)
    out = tmp_path / "out"
    words = ["--methods", "sift", "--max-keypoints", "50", "--out", str(out)]
    assert main(["evaluate", "hloc-features", str(tmp_path / "images"), *words]) == 0
    (path,) = out.glob("feats-sift*.h5")
    with h5py.File(path) as file:
        assert sorted(file) == ["a.png", "night"]
        group = file["night/b.jpg"]
        assert group["image_size"][:].tolist() == [128, 96]
        assert group["descriptors"].shape == (128, len(group["keypoints"]))


def test_a_folder_without_images_is_said(tmp_path, capsys):
    words = ["--methods", "sift", "--out", str(tmp_path / "out")]
    assert main(["evaluate", "hloc-features", str(tmp_path), *words]) == 2
    assert f"{tmp_path} holds no images" in capsys.readouterr().err


def test_without_h5py_the_remedy_is_said(tmp_path, textured_image, hide_package, capsys):
    hide_package("h5py")
    cv2.imwrite(str(tmp_path / "a.png"), textured_image)
    words = ["--methods", "sift", "--out", str(tmp_path / "out")]
    assert main(["evaluate", "hloc-features", str(tmp_path), *words]) == 2
    assert 'pip install "aliked_ros[localization]"' in capsys.readouterr().err
