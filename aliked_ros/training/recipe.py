"""The knobs of the training of ALIKED, and those that every training shares, with their ranges."""

from __future__ import annotations

from dataclasses import dataclass

from aliked_ros.config import MODELS, Config, knob

DESCRIPTOR_LOSSES = ("sparse_nre", "triplet")


@dataclass(frozen=True)
class PairsConfig(Config):
    """Whose features are trained or trained on, and the pairs of images."""

    model: str = knob("aliked-t16", "variant of ALIKED", choices=MODELS)
    out: str = knob("out/train", "folder of checkpoints, curves and pictures")
    seed: int = knob(0, "of parameters, pairs and random points; a seed repeats a run", minimum=0)

    photographs: str = knob(
        "", "folders of photographs to be warped, separated by commas; each is searched whole"
    )
    planes_share: float = knob(
        0.0, "part of the pairs of photographs that show several of them as planes in space, from "
        "far apart", minimum=0.0, maximum=1.0,
    )  # fmt: skip
    sequences: str = knob(
        "",
        "RGB-D sequences with ground truth, separated by commas; 'synthetic:N': the rendered room "
        "of seed N",
    )
    min_frames_apart: int = knob(1, "sequences: frames between two views, least", minimum=1)
    max_frames_apart: int = knob(10, "sequences: frames between two views, greatest", minimum=1)
    megadepth: str = knob(
        "", "MegaDepth in D2-Net's or LoFTR's packaging: scene_info, Undistorted_SfM, phoenix"
    )
    min_overlap: float = knob(0.1, "megadepth: of two views, least", minimum=0.0, maximum=1.0)
    max_overlap: float = knob(0.7, "megadepth: of two views, greatest", minimum=0.0, maximum=1.0)
    depth_share: float = knob(
        0.3, "part of the pairs that come with depth, beside photographs", minimum=0.0, maximum=1.0
    )
    min_visible: float = knob(
        0.3, "pairs with depth: part of each image that the other one shows, least", minimum=0.01,
        maximum=1.0,
    )  # fmt: skip
    validation: str = knob("", "folder of photographs or planar pairs, for validation only")

    size_px: int = knob(256, "side of the square images", minimum=64, maximum=2048)
    max_rotation_deg: float = knob(30.0, "homographies: turn", minimum=0.0, maximum=180.0)
    max_scale: float = knob(1.6, "homographies: ratio of the scales", minimum=1.0, maximum=8.0)
    max_slant: float = knob(
        0.15, "homographies: corners move by up to this part of the side", minimum=0.0, maximum=0.24
    )
    appearance: float = knob(
        1.0, "strength of light, blur, noise and occluders; 0: none", minimum=0.0, maximum=2.0
    )


@dataclass(frozen=True)
class LoopConfig(Config):
    """How many steps, of what, and what is written down."""

    num_steps: int = knob(100_000, "steps of the optimiser", minimum=1)
    batch_pairs: int = knob(2, "pairs at once, per process", minimum=1)
    accumulate: int = knob(6, "batches whose gradients make one step", minimum=1)
    learning_rate: float = knob(3e-4, "of Adam, after warming up", minimum=1e-8, maximum=1.0)
    warm_up_steps: int = knob(500, "the rate grows linearly over these", minimum=0)
    final_rate: float = knob(
        1.0, "rate at the end as a part of the full one, along a cosine; 1: constant",
        minimum=0.0, maximum=1.0,
    )  # fmt: skip
    max_gradient_norm: float = knob(10.0, "length of a gradient; 0: no limit", minimum=0.0)
    ema_decay: float = knob(
        0.999, "of the moving average of the parameters, which is what is kept; 0: the parameters",
        minimum=0.0, maximum=0.999999,
    )  # fmt: skip

    device: str = knob("auto", "'auto', 'cpu', 'cuda' or 'cuda:N'")
    precision: str = knob(
        "float32",
        "float16: mixed precision on CUDA; bfloat16: on processors with its instructions too",
        choices=("float32", "float16", "bfloat16"),
    )
    num_workers: int = knob(1, "processes that prepare pairs; 0: none", minimum=0, maximum=256)
    save_every: int = knob(500, "steps between checkpoints to resume from", minimum=1)
    log_every: int = knob(20, "steps between scalars", minimum=1)
    validate_every: int = knob(2000, "steps between validations", minimum=1)
    validation_pairs: int = knob(40, "pairs of a validation", minimum=1)


@dataclass(frozen=True)
class RunConfig(LoopConfig, PairsConfig):
    """What the configurations of all trainings have."""


@dataclass(frozen=True)
class TrainingConfig(RunConfig):
    """Which extractor is trained, on what, and how."""

    initial_weights: str = knob(
        "", "checkpoint to begin with; empty: random parameters that depend on the seed"
    )
    is_deformable: bool = knob(
        True, "False: convolutions and descriptors without learned offsets, for comparison"
    )
    num_samples: int = knob(
        0, "sample positions of a descriptor; 0: the model's own", minimum=0, maximum=128
    )
    num_detected: int = knob(400, "keypoints of an image, best first", minimum=8)
    num_random: int = knob(400, "random points of an image", minimum=0)
    max_error_px: float = knob(5.0, "partners are nearer than this", minimum=0.1, maximum=50.0)
    weight_reprojection: float = knob(1.0, "of L_rp", minimum=0.0)
    weight_peak: float = knob(0.5, "of L_pk", minimum=0.0)
    weight_descriptor: float = knob(5.0, "of L_ds", minimum=0.0)
    weight_reliability: float = knob(1.0, "of L_re", minimum=0.0)
    descriptor_loss: str = knob("sparse_nre", "L_ds", choices=DESCRIPTOR_LOSSES)
    descriptor_temperature: float = knob(0.1, "of L_ds", minimum=0.001, maximum=10.0)
    reliability_temperature: float = knob(0.1, "of L_re", minimum=0.001, maximum=10.0)


def split_names(text: str) -> list[str]:
    """Return what commas separate."""
    return [part.strip() for part in text.split(",") if part.strip()]
