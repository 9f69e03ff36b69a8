import numpy as np

from aliked_ros.synthetic.scene import MIP_LEVELS, ROOM_M, build_room


def test_every_face_is_a_rectangle_with_a_texture_that_halves():
    unit = 2 ** (MIP_LEVELS - 1)
    for face in build_room(0, 20.0):
        assert abs(face.u @ face.v) < 1e-9
        assert face.texture.shape[0] % unit == 0
        assert face.texture.shape[1] % unit == 0
        assert face.texture.dtype == np.uint8


def test_the_shell_faces_inwards():
    middle = np.array(ROOM_M) / 2
    for face in build_room(0, 20.0)[:6]:
        assert np.cross(face.u, face.v) @ (face.origin - middle) > 0


def test_texels_are_about_as_dense_as_asked_for():
    floor = build_room(0, 40.0)[4]
    assert floor.texture.shape[1] / np.linalg.norm(floor.u) > 39.9
