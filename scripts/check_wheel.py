"""Check an installed wheel: the library, its kernels and its command, outside the source tree.

`scripts/wheels.sh` runs it with the Python of a fresh environment, isolated (-I).
"""

import argparse
import subprocess
import sys
import sysconfig
import tempfile
import time
from importlib.metadata import distribution, version
from pathlib import Path

import cv2
import numpy as np
import torch

import aliked_ros
from aliked_ros import Extractor, ExtractorConfig, match
from aliked_ros.synthetic.room import SyntheticRoom

MODEL = "aliked-t16"
MAX_DISTANCE_PX = 0.1  # of keypoints that count as the same


def render_image() -> np.ndarray:
    """Return an image (480, 640, 3) uint8 of the rendered room."""
    return SyntheticRoom(num_frames=1).read(0).image


def check_place(prefix: Path) -> None:
    """Raise RuntimeError unless the package that is imported is the one that was installed."""
    home = Path(aliked_ros.__file__).resolve().parent
    if prefix.resolve() not in home.parents:
        raise RuntimeError(f"aliked_ros is imported from {home}, not from {prefix}")
    if not (home / "py.typed").is_file():
        raise RuntimeError(f"{home} has no py.typed: type checkers do not see its types")
    if version("aliked_ros") != aliked_ros.__version__:
        raise RuntimeError(f"the wheel is {version('aliked_ros')}, not {aliked_ros.__version__}")


def check_tag() -> str:
    """Return the tag of the wheel; RuntimeError unless it is for all versions of Python."""
    installed = distribution("aliked_ros")
    tag = str(installed.read_text("WHEEL")).partition("Tag: ")[2].strip()
    if not tag.startswith("py3-none-"):
        raise RuntimeError(f"the wheel is tagged {tag!r}: it must serve every Python 3")
    libraries = [str(file) for file in installed.files or [] if ".so" in file.suffixes]
    if foreign := [name for name in libraries if "aliked_ros/lib/libaliked_" not in name]:
        raise RuntimeError(f"the wheel brings libraries that are not ours: {foreign}")
    return tag


def processor_ms(extractor: Extractor, image: np.ndarray) -> float:
    """Return the least processor time of three extractions, ms."""
    times = []
    for _ in range(3):
        began = time.process_time()
        extractor(image)
        times.append((time.process_time() - began) * 1e3)
    return min(times)


def check_kernels() -> str:
    """Return what was found where compiled kernels and plain torch agree; RuntimeError if not."""
    torch.set_num_threads(1)  # threads that wait for each other would count
    found, spent_ms = {}, []
    image = render_image()
    for backend in ("auto", "torch"):
        config = ExtractorConfig(model=MODEL, weights="package", device="cpu", backend=backend)
        extractor = Extractor(config)
        found[extractor.backend] = extractor(image)
        spent_ms.append(processor_ms(extractor, image))
    if "compiled kernels" not in found:
        raise RuntimeError("the wheel runs without compiled kernels")
    compiled, plain = found["compiled kernels"], found["torch"]
    index0, index1 = match(compiled, plain).indices.T
    distances = (compiled.keypoints[index0] - plain.keypoints[index1]).norm(dim=1)
    same = int((distances < MAX_DISTANCE_PX).sum())
    if len(compiled) < 100 or same < 0.99 * len(compiled):
        raise RuntimeError(f"{len(compiled)} keypoints, of which plain torch finds {same}")
    ratio = spent_ms[1] / spent_ms[0]
    return (
        f"{len(compiled)} keypoints, {same} of them also by plain torch, which takes {ratio:.1f} "
        f"times the {spent_ms[0]:.0f} ms of one thread"
    )


def check_command(scripts: Path) -> None:
    """Run `aliked` on an image file; CalledProcessError or RuntimeError if that fails."""
    command = [str(scripts / "aliked")]
    subprocess.run([*command, "--help"], check=True, stdout=subprocess.DEVNULL)
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder, "room.png")
        cv2.imwrite(str(picture), render_image())
        command += ["extract", str(picture), "--out", f"{folder}/out"]
        subprocess.run([*command, "--weights", "package", "--model", MODEL], check=True)
        (features,) = Path(folder, "out").rglob("*.npz")
        if len(np.load(features)["keypoints"]) == 0:
            raise RuntimeError("`aliked extract` finds no keypoint in a rendered room")


def main() -> None:
    """Print what was checked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prefix", type=Path, default=sys.prefix, help="of the installation")
    parser.add_argument("--scripts", type=Path, default=sysconfig.get_path("scripts"))
    options = parser.parse_args()
    try:
        check_place(options.prefix)
        tag = check_tag()
        found = check_kernels()
        check_command(options.scripts)
    except RuntimeError as error:
        sys.exit(f"check_wheel: {error}")
    name = f"Python {sys.version.split()[0]}: aliked_ros {aliked_ros.__version__} ({tag})"
    print(f"{name} works: {found}")


if __name__ == "__main__":
    main()
