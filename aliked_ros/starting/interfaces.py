"""What each node takes, publishes and answers: for the security policy, held by a test."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Interfaces:
    """The topics and services of a node, by the names that they have before remapping.

    Attributes:
        publishes: topics.
        subscribes: topics; those that one set of parameters asks for and another does not, too.
        images: topics that are heard raw or as TOPIC/compressed.
        depths: topics that are heard so, or as TOPIC/compressedDepth.
        services: that it answers.
    """

    publishes: tuple[str, ...]
    subscribes: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    depths: tuple[str, ...] = ()
    services: tuple[str, ...] = ()


ANY_NODE = Interfaces(
    publishes=("/rosout", "/parameter_events", "/diagnostics", "~/transition_event"),
    subscribes=("/clock",),
    services=(
        "~/change_state",
        "~/get_state",
        "~/get_available_states",
        "~/get_available_transitions",
        "~/get_transition_graph",
        "~/describe_parameters",
        "~/get_parameter_types",
        "~/get_parameters",
        "~/list_parameters",
        "~/set_parameters",
        "~/set_parameters_atomically",
        "~/get_type_description",
    ),
)
NODES = {
    "aliked_extractor": Interfaces(
        publishes=("features",), subscribes=("mask",), images=("image_raw",)
    ),
    "aliked_tracker": Interfaces(
        publishes=(
            "odometry",
            "path",
            "matches",
            "status",
            "landmarks",
            "keyframes",
            "state_text",
            "tracks",
            "vins_tracks",
            "/tf",
            "/tf_static",
        ),
        subscribes=(
            "features",
            "camera_info",
            "right/camera_info",
            "imu",
            "scale_odometry",
            "/tf",
            "/tf_static",
        ),
        images=("image_raw", "right/image_raw"),
        depths=("depth/image_raw",),
        services=(
            "~/reset",
            "~/reset_to_pose",
            "~/pause",
            "~/resume",
            "~/save_trajectory",
            "~/save_landmarks",
        ),
    ),
    "aliked_overlay": Interfaces(
        publishes=("overlay",), subscribes=("matches",), images=("image_raw",)
    ),
    "aliked_player": Interfaces(
        publishes=(
            "image_raw",
            "camera_info",
            "right/image_raw",
            "right/camera_info",
            "depth/image_raw",
            "/clock",
        ),
        subscribes=("status", "odometry"),
    ),
    "aliked_recorder": Interfaces(
        publishes=(),
        subscribes=(
            "odometry",
            "status",
            "overlay",
            "camera_info",
            "right/camera_info",
            "features",
            "matches",
            "/tf",
            "/tf_static",
        ),
        images=("image_raw", "right/image_raw"),
        depths=("depth/image_raw",),
    ),
    "aliked_view": Interfaces(
        publishes=(),
        subscribes=("matches", "odometry", "status", "landmarks", "keyframes"),
        images=("image_raw",),
    ),
}  # fmt: skip
# Processes -> their nodes; each process has an enclave of its own.
PROCESSES = {
    "composed": ("aliked_extractor", "aliked_tracker"),
    "extractor": ("aliked_extractor",),
    "tracker": ("aliked_tracker",),
    "overlay": ("aliked_overlay",),
    "player": ("aliked_player",),
    "recorder": ("aliked_recorder",),
    "view": ("aliked_view",),
}
