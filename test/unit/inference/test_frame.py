import numpy as np
import pytest
import torch

from aliked_ros.inference.frame import Frame
from aliked_ros.inference.stages import Geometry

CPU = torch.device("cpu")


def memory(num_bytes):
    return torch.full((num_bytes,), 77, dtype=torch.uint8)


def images(batch, height=20, width=30, channels=3):
    generator = np.random.default_rng(0)
    shape = (batch, height, width) if channels == 1 else (batch, height, width, channels)
    return list(generator.integers(0, 255, shape, dtype=np.uint8))


def test_one_upload_carries_pixels_settings_and_zeros_for_what_is_counted():
    frame = Frame(Geometry(3, 20, 30, 3), 100, 64, CPU, False, memory)
    given = images(3)
    frame.fill([given[0], torch.from_numpy(given[1]), given[2][:, ::-1]], 40, 0.25)
    for part in frame.controls:
        part.fill_(5)
    frame.upload()
    assert torch.equal(frame.pixels[1], torch.from_numpy(given[1]))
    assert torch.equal(frame.pixels[2], torch.from_numpy(given[2][:, ::-1].copy()))
    assert frame.controls.threshold.tolist() == [0.25]
    assert frame.controls.limit.tolist() == [40]
    assert frame.controls.counts.tolist() == frame.controls.varies.tolist() == [0, 0, 0]


def test_images_on_the_device_are_copied_there_and_settings_go_up_alone():
    frame = Frame(Geometry(1, 20, 30, 1), 100, 64, CPU, True, memory)
    (grey,) = images(1, channels=1)
    frame.fill([torch.from_numpy(grey)], 40, 0.5)
    frame.upload()
    assert torch.equal(frame.pixels[0, :, :, 0], torch.from_numpy(grey))
    assert frame.controls.threshold.tolist() == [0.5]


def test_there_is_room_for_as_many_keypoints_as_asked_for():
    for asked in (1, 256, 257, 5000):
        frame = Frame(Geometry(2, 20, 30, 3), asked, 64, CPU, False, memory)
        assert frame.outputs.descriptors.shape == (2, frame.capacity, 64)
        assert asked <= frame.capacity < asked + 256


def test_what_kernels_read_begins_at_multiples_of_16_bytes_for_every_batch():
    for batch in range(1, 9):
        frame = Frame(Geometry(batch, 21, 33, 3), 100, 64, CPU, False, memory)
        whole = frame.pixels.untyped_storage().data_ptr()
        for part in (frame.pixels, *frame.controls):
            assert (part.data_ptr() - whole) % 16 == 0
        whole = frame.packed.data_ptr()
        for part in frame.outputs[1:]:
            assert (part.data_ptr() - whole) % 16 == 0


@pytest.mark.parametrize("channels", [1, 3])
def test_any_layout_of_an_image_is_taken(channels):
    frame = Frame(Geometry(1, 20, 30, channels), 100, 64, CPU, False, memory)
    (image,) = images(1, 40, 60, channels)
    views = [image[:20, :30], image[20:, 30:], image[::-2, ::2], image[::2, ::-2]]
    views += [view[:, :, ::-1] for view in views if channels == 3]
    views += [np.asfortranarray(views[0]), np.stack([views[0]] * 2, axis=-1)[..., 0]]
    for view in views:
        for given in (view, torch.from_numpy(view.copy())):
            frame.fill([given], 40, 0.25)
            frame.upload()
            assert np.array_equal(frame.pixels[0].numpy().reshape(view.shape), view)
