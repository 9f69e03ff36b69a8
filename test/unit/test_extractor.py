"""Inputs, outputs, order, and errors of the extractor, on a small untrained network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from aliked_ros import extractor as extractor_module
from aliked_ros.config import MODELS, ExtractorConfig
from aliked_ros.extractor import Extractor
from aliked_ros.inference import open_inference
from aliked_ros.network.weights import load_some_network
from aliked_ros.structs import Features


def assert_same(first: Features, second: Features) -> None:
    for name in ("keypoints", "scores", "dispersity", "descriptors"):
        torch.testing.assert_close(getattr(first, name), getattr(second, name), atol=1e-5, rtol=0)
    assert first.image_size == second.image_size


def test_features_have_the_documented_shapes_types_and_order(seeded_extractor, textured_image):
    features = seeded_extractor(textured_image)
    assert features.keypoints.shape == (100, 2)
    assert features.scores.shape == features.dispersity.shape == (100,)
    assert features.descriptors.shape == (100, seeded_extractor.descriptor_dim) == (100, 64)
    assert features.image_size == (96, 128)
    for name in ("keypoints", "scores", "dispersity", "descriptors"):
        assert getattr(features, name).dtype == torch.float32
        assert getattr(features, name).device == seeded_extractor.device
        assert not getattr(features, name).requires_grad
    assert (features.scores.diff() <= 0).all()
    torch.testing.assert_close(features.descriptors.norm(dim=1), torch.ones(100))
    assert (features.keypoints >= 0).all()
    assert (features.keypoints <= torch.tensor([127, 95])).all()


@pytest.mark.parametrize(
    "convert",
    [
        torch.from_numpy,
        lambda image: np.pad(image, ((0, 0), (0, 9), (0, 0)))[:, :128],
        lambda image: image[:, :, ::-1].copy()[:, :, ::-1],
        np.asfortranarray,
    ],
    ids=["tensor", "row padding", "negative stride", "column order"],
)
def test_memory_layout_and_container_do_not_matter(seeded_extractor, textured_image, convert):
    assert_same(seeded_extractor(convert(textured_image)), seeded_extractor(textured_image))


def test_read_only_array_is_taken_without_a_warning(seeded_extractor, textured_image, recwarn):
    image = textured_image.copy()
    image.setflags(write=False)
    assert_same(seeded_extractor(image), seeded_extractor(textured_image))
    assert len(recwarn) == 0


def test_input_is_not_changed(seeded_extractor, textured_image):
    tensor = torch.from_numpy(textured_image.copy())
    seeded_extractor(tensor)
    assert np.array_equal(tensor.numpy(), textured_image)


def test_grey_image_equals_three_equal_channels(seeded_extractor, textured_image):
    grey = textured_image[:, :, 0]
    colour = np.repeat(grey[:, :, None], 3, axis=2)
    assert_same(seeded_extractor(grey), seeded_extractor(colour))


def test_channels_are_red_green_blue(seeded_extractor, textured_image):
    swapped = seeded_extractor(textured_image[:, :, ::-1])
    assert not torch.equal(swapped.keypoints, seeded_extractor(textured_image).keypoints)


def test_list_of_different_sizes_gives_each_image_its_own_features(
    seeded_extractor, textured_image
):
    images = [textured_image, textured_image[:50, :70, 1], textured_image[:50]]
    results = seeded_extractor.extract_all(images)
    assert isinstance(results, list)
    for image, features in zip(images, results, strict=True):
        assert_same(features, seeded_extractor(image))


@pytest.mark.parametrize("grey", [True, False])
def test_batch_gives_a_list(seeded_extractor, textured_image, grey):
    batch = np.stack([textured_image, textured_image[::-1]])
    batch = batch[..., 0] if grey else batch
    results = seeded_extractor.extract_all(batch)
    assert len(results) == 2
    for image, features in zip(batch, results, strict=True):
        assert_same(features, seeded_extractor(image))


def test_network_treats_a_batch_like_its_images(seeded_network, textured_image):
    extract = open_inference(seeded_network, torch.device("cpu"), torch.float32, backend="torch")
    flat = textured_image.copy()
    flat[20:, :] = 128  # fewer keypoints than its neighbour
    uniform = np.full_like(textured_image, 77)
    images = [textured_image, flat, uniform]
    together = extract(images, 5000, 0.2)
    assert len(together[0]) > len(together[1]) > len(together[2]) == 0
    for image, features in zip(images, together, strict=True):
        assert_same(features, extract([image], 5000, 0.2)[0])


HEIGHTS = [*[5] * 10, 6, 5, 30, 30, 30, 200, 200]


@pytest.mark.parametrize(
    ("device", "batches"),
    [
        ("cuda", [[5] * 8, [5] * 2, [6], [5], [30, 30], [30], [200], [200]]),
        ("cpu", [[height] for height in HEIGHTS]),
    ],
)
def test_neighbours_of_one_shape_go_to_a_gpu_together_and_keep_their_order(
    monkeypatch, device, batches
):
    monkeypatch.setattr(extractor_module, "_GPU_BATCH_PIXELS", 300)  # of 4 px a row
    heights_of_batches = []

    def extract(images, max_keypoints, detection_threshold):
        heights_of_batches.append([image.shape[0] for image in images])
        empty = torch.zeros(0)
        return [
            Features(torch.zeros(0, 2), empty, empty, torch.zeros(0, 64), image.shape)
            for image in images
        ]

    monkeypatch.setattr(extractor_module, "pick_device", torch.device)
    monkeypatch.setattr(extractor_module, "open_inference", lambda *given: extract)
    extractor = Extractor(ExtractorConfig("aliked-t16", "seed:0", device))
    images = [np.zeros((height, 4), np.uint8) for height in HEIGHTS]
    found = extractor.extract_all(images)
    assert heights_of_batches == batches
    assert [features.image_size for features in found] == [image.shape for image in images]


def test_empty_list_gives_an_empty_list(seeded_extractor):
    assert seeded_extractor.extract_all([]) == []


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("value", [0, 128, 255])
def test_image_of_one_colour_has_no_keypoints_at_any_threshold(model, value):
    extractor = Extractor(
        ExtractorConfig(model=model, weights="seed:0", device="cpu", detection_threshold=0.0)
    )
    features = extractor(np.full((40, 60, 3), value, np.uint8))
    assert len(features) == 0
    assert features.keypoints.shape == (0, 2)
    assert features.descriptors.shape == (0, extractor.descriptor_dim)


def test_image_of_one_colour_other_than_grey_has_no_keypoints(seeded_extractor):
    assert len(seeded_extractor(np.full((40, 60, 3), (200, 30, 90), np.uint8))) == 0


def test_image_that_varies_along_one_axis_only_has_texture(seeded_extractor):
    ramp = np.arange(60, dtype=np.uint8) * 4
    assert len(seeded_extractor(np.tile(ramp, (40, 1)))) > 0
    assert len(seeded_extractor(np.tile(ramp[:, None], (1, 40)))) > 0


@pytest.mark.parametrize("size", [(1, 1), (5, 5), (4, 200), (200, 3), (1, 1000)])
def test_tiny_images_are_no_problem(seeded_extractor, size):
    noise = np.random.default_rng(0).integers(0, 255, size, dtype=np.uint8)
    features = seeded_extractor(noise)
    assert features.image_size == size
    assert len(features) <= size[0] * size[1]


def test_threshold_above_every_score_leaves_nothing(seeded_extractor, textured_image):
    strict = Extractor(replace(seeded_extractor.config, detection_threshold=1.0))
    assert len(strict(textured_image)) == 0


def test_limits_can_be_changed_between_images(textured_image):
    extractor = Extractor(ExtractorConfig(model="aliked-t16", weights="seed:0", device="cpu"))
    extractor.reconfigure(replace(extractor.config, max_keypoints=7))
    assert len(extractor(textured_image)) == 7


def test_changing_the_model_asks_for_a_new_extractor(seeded_extractor):
    with pytest.raises(ValueError, match="make a new Extractor"):
        seeded_extractor.reconfigure(replace(seeded_extractor.config, model="aliked-n16"))


def test_warm_up_takes_any_size(seeded_extractor):
    seeded_extractor.warm_up(48, 64)


@pytest.mark.parametrize(
    ("image", "error", "message"),
    [
        (np.zeros((8, 8), np.float32), TypeError, "float32: convert it to uint8"),
        (torch.zeros(8, 8, 3), TypeError, "float32: convert it to uint8"),
        ("image.png", TypeError, "str: give a numpy array or a torch tensor"),
        ([np.zeros((8, 8), np.uint8)], TypeError, "list: .*several images: extract_all"),
        (np.zeros((2, 8, 8, 3), np.uint8), ValueError, r"\(2, 8, 8, 3\): .*several images: ext"),
        (np.zeros((8, 8, 4), np.uint8), ValueError, r"\(8, 8, 4\): give \(H, W\) grey or"),
        (np.zeros(8, np.uint8), ValueError, r"\(8,\): give \(H, W\) grey or"),
        (np.zeros((0, 8), np.uint8), ValueError, r"\(0, 8\): it has no pixels"),
        (np.zeros((8, 0, 3), np.uint8), ValueError, r"\(8, 0, 3\): it has no pixels"),
    ],
)
def test_image_that_cannot_be_used_is_described(seeded_extractor, image, error, message):
    with pytest.raises(error, match=message):
        seeded_extractor(image)


@pytest.mark.parametrize(
    ("images", "error", "message"),
    [
        ([None], TypeError, "NoneType: give a numpy array"),
        ([np.zeros((8, 8, 4), np.uint8)], ValueError, r"\(8, 8, 4\): give \(H, W\) grey or"),
        (np.zeros((8, 8, 2, 4), np.uint8), ValueError, r"\(8, 2, 4\): give \(H, W\) grey or"),
        (np.zeros((8, 9, 3), np.uint8), ValueError, r"\(8, 9, 3\): .*call the extractor itself"),
        (np.zeros((8, 8), np.uint8), ValueError, r"\(8, 8\): .*call the extractor itself"),
    ],
)
def test_images_that_cannot_be_used_are_described(seeded_extractor, images, error, message):
    with pytest.raises(error, match=message):
        seeded_extractor.extract_all(images)


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "cuda:", "CPU", ""])
def test_unknown_device_is_named_with_the_choices(device):
    with pytest.raises(ValueError, match="must be 'auto', 'cpu', 'cuda' or 'cuda:N'"):
        Extractor(ExtractorConfig(model="aliked-t16", weights="seed:0", device=device))


def test_cuda_that_is_absent_is_an_error_with_a_remedy(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    config = ExtractorConfig(model="aliked-t16", weights="seed:0", device="cuda")
    with pytest.raises(ValueError, match="finds 0 CUDA devices: set device to 'auto' or 'cpu'"):
        Extractor(config)
    assert Extractor(replace(config, device="auto")).device.type == "cpu"


def test_cuda_device_beyond_the_last_is_an_error(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ValueError, match=r"'cuda:1'.*finds 1 CUDA devices"):
        Extractor(ExtractorConfig(model="aliked-t16", weights="seed:0", device="cuda:1"))


def test_half_precision_on_a_cpu_is_refused_with_a_remedy():
    config = ExtractorConfig(
        model="aliked-t16", weights="seed:0", device="cpu", precision="float16"
    )
    with pytest.raises(ValueError, match="set precision to 'float32'"):
        Extractor(config)


class Producer:
    """Gives its memory by DLPack, as a message of a camera driver may."""

    def __init__(self, array):
        self._array = array

    def __dlpack__(self, **given):
        return self._array.__dlpack__(**given)

    def __dlpack_device__(self):
        return self._array.__dlpack_device__()


def test_memory_of_others_is_taken_as_it_is(seeded_extractor, textured_image):
    expected = seeded_extractor(textured_image)
    assert_same(seeded_extractor(Producer(textured_image)), expected)
    both = seeded_extractor.extract_all([Producer(textured_image), textured_image])
    for features in both:
        assert_same(features, expected)
    batch = seeded_extractor.extract_all(Producer(np.stack([textured_image] * 2)))
    assert len(batch) == 2
    with pytest.raises(TypeError, match="float32: convert it to uint8"):
        seeded_extractor(Producer(textured_image.astype(np.float32)))


def test_a_gpu_that_is_not_used_is_spoken_of_once(monkeypatch, caplog):
    monkeypatch.setattr(extractor_module, "why_no_gpu", lambda: "this machine has a GPU, but")
    config = ExtractorConfig(model="aliked-t16", weights="seed:0", device="cpu")
    Extractor(config)
    assert "this machine has a GPU" not in caplog.text  # asked for the CPU
    Extractor(replace(config, device="auto"))
    assert caplog.text.count("this machine has a GPU, but") == 1


def test_an_extractor_is_made_without_a_team_of_threads(monkeypatch):
    counts = []

    def load(*arguments):
        counts.append(torch.get_num_threads())
        return load_some_network(*arguments)

    before = torch.get_num_threads()
    torch.set_num_threads(3)
    monkeypatch.setattr("aliked_ros.extractor.load_some_network", load)
    try:
        Extractor(ExtractorConfig(weights="seed:0", device="cpu"))
        assert (counts, torch.get_num_threads()) == ([1], 3)
    finally:
        torch.set_num_threads(before)
