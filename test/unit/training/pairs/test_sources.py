"""What the settings of a training turn into."""

import numpy as np
import pytest
from training_world import write_photographs

from aliked_ros.training.pairs import sources
from aliked_ros.training.pairs.depth_warp import DepthWarp
from aliked_ros.training.pairs.sources import training_pairs, validation_pairs, validation_source
from aliked_ros.training.pairs.warps import HomographyWarp
from aliked_ros.training.recipe import TrainingConfig


def _config(**settings) -> TrainingConfig:
    return TrainingConfig(size_px=64, **settings)


@pytest.fixture
def small_room(monkeypatch):
    """Rooms of a few small frames."""
    whole = sources.SyntheticRoom
    monkeypatch.setattr(
        sources, "SyntheticRoom", lambda seed, **_: whole(seed, 96, 72, num_frames=4, rate_hz=5.0)
    )


def test_no_source_at_all_is_an_error_that_names_the_settings():
    with pytest.raises(ValueError, match="photographs, sequences and megadepth are all empty"):
        training_pairs(_config())


def test_rooms_and_photographs_are_mixed_by_their_share(tmp_path, small_room):
    write_photographs(tmp_path / "photographs")
    source = training_pairs(
        _config(
            photographs=str(tmp_path / "photographs"),
            sequences="synthetic:3",
            max_frames_apart=1,
            depth_share=0.25,
            out=str(tmp_path / "out"),
        )
    )
    random = np.random.default_rng(0)
    kinds = [type(source.draw(random).warp_1_0) for _ in range(60)]
    assert set(kinds) == {HomographyWarp, DepthWarp}
    assert 5 <= kinds.count(DepthWarp) <= 25


def test_planes_in_space_take_their_share_of_the_photographs(tmp_path):
    folder = str(write_photographs(tmp_path))
    source = training_pairs(_config(photographs=folder, planes_share=0.5))
    random = np.random.default_rng(0)
    kinds = [type(source.draw(random).warp_1_0) for _ in range(40)]
    assert 10 <= kinds.count(DepthWarp) <= 30
    alone = training_pairs(_config(photographs=folder, planes_share=1.0))
    assert isinstance(alone.draw(random).warp_1_0, DepthWarp)


def test_the_least_common_part_of_pairs_with_depth_can_be_set(tmp_path, small_room):
    with pytest.raises(ValueError, match="show less than 100% of each other"):
        training_pairs(
            _config(sequences="synthetic:3", max_frames_apart=1, min_visible=1.0, out=str(tmp_path))
        ).draw(np.random.default_rng(0))


def test_pairs_of_a_validation_sequence_are_drawn_in_their_own_light(tmp_path, small_room):
    config = _config(max_frames_apart=1, out=str(tmp_path), appearance=2.0)
    pairs = [
        validation_source(config, "synthetic:3").draw(np.random.default_rng(seed))
        for seed in (0, 0)
    ]
    np.testing.assert_array_equal(pairs[0].image0, pairs[1].image0)
    views = sources.open_sequence(str(tmp_path / "rooms" / "room3"))
    levels = [float(views.read(n, "rgbd").image.mean()) for n in range(len(views))]
    for image in (pairs[0].image0, pairs[0].image1):
        assert min(levels) - 30 < float(image.mean()) < max(levels) + 30


def test_a_room_is_rendered_once(tmp_path, small_room, monkeypatch):
    config = _config(sequences="synthetic:3", max_frames_apart=1, out=str(tmp_path))
    first = training_pairs(config).draw(np.random.default_rng(0))
    monkeypatch.setattr(sources, "write_tum", None)
    again = training_pairs(config).draw(np.random.default_rng(0))
    np.testing.assert_array_equal(first.image0, again.image0)


def test_a_room_that_another_process_finishes_first_is_taken(tmp_path, small_room, monkeypatch):
    write_tum = sources.write_tum

    def write_twice(room, folder):
        write_tum(room, tmp_path / "rooms" / "room3")  # the other process
        write_tum(room, folder)

    monkeypatch.setattr(sources, "write_tum", write_twice)
    training_pairs(_config(sequences="synthetic:3", max_frames_apart=1, out=str(tmp_path)))
    assert [path.name for path in (tmp_path / "rooms").iterdir()] == ["room3"]


def test_a_room_whose_rendering_fails_leaves_nothing_behind(tmp_path, small_room, monkeypatch):
    def stop(room, folder):
        folder.mkdir()
        raise OSError("disk full")

    monkeypatch.setattr(sources, "write_tum", stop)
    with pytest.raises(OSError, match="disk full"):
        training_pairs(_config(sequences="synthetic:3", max_frames_apart=1, out=str(tmp_path)))
    assert not list((tmp_path / "rooms").iterdir())


def test_a_room_without_a_seed_is_an_error():
    with pytest.raises(ValueError, match="'synthetic:new': the seed of a room is a whole number"):
        training_pairs(_config(sequences="synthetic:new"))


def test_an_absent_folder_is_an_error_that_names_it(tmp_path):
    with pytest.raises(ValueError, match="absent"):
        training_pairs(_config(photographs=str(tmp_path / "absent")))


def test_validation_pairs_are_the_same_in_every_training(tmp_path):
    write_photographs(tmp_path)
    folders = [
        validation_pairs(_config(validation=str(tmp_path), validation_pairs=2, seed=seed))
        for seed in (0, 1)
    ]
    assert len(folders[0]) == 2
    for one, other in zip(*folders, strict=True):
        np.testing.assert_array_equal(one.H_1_0, other.H_1_0)


def test_without_a_folder_nothing_is_validated():
    assert validation_pairs(_config()) == []


def test_a_validation_folder_without_pairs_is_an_error_that_names_the_setting(tmp_path):
    with pytest.raises(ValueError, match=r"validation is .*absent.* not a folder.*empty: train"):
        validation_pairs(_config(validation=str(tmp_path / "absent")))
