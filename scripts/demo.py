"""The whole pipeline in real ROS processes on a sequence; pictures and figures go to out/.

make demo                              a sequence of $ALIKED_SHARED, else the rendered room
make demo SEQUENCE=/path/to/sequence   any layout that `python3 -m aliked_ros track` knows
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import cv2

try:
    from ament_index_python.packages import get_package_prefix
except ModuleNotFoundError:
    sys.exit("demo: there is no ROS in this shell: make install, then source scripts/activate.sh")

from aliked_ros import __version__
from aliked_ros.cli.report.page import make_page
from aliked_ros.cli.report.run_files import read_run
from aliked_ros.config import MODELS, SENSORS
from aliked_ros.datasets import DatasetError, GroundTruth, Sequence, open_sequence, tum_rows
from aliked_ros.drawing import tile
from aliked_ros.evaluation.odometry.trajectory import Comparison, compare_files
from aliked_ros.extras import MissingPackageError
from aliked_ros.geometry.se3 import T_BODY_OPTICAL
from aliked_ros.plotting import plot_trajectory

ROOT = Path(__file__).resolve().parent.parent
SHARED_SEQUENCE = "data/kitti00"
STRIP_PICTURES = 6
RESULTS = (
    "player.json", "trajectory.txt", "trajectory_camera.txt", "ground_truth.txt", "status.csv",
    "summary.json", "trajectory.png", "tracks.png", "report.html",
)  # fmt: skip


def main() -> int:
    """Run the demo; return 0 if every node ended well and the odometry answered every frame."""
    options = parse_arguments()
    try:
        sequence = open_sequence(options.sequence, camera_info=options.camera_info or None)
        sensor = options.sensor or sequence.best_sensor
        sequence.require(sensor)
    except DatasetError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    out = options.out.resolve()
    prepare(out)
    print(f"{sequence.name}: {len(sequence)} frames as {sensor}, results in {out}")
    codes = run_nodes(options, sensor, len(sequence), out)
    if codes["player_node"] != 0 or not (out / "player.json").exists():
        print(f"demo: a node ended early: {codes}; see {out / 'logs'}", file=sys.stderr)
        return 1
    played = json.loads((out / "player.json").read_text())
    comparison = score(sequence, sensor, round(played["stamp_offset_s"] * 1e9), out)
    make_strip(out)
    summarise(sequence.name, sensor, played, comparison, codes, out)
    write_report(out)
    return 0 if played["unanswered"] == 0 and not any(codes.values()) else 1


def parse_arguments() -> argparse.Namespace:
    """Return the options; every default leaves the choice to the pipeline."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sequence", nargs="?", default=default_sequence(), help="what to play")
    parser.add_argument("--sensor", choices=SENSORS, help="default: what measures most")
    parser.add_argument("--camera-info", default="", help="calibration that overrides its own")
    parser.add_argument("--model", choices=MODELS, help="network variant")
    parser.add_argument("--weights", default="", help="checkpoint file")
    parser.add_argument("--device", default="", help="auto, cpu, cuda")
    parser.add_argument(
        "--separate", action="store_true", help="extractor and tracker in processes of their own"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "out", help="folder for the results")
    return parser.parse_args()


def default_sequence() -> str:
    """Return the shared sequence where there is one, else the rendered room."""
    shared = Path(os.environ.get("ALIKED_SHARED", ROOT.parent / "shared"), SHARED_SEQUENCE)
    return str(shared) if shared.is_dir() else "synthetic"


def prepare(out: Path) -> None:
    """Empty what an earlier demo left; never touch anything else in the folder."""
    for name in ("logs", "overlay"):
        shutil.rmtree(out / name, ignore_errors=True)
    for name in RESULTS:
        (out / name).unlink(missing_ok=True)
    (out / "logs").mkdir(parents=True)


def run_nodes(
    options: argparse.Namespace, sensor: str, num_frames: int, out: Path
) -> dict[str, int]:
    """Start the nodes, wait until the player has played, stop the rest; return exit codes."""
    environment = {**os.environ, "ROS_DOMAIN_ID": os.environ.get("ROS_DOMAIN_ID", "42")}
    running = {}
    try:
        for executable, values in node_parameters(options, sensor, num_frames, out).items():
            running[executable] = start(executable, values, environment, out / "logs")
        codes = {"player_node": wait_for_player(running, out / "logs")}
    except KeyboardInterrupt:
        codes = stop({"player_node": running["player_node"]} if "player_node" in running else {})
        codes["player_node"] = 130
    return codes | stop({name: running[name] for name in running if name != "player_node"})


