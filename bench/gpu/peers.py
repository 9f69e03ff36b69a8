"""What is compared with what: the authors' results, kornia, plain torch, other cuts."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import numpy as np
import torch

from aliked_ros.inference.cuda.matching import match_descriptors
from aliked_ros.inference.cuda.stages import TritonStages
from aliked_ros.inference.cuda.trial import Trial
from aliked_ros.inference.cuda.weights import num_parts
from aliked_ros.inference.stages import TorchStages
from gpu import kernels
from gpu.settings import Settings
from gpu.timing import device_us, in_turns

IMAGES = ("tum_desk", "kitti_road", "st_pauls_odd")


def parity(settings: Settings, model: str, precision: str) -> dict[str, Any]:
    """Return the worst agreement with the authors' network over three photographs."""
    import cv2

    golden = settings.shared / "golden"
    extractor = settings.extractor(model, precision=precision, max_keypoints=1000)
    rows = []
    for name in IMAGES[:1] if settings.is_dry else IMAGES:
        bgr = cv2.imread(str(golden / f"{name}.png"))
        stored = np.load(golden / f"{name}__{model}__topk1000.npz")
        if settings.is_dry:  # the interpreter would take minutes
            return {"image": bgr.shape, "keypoints": len(stored["keypoints"])}
        features = extractor(np.ascontiguousarray(bgr[:, :, ::-1])).to("cpu")
        again = extractor(np.ascontiguousarray(bgr[:, :, ::-1])).to("cpu")  # replayed
        rows.append(agreement(again, stored) | {"same": torch.equal(
            features.descriptors, again.descriptors)})  # fmt: skip
    worst = {key: min(row[key] for row in rows) for key in rows[0]}
    return {"backend": extractor.backend, "left_out": extractor.left_out, **worst}


def agreement(features: Any, stored: Any) -> dict[str, float]:
    """Return which part of the authors' keypoints was found, and the cosines there."""
    expected = torch.from_numpy(stored["keypoints"]).double()
    theirs = torch.from_numpy(stored["descriptors"]).double()
    theirs = torch.nn.functional.normalize(theirs, dim=1)
    nearest, index = torch.cdist(expected, features.keypoints.double()).min(dim=1)
    is_near = nearest < 0.1
    cosines = (theirs * features.descriptors[index].double()).sum(dim=1)
    # The descriptor head looks at the pixels around the whole-numbered one that holds a keypoint:
    # two keypoints on either side of an edge between pixels have other descriptors.
    in_same_pixel = (expected.floor() == features.keypoints[index].double().floor()).all(dim=1)
    in_same_pixel, cosines = in_same_pixel[is_near], cosines[is_near]
    return {
        "within_0.01px": float((nearest < 0.01).double().mean()),
        "within_0.1px": float(is_near.double().mean()),
        "cosine_min": float(cosines.min()),
        "cosine_min_same_pixel": float(cosines[in_same_pixel].min()),
        "cosine_1_percent": float(cosines.quantile(0.01)),
        "cosine_mean": float(cosines.mean()),
    }


@cache
def kornia(settings: Settings, model: str) -> Any:
    """Return kornia's extraction with the same weights, or None where kornia is not installed."""
    try:
        from kornia.feature import ALIKED
    except ImportError:
        return None

    network = ALIKED(model, settings.num_keypoints, 0.0)
    state = torch.load(settings.weights(model), map_location="cpu", weights_only=True)
    network.load_state_dict(state, strict=False)
    network = network.eval().to(settings.device)

    def run(image: np.ndarray) -> object:
        batch = torch.from_numpy(image).permute(2, 0, 1).unsqueeze(0)
        with torch.inference_mode():
            return network(batch.to(settings.device).float() / 255)

    return run


def summarise_profile(watch: Any, num_calls: int) -> dict[str, Any]:
    """Return what the device and the host did in a call."""
    device: dict[str, list[float]] = {}
    host: dict[str, int] = {}
    for event in watch.events():
        if event.device_type == torch.autograd.DeviceType.CUDA:
            entry = device.setdefault(event.name[:60], [0, 0.0])
            entry[0] += 1
            entry[1] += event.device_time
        elif event.name.startswith("cuda"):
            host[event.name] = host.get(event.name, 0) + 1
    rows = sorted(device.items(), key=lambda item: -item[1][1])
    return {
        "device_us": sum(us for _, us in device.values()) / num_calls,
        "device_events": sum(count for count, _ in device.values()) / num_calls,
        "kernels": [f"{us / num_calls:.1f} us {count / num_calls:g}x {name}"
                    for name, (count, us) in rows[:40]],
        "host_calls": {name: count / num_calls for name, count in sorted(host.items())},
    }  # fmt: skip


def descriptor_pair(num: int, device: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Return two sets of descriptors of which half belong together."""
    generator = torch.Generator().manual_seed(num)
    first = torch.nn.functional.normalize(torch.randn(num, 128, generator=generator), dim=1)
    second = torch.nn.functional.normalize(torch.randn(num, 128, generator=generator), dim=1)
    second[: num // 2] = torch.nn.functional.normalize(
        first[: num // 2] + 0.05 * second[: num // 2], dim=1
    )
    order = torch.randperm(num, generator=generator)
    return first.to(device), second[order].to(device)


@torch.no_grad()
def try_variants(settings: Settings, notes: Any) -> str:
    """Time every launch with other cuts, as long as there is time; note those that are wrong."""
    model, dtype = ("aliked-t16" if settings.is_dry else "aliked-n16"), torch.float32
    network = kernels.fused(settings, model)
    frame = kernels.memory(settings, dim=network.dim)
    device = network.conv1.weight.device
    trial = Trial(TorchStages(network, dtype, num_parts(dtype)), network.dim, dtype, device)
    num_done, num_wrong = 0, 0
    for name, cuts in kernels.VARIANTS.items():
        if settings.is_dry and name != "image":
            continue
        rows = []
        for cut in [{}, *(cuts[:1] if settings.is_dry else cuts)]:
            if notes.left_s < 18 and not settings.is_dry:
                return f"{num_done} tried, then the time was up; {num_wrong} wrong"
            stages = TritonStages(network, dtype, {name: cut})
            try:
                problem = trial.problem(stages, kernels.STAGE_OF[name])
                runs = [run for one, run in kernels.record_launches(stages, frame) if one == name]
                us = sum(device_us(run, 10, 3) for run in runs)
            except Exception as error:
                problem, us = f"{type(error).__name__}: {error}"[:120], float("nan")
            num_done += 1
            num_wrong += bool(problem)
            rows.append(f"{us:.1f} us {cut or 'as it is'}{' WRONG ' + problem if problem else ''}")
        notes.put("variants", name, rows)
    _matching_variants(settings, notes)
    return f"{num_done} tried, {num_wrong} wrong"


def _matching_variants(settings: Settings, notes: Any) -> None:
    first, second = descriptor_pair(64 if settings.is_dry else 2048, settings.device)
    expected, _ = match_descriptors(first, second, 0.0)
    rows = []
    for cut in [{}, *(kernels.MATCHING_CUTS[:1] if settings.is_dry else kernels.MATCHING_CUTS)]:
        run = partial(match_descriptors, first, second, 0.0, {"match": cut})
        found, _ = run()
        ms = in_turns({"ms": run}, 60, 0.3)["ms"]["median"]
        wrong = "" if torch.equal(found, expected) else " WRONG"
        rows.append(f"{ms * 1e3:.0f} us {cut or 'as it is'}{wrong}")
    notes.put("variants", "matching", rows)
