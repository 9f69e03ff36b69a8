"""The states of OdometryStatus in words."""

from __future__ import annotations

from aliked_ros.msg import OdometryStatus

STATE_NAMES = {
    OdometryStatus.UNUSABLE: "UNUSABLE",
    OdometryStatus.INITIALISING: "INITIALISING",
    OdometryStatus.TRACKING: "TRACKING",
    OdometryStatus.PREDICTED: "PREDICTED",
    OdometryStatus.LOST: "LOST",
    OdometryStatus.PAUSED: "PAUSED",
}
