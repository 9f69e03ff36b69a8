"""What a user may ask of the tracker: reset, pause, save."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
from rclpy.node import Node
from std_srvs.srv import Trigger

from aliked_ros.datasets import ply, tum_rows
from aliked_ros.datasets.stamps import ns_to_seconds
from aliked_ros.nodes.base.conversions.poses import transform_from_pose
from aliked_ros.nodes.base.errors import explain
from aliked_ros.srv import ResetToPose
from aliked_ros.structs import Array, Index


class Controls(Protocol):
    """What the services do; each may be called in any thread and waits for the frame in work."""

    def reset(self, T_odom_base: Array, why: str) -> None:
        """Forget everything; at the next image the base is at a pose (4, 4)."""

    def pause(self, is_paused: bool) -> bool:
        """Pause or resume; return whether it was paused."""

    def trajectory(self) -> list[tuple[int, Array]]:
        """Return stamps (ns) and T_odom_base (4, 4) since the last restart."""

    def landmarks(self) -> tuple[int, Array, Index]:
        """Return the newest stamp (ns), points_odom (L, 3) and num_seen (L,)."""


class TrackerServices:
    """The services of the tracker, under its own name.

    Args:
        node: offers them.
        controls: what they do.
        output_dir: folder of what is saved, made if absent.
    """

    def __init__(self, node: Node, controls: Controls, output_dir: str) -> None:
        self._controls = controls
        self._logger = node.get_logger()
        self._folder = Path(output_dir)
        triggers = {
            "reset": self._reset,
            "pause": self._pause,
            "resume": self._resume,
            "save_trajectory": self._save_trajectory,
            "save_landmarks": self._save_landmarks,
        }
        for name, answer in triggers.items():
            node.create_service(Trigger, f"~/{name}", _responder(answer))
        node.create_service(ResetToPose, "~/reset_to_pose", self._reset_to_pose)

    def _reset(self) -> str:
        self._controls.reset(np.eye(4), "~/reset was called")
        return self._told("restarted: the next image is the origin of odom")

    def _reset_to_pose(
        self, request: ResetToPose.Request, response: ResetToPose.Response
    ) -> ResetToPose.Response:
        try:
            T_odom_base = transform_from_pose(request.pose)
            self._controls.reset(T_odom_base, "~/reset_to_pose was called")
        except ValueError as error:
            response.success, response.message = False, str(error)
        else:
            p = request.pose.position
            where = f"({p.x:.3f}, {p.y:.3f}, {p.z:.3f})"
            response.message = self._told(f"restarted: the next image is at {where} m in odom")
            response.success = True
        return response

    def _pause(self) -> str:
        if self._controls.pause(True):
            return "paused already"
        return self._told("paused: images are skipped until ~/resume")

    def _resume(self) -> str:
        if not self._controls.pause(False):
            return "was not paused"
        return self._told("resumed")

    def _save_trajectory(self) -> str:
        poses = self._controls.trajectory()
        if not poses:
            raise ValueError("no pose was measured yet: nothing was written")
        path = self._path(f"trajectory_{ns_to_seconds(poses[-1][0])}.txt")
        tum_rows.write(path, poses)
        return self._told(f"{path}: {len(poses)} poses (T_odom_base, TUM rows)")

    def _save_landmarks(self) -> str:
        stamp_ns, points_odom, num_seen = self._controls.landmarks()
        if len(points_odom) == 0:
            raise ValueError("no landmark is known yet: nothing was written")
        path = self._path(f"landmarks_{ns_to_seconds(stamp_ns)}.ply")
        ply.write(path, points_odom, num_seen)
        return self._told(f"{path}: {len(points_odom)} landmarks (odom, m)")

    def _path(self, name: str) -> Path:
        folder = self._folder.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        return folder / name

    def _told(self, text: str) -> str:
        self._logger.info(text)
        return text


def _responder(
    answer: Callable[[], str],
) -> Callable[[Trigger.Request, Trigger.Response], Trigger.Response]:
    """Return the callback that answers with a sentence, or with what went wrong."""

    def respond(_: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        try:
            response.success, response.message = True, answer()
        except Exception as error:
            response.success, response.message = False, explain(error)
        return response

    return respond