def node_parameters(
    options: argparse.Namespace, sensor: str, num_frames: int, out: Path
) -> dict[str, dict[str, object]]:
    """Return executable -> parameters, in the order in which the nodes start."""
    extractor = {
        "extractor.model": options.model,
        "extractor.weights": options.weights,
        "extractor.device": options.device,
    }
    tracker = {
        "odometry.sensor": sensor,
        "camera_transform": "optical",
        "device": options.device,
    }
    return {
        **(
            {"extractor_node": extractor, "tracker_node": tracker}
            if options.separate
            else {"composed_node": extractor | tracker}
        ),
        "overlay_node": {},
        "recorder_node": {
            "output_dir": out,
            "picture_period": max(num_frames // STRIP_PICTURES, 1),
        },
        "player_node": {
            "dataset": options.sequence,
            "camera_info": options.camera_info,
            "sensor": sensor,
            "rate": 0.0,
            "num_subscribers": 2,  # the overlay too, which takes images once its pictures are
            "start_timeout_s": 3600.0,  # the weights may have to be downloaded first
            "report": out / "player.json",
        },
    }


def stop(running: dict[str, subprocess.Popen[bytes]]) -> dict[str, int]:
    """Press Ctrl-C on every node, and kill what does not end within half a minute."""
    for process in running.values():
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
    codes = {}
    for name, process in running.items():
        try:
            codes[name] = process.wait(30)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            process.kill()
            codes[name] = process.wait()
    return codes


def start(
    executable: str, values: dict[str, object], environment: dict[str, str], logs: Path
) -> subprocess.Popen[bytes]:
    """Start one node with the parameters that have a value; its output goes to a log file."""
    path = Path(get_package_prefix("aliked_ros"), "lib", "aliked_ros", executable)
    command = [sys.executable, str(path), "--ros-args"]
    for name, value in values.items():
        if value not in (None, ""):
            command += ["-p", f"{name}:={value}"]
    # A group of its own: Ctrl-C reaches the nodes through us, once.
    with (logs / f"{executable}.log").open("w") as log:
        return subprocess.Popen(
            command, stdout=log, stderr=log, env=environment, start_new_session=True
        )


def last_line(logs: Path, executable: str) -> str:
    """Return the last thing that a node said."""
    lines = (logs / f"{executable}.log").read_text().strip().splitlines()
    return lines[-1] if lines else "without a word"


def wait_for_player(running: dict[str, subprocess.Popen[bytes]], logs: Path) -> int:
    """Wait for the player; stop it if another node has died, for then nobody will answer."""
    player = running["player_node"]
    while True:
        try:
            return player.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            others = [name for name in running if name != "player_node"]
            dead = [name for name in others if running[name].poll() is not None]
            if dead:
                player.send_signal(signal.SIGINT)
                print(f"demo: {dead[0]} has ended: {last_line(logs, dead[0])}", file=sys.stderr)
                return player.wait(30) or 1


def score(sequence: Sequence, sensor: str, offset_ns: int, out: Path) -> Comparison | None:
    """Compare the recorded odometry with ground truth and plot both."""
    recorded = tum_rows.read(out / "trajectory.txt")
    estimate = GroundTruth(recorded.stamps_ns - offset_ns, recorded.T_world_camera)
    # The recorder writes the base; the camera sits in it as REP 103 turns it.
    estimate = estimate.moved_by(T_BODY_OPTICAL)
    camera = out / "trajectory_camera.txt"
    tum_rows.write(camera, zip(estimate.stamps_ns.tolist(), estimate.T_world_camera, strict=True))
    comparison = None
    if sequence.ground_truth is not None:
        truth = out / "ground_truth.txt"
        poses = sequence.ground_truth
        tum_rows.write(truth, zip(poses.stamps_ns.tolist(), poses.T_world_camera, strict=True))
        try:
            comparison = compare_files(camera, truth, with_scale=sensor == "mono")
        except MissingPackageError as error:
            print(f"  no score: {error}")
    if comparison is not None:
        ate = f"ATE {comparison.score.ate_rmse_m:.3f} m, {comparison.score.alignment}-aligned"
        picture = plot_trajectory(
            comparison.stamps_ns,
            comparison.positions_m,
            comparison.reference_m,
            title=f"{sequence.name}, {sensor}: {ate}",
        )
    else:
        positions = estimate.T_world_camera[:, :3, 3]
        picture = plot_trajectory(estimate.stamps_ns, positions, title=sequence.name)
    cv2.imwrite(str(out / "trajectory.png"), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    return comparison


def make_strip(out: Path) -> None:
    """Put the recorded overlay pictures into one."""
    files = sorted((out / "overlay").glob("*.png"))[:STRIP_PICTURES]
    if files:
        strip = tile([cv2.imread(str(path)) for path in files], columns=2)
        cv2.imwrite(str(out / "tracks.png"), strip)


def summarise(
    name: str,
    sensor: str,
    played: dict[str, object],
    comparison: Comparison | None,
    codes: dict[str, int],
    out: Path,
) -> None:
    """Print what a user wants to know first, and keep it as JSON."""
    with (out / "status.csv").open(newline="") as file:
        statuses = list(csv.DictReader(file))
    tracking = sum(row["state"] == "2" for row in statuses)
    processed = int(statuses[-1]["num_processed"]) if statuses else 0
    figures = {
        "frames in": played["sent"],
        "processed": processed,
        "skipped": int(played["sent"]) - processed,
        "with a measured pose": tracking,
        "network": network(out / "logs" / "composed_node.log"),
        "latency median (ms)": played["latency_median_ms"],
        "latency p99 (ms)": played["latency_p99_ms"],
    }
    if comparison is not None:
        figures.update({f"{name}": value for name, value in asdict(comparison.score).items()})
    figures["exit codes"] = codes
    told = {"sequence": {"name": name}, "sensor": sensor, "version": __version__, **figures}
    (out / "summary.json").write_text(json.dumps(told, indent=2) + "\n")
    for name, value in figures.items():
        print(f"  {name:22} {value:.4g}" if isinstance(value, float) else f"  {name:22} {value}")
    print(f"  pictures               {out / 'trajectory.png'}, {out / 'tracks.png'}")


def write_report(out: Path) -> None:
    """Put everything onto one page, and name it."""
    page = out / "report.html"
    page.write_text(make_page(read_run(out)), encoding="utf-8")
    print(f"  look at                {page}")


def network(log: Path) -> str:
    """Return which network ran, with which weights, as the node said it."""
    found = re.search(r"aliked-\S+ on .*, weights \S+", log.read_text())
    return found[0] if found else "unknown"


if __name__ == "__main__":
    sys.exit(main())
