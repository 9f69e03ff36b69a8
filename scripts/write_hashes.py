"""Write the SHA-256 of all that is pinned to scripts/hashes/: for `HASHES=true make install`."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LISTS = (
    "requirements.txt",
    "scripts/tools_from_pypi.txt",
    "scripts/jazzy_from_pypi.txt",
    "scripts/kilted_from_pypi.txt",
)
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
PLATFORMS = (
    *(f"manylinux_2_{minor}_x86_64" for minor in range(36, 4, -1)),
    *("manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64", "linux_x86_64"),
)
HEAD = "# Of {}; made by scripts/write_hashes.py."
SOURCES = {"empy"}  # that come as source, of which there is one for all
# PyTorch's own index, which holds the CPU builds, could not be asked where this was written. The
# first is that of a wheel that was at hand; public lock files agree on it and on the others. That
# of Python 3.10 is not known.
TORCH_CPU = {
    "2.13.0": (
        "6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b",  # cp311
        "4ca4a9394b0c771238a4f73590fdbbc4debad85ed0fa63d026ae1b085da7d6e2",  # cp312
        "3fbf9c9d1f3c10c2d59d04aca426dee9ccc6ceb32d255c61e93acc3b4f75fae6",  # cp313
    )
}


def read_list(path: Path) -> list[Requirement]:
    """Return the requirements of a file."""
    lines = (line.partition("#")[0].strip() for line in path.read_text().splitlines())
    return [Requirement(line) for line in lines if line]


def ask_index(wanted: list[Requirement], options: list[str]) -> dict[str, str]:
    """Return name -> SHA-256 of the files that pip would take from its index; no other is asked."""
    if not wanted:
        return {}
    # Neither mirrors nor wheels of this machine: others must find the same files.
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_FIND", "PIP_EX"))}
    environment |= {"PIP_CONFIG_FILE": os.devnull}
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--no-deps"]
        command += ["--ignore-installed", "--target", f"{folder}/none", "--report", str(report)]
        command += [*options, *(f"{one.name}{one.specifier}" for one in wanted)]
        subprocess.run(command, env=environment, check=True)
        items = json.loads(report.read_text())["install"]
    return {
        canonicalize_name(item["metadata"]["name"]): (
            item["download_info"]["archive_info"]["hashes"]["sha256"]
        )
        for item in items
    }


def collect(requirements: list[Requirement]) -> dict[str, dict[str, None]]:
    """Return "NAME==VERSION" -> SHA-256 of its files, one for each Python that has its own."""
    found: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for python in PYTHONS:
        marked = {"python_version": python, "platform_system": "Linux"}
        wanted = [one for one in requirements if not one.marker or one.marker.evaluate(marked)]
        wheels = [one for one in wanted if one.name not in SOURCES]
        options = ["--only-binary=:all:", "--python-version", python]
        options += [word for platform in PLATFORMS for word in ("--platform", platform)]
        hashes = ask_index(wheels, options)
        if python == PYTHONS[0]:
            sources = [one for one in wanted if one.name in SOURCES]
            hashes |= ask_index(sources, [f"--no-binary={','.join(SOURCES)}"])
        for one in wanted:
            if digest := hashes.get(canonicalize_name(one.name)):
                found[f"{one.name}{one.specifier}"][digest] = None
    return found


def entry(pin: str, digests: Iterable[str]) -> str:
    """Return a requirement with its hashes."""
    return " \\\n    ".join([pin, *(f"--hash=sha256:{digest}" for digest in digests)])


def main() -> None:
    """Write a file for each list of requirements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "scripts" / "hashes")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    for name in LISTS:
        requirements = read_list(ROOT / name)
        found = collect(requirements)
        lines = [HEAD.format(name)]
        for one in requirements:
            lines.append(entry(str(one), found[f"{one.name}{one.specifier}"]))
            if one.name == "torch":
                version = str(one.specifier).removeprefix("==")
                own = entry(f"torch=={version}+cpu", TORCH_CPU[version])
                (out / "torch_cpu.txt").write_text(f"{HEAD.format(name)}\n{own}\n")
        (out / Path(name).name).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
