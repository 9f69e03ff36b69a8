"""MegaDepth's lists in both of the forms that circulate, and lists that are not to be trusted."""

import pickle

import numpy as np
import pytest

from aliked_ros.training.pairs.scene_info import SceneInfoError, read_scene

POSE = np.array([[1, 0, 0, 0.5], [0, 1, 0, 0], [0, 0, 1, 2], [0, 0, 0, 1.0]])
K_COLMAP = np.array([[700.0, 0, 320.0], [0, 710.0, 240.0], [0, 0, 1]])


def _objects(*values):
    array = np.empty(len(values), object)
    array[:] = values
    return array


def _content():
    """Four images; the third has no depth, as MegaDepth's sky-only ones."""
    return {
        "image_paths": _objects(*(f"Undistorted_SfM/0001/images/{i}.jpg" for i in range(4))),
        "depth_paths": _objects("d/0.h5", "d/1.h5", None, "d/3.h5"),
        "intrinsics": _objects(*([K_COLMAP] * 4)),
        "poses": _objects(*([POSE] * 4)),
    }


def _pair_infos():
    rows = [((0, 1), 0.2, np.zeros((1, 4))), ((1, 0), 0.2, np.zeros((1, 4)))]
    rows += [((3, 0), 0.6, np.zeros((1, 4))), ((1, 3), 0.9, np.zeros((1, 4)))]
    rows += [((1, 2), 0.5, np.zeros((1, 4)))]
    table = np.empty((len(rows), 3), object)
    for i, row in enumerate(rows):
        table[i] = row
    return table


def test_an_archive_with_an_overlap_matrix_is_read(tmp_path):
    overlap = np.full((4, 4), -1.0)
    for i, j, share in ((0, 1, 0.2), (0, 3, 0.6), (1, 3, 0.9), (1, 2, 0.5)):
        overlap[i, j] = overlap[j, i] = share
    np.savez(tmp_path / "0001.0.npz", overlap_matrix=overlap, **_content())
    scene = read_scene(tmp_path / "0001.0.npz", (0.1, 0.7))
    assert scene.pairs.tolist() == [[0, 1], [0, 3]]
    assert sorted(scene.views) == [0, 1, 3]


@pytest.mark.parametrize("is_archive", [True, False])
def test_a_list_of_pairs_is_read_from_an_archive_and_from_a_pickle(tmp_path, is_archive):
    content = {**_content(), "pair_infos": _pair_infos()}
    path = tmp_path / "0001_0.1_0.7.npz"
    if is_archive:
        np.savez(path, **content)
    else:
        path.write_bytes(pickle.dumps(content))
    scene = read_scene(path, (0.1, 0.7))
    # Pairs count once, whichever way round; 0.9 is too much, image 2 has no depth.
    assert scene.pairs.tolist() == [[0, 1], [0, 3]]
    view = scene.views[3]
    assert view.image == "Undistorted_SfM/0001/images/3.jpg"
    assert view.depth == "d/3.h5"
    np.testing.assert_array_equal(view.T_camera_world, POSE)


def test_the_first_pixel_centre_moves_from_a_half_to_zero(tmp_path):
    np.savez(tmp_path / "a.npz", pair_infos=_pair_infos(), **_content())
    view = read_scene(tmp_path / "a.npz", (0.0, 1.0)).views[0]
    np.testing.assert_array_equal(view.K, [[700, 0, 319.5], [0, 710, 239.5], [0, 0, 1]])


class _Runs:
    """What a malicious list would hold: unpickling it calls a function."""

    called = False

    def __reduce__(self):
        return (_note_the_call, ())


def _note_the_call():
    _Runs.called = True


@pytest.mark.parametrize("is_archive", [True, False])
def test_a_list_that_would_run_code_is_refused(tmp_path, is_archive):
    content = {**_content(), "poses": _objects(*([_Runs()] * 4)), "pair_infos": _pair_infos()}
    path = tmp_path / "trap.npz"
    if is_archive:
        np.savez(path, **content)
    else:
        path.write_bytes(pickle.dumps(content))
    with pytest.raises(SceneInfoError, match=r"trap\.npz.*_note_the_call"):
        read_scene(path, (0.0, 1.0))
    assert not _Runs.called


def test_numpy_functions_that_an_array_does_not_need_are_refused(tmp_path):
    class Reads:
        def __reduce__(self):
            return (np.loadtxt, (str(tmp_path / "secret.txt"),))

    path = tmp_path / "trap.npz"
    path.write_bytes(pickle.dumps({**_content(), "pair_infos": Reads()}))
    with pytest.raises(SceneInfoError, match="loadtxt"):
        read_scene(path, (0.0, 1.0))


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 cut off", b"not a list", pickle.dumps([1, 2])])
def test_a_broken_list_is_refused_by_name(tmp_path, data):
    path = tmp_path / "broken.npz"
    path.write_bytes(data)
    with pytest.raises(SceneInfoError, match=r"broken\.npz"):
        read_scene(path, (0.0, 1.0))


def test_a_list_without_poses_is_refused_by_the_missing_name(tmp_path):
    content = _content()
    del content["poses"]
    np.savez(tmp_path / "a.npz", pair_infos=_pair_infos(), **content)
    with pytest.raises(SceneInfoError, match="lacks poses"):
        read_scene(tmp_path / "a.npz", (0.0, 1.0))
    np.savez(tmp_path / "b.npz", **_content())
    with pytest.raises(SceneInfoError, match="neither pair_infos nor overlap_matrix"):
        read_scene(tmp_path / "b.npz", (0.0, 1.0))
