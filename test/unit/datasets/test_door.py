import pytest

from aliked_ros.datasets import LAYOUTS, open_sequence
from aliked_ros.datasets.door import find_reader
from aliked_ros.datasets.sequence import DatasetError


def test_a_path_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(DatasetError, match="nowhere does not exist"):
        open_sequence(tmp_path / "nowhere")


def test_an_unknown_layout_lists_the_known_ones(tmp_path):
    with pytest.raises(DatasetError, match=r"layout is 'odd'.*kitti.*tum.*euroc") as error:
        open_sequence(tmp_path, layout="odd")
    assert all(layout in str(error.value) for layout in LAYOUTS)


def test_a_given_layout_is_the_only_one_that_is_tried(tmp_path, save_image):
    save_image(tmp_path / "a.png")
    assert open_sequence(tmp_path, layout="images").layout == "images"
    with pytest.raises(DatasetError, match="KITTI") as error:
        open_sequence(tmp_path, layout="kitti")
    assert "EuRoC" not in str(error.value)


def test_a_special_layout_is_not_taken_for_an_image_folder(tmp_path, save_image):
    save_image(tmp_path / "rgb" / "1.0.png")
    assert open_sequence(tmp_path).layout == "images"
    (tmp_path / "rgb.txt").write_text("1.0 rgb/1.0.png\n")
    assert open_sequence(tmp_path).layout == "tum"


def test_a_folder_of_sequences_names_them(tmp_path, save_image):
    save_image(tmp_path / "walk" / "a.png")
    with pytest.raises(DatasetError, match="Sequences lie inside it: walk"):
        open_sequence(tmp_path)


def test_a_file_of_another_kind_is_no_sequence(tmp_path):
    (tmp_path / "a.txt").write_text("")
    with pytest.raises(DatasetError, match=r"a\.txt is not a sequence"):
        open_sequence(tmp_path / "a.txt")


def test_the_rendered_room_has_a_name_and_a_seed():
    with pytest.raises(DatasetError, match="synthetic:SEED"):
        open_sequence("synthetic:blue")
    assert open_sequence("synthetic:2").name == "room2"
    assert open_sequence("synthetic:2:noisy").name == "room2-noisy"
    with pytest.raises(DatasetError, match="synthetic:SEED:noisy"):
        open_sequence("synthetic:2:dusty")


def test_the_working_directory_has_its_own_name(tmp_path, save_image, monkeypatch):
    (tmp_path / "walk").mkdir()
    save_image(tmp_path / "walk" / "rgb" / "1.0.png")
    (tmp_path / "walk" / "rgb.txt").write_text("1.0 rgb/1.0.png\n")
    monkeypatch.chdir(tmp_path / "walk")
    assert open_sequence(".").name == "walk"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_reader_of_a_layout_carries_its_name_and_says_what_it_looks_for(layout):
    reader = find_reader(layout)
    assert reader.layout == layout
    assert reader.looks_for
