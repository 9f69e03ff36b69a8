"""evaluate results: every evaluation on the data at hand, as one page (docs/results.md)."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aliked_ros.cli.commands import find_command

if TYPE_CHECKING:
    from aliked_ros.evaluation.reports.report import Report

DESCRIPTION = "Run the evaluations on the data at hand and write docs/results.md."

_PREFIX = "python3 -m aliked_ros "
_SOME = "aliked-t16,aliked-n16,aliked-n16rot,sift,orb"
# What is known in public and cannot be run without the data: MMA@3 and the like stay empty.
_ELSEWHERE = (
    ("HPatches, 108 sequences", "evaluate homography hpatches-sequences-release"),
    ("MegaDepth-1500", "evaluate pairs megadepth_1500.txt --images DIR --longer-side 1600"),
    ("ScanNet-1500", "evaluate pairs scannet_1500.txt --images DIR --longer-side 640"),
    ("Aachen Day-Night", "evaluate hloc-features images/, then hloc and visuallocalization.net"),
)


@dataclass(frozen=True)
class Section:
    """One evaluation on one set of data.

    Attributes:
        name: of its output folder and in front of its pictures.
        title: heading; empty: that of the evaluation.
        subcommand: which evaluation.
        data: file or folder that it is run on.
        options: further words of its command line.
        before: command that makes the data.
    """

    name: str
    title: str
    subcommand: str
    data: Path
    options: str = ""
    before: str = ""

    def words(self, out: Path) -> list[str]:
        """Return the command line behind `evaluate`, with every option."""
        return [str(self.data), *shlex.split(self.options), "--out", str(out / self.name)]

    def command(self) -> str:
        """Return the command as a reader would type it."""
        words = [
            "evaluate",
            self.subcommand,
            self.data.name,
            *shlex.split(self.options),
            "--out",
            "DIR",
        ]
        return _PREFIX + shlex.join(words)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "data",
        type=Path,
        metavar="DATA",
        help="folder that holds graf/, train/bsds120/, 7scenes_redkitchen/ and kitti00/; what is "
        "absent is left out",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="output folder")
    parser.add_argument(
        "--page", type=Path, default=Path("docs/results.md"), metavar="FILE", help="the page"
    )
    parser.add_argument(
        "--only",
        metavar="A,B,...",
        help="run these sections; the others come from the last run in --out, where there was one",
    )


def run(options: argparse.Namespace) -> int:
    """Write the page, its pictures beside it in pictures/, and the JSON files into DIR."""
    from aliked_ros.evaluation.reports.provenance import provenance
    from aliked_ros.evaluation.reports.report import write_report

    wanted = options.only.split(",") if options.only else None
    origin = provenance()
    parts = [_head(origin)]
    for section in sections(options.data, options.out):
        stored = options.out / section.name / "section.md"
        if wanted is None or section.name in wanted:
            print(f"{section.name}: {section.command()}", file=sys.stderr)
            report = _evaluate(section, options.out)
            own_origin = origin | {"command": section.command()}
            write_report(options.out / section.name, report, own_origin)
            pictures = options.page.parent / "pictures"
            stored.write_text(_part(section, report, pictures, origin["commit"]))
        if stored.is_file():
            parts.append(stored.read_text())
    parts.append(_elsewhere())
    options.page.parent.mkdir(parents=True, exist_ok=True)
    options.page.write_text("\n".join(parts))
    print(f"{len(parts) - 2} sections: {options.page}")
    return 0


def sections(data: Path, out: Path) -> Iterator[Section]:
    """Yield the evaluations whose data are there, in the order of the page."""
    graf, photographs = data / "graf", data / "train" / "bsds120"
    if graf.is_dir():
        yield Section("graf", "Homography: graf", "homography", graf)
    if photographs.is_dir():
        warped = "--limit 20 --sizes 0"
        yield Section("warped", "Homography: warped photographs", "homography", photographs,
                      f"{warped} --no-speed")  # fmt: skip
    for name, limits in (("7scenes_redkitchen", "0.2 1.0"), ("kitti00", "2 10")):
        if (data / name).is_dir():
            pairs = _make_pairs(data / name, out / "lists" / name, limits)
            yield Section(f"pairs_{name}", f"Relative pose: {name}", "pairs", pairs,
                          f"--methods {_SOME}", _PREFIX + _pair_words(name, limits))  # fmt: skip
    if (data / "7scenes_redkitchen").is_dir():
        few = "--max-keypoints 1000 --map-every 16 --query-every 16"
        yield Section("localization", "", "localization", data / "7scenes_redkitchen",
                      f"--methods {_SOME} {few}")  # fmt: skip
    if photographs.is_dir():
        yield Section("robustness", "", "robustness", photographs,
                      f"--methods {_SOME} --limit 3")  # fmt: skip
    if graf.is_dir():
        image = next(iter(sorted(graf.glob("img1.*"))))
        yield Section("speed", "", "speed", image, "--repeats 10")


def _make_pairs(sequence: Path, out: Path, limits: str) -> Path:
    if not (out / "pairs.txt").is_file():
        words = _pair_words(shlex.quote(str(sequence)), limits, shlex.quote(str(out)))
        _command("make-pairs").run(_parse("make-pairs", shlex.split(words)[2:]))
    return out / "pairs.txt"


def _pair_words(sequence: str, limits: str, out: str = "DIR") -> str:
    return f"evaluate make-pairs {sequence} --count 20 --translation-m {limits} --out {out}"


def _command(subcommand: str) -> Any:
    return find_command(__package__, subcommand)


def _parse(subcommand: str, words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    _command(subcommand).add_arguments(parser)
    return parser.parse_args(words)


def _evaluate(section: Section, out: Path) -> Report:
    # One cache for all: sections on the same images share their features.
    words = [*section.words(out), "--cache", str(out / "features")]
    report: Report = _command(section.subcommand).evaluate(_parse(section.subcommand, words))
    return report


def _part(section: Section, report: Report, pictures: Path, commit: str) -> str:
    """Return a section of the page; write its pictures."""
    from dataclasses import replace

    from aliked_ros.datasets.image_files import write_image

    named = {
        f"results_{section.name}_{name.removeprefix(f'{report.name}_')}": image
        for name, image in report.pictures.items()
    }
    for name, image in named.items():
        # They go into the repository: as small as PNG gets.
        write_image(pictures / f"{name}.png", image, png_compression=9)
    shown = replace(report, title=section.title or report.title, pictures=named)
    commands = [f"`{command}`" for command in (section.before, section.command()) if command]
    return f"{shown.markdown('pictures/')}\n{', then '.join(commands)} ({commit})\n"


def _head(origin: dict[str, str]) -> str:
    lines = "\n".join(f"- {name}: {value}" for name, value in origin.items())
    return (
        "# Results\n\nMade by one command from the data at hand; do not edit. Every section names "
        f"the command that repeats it alone.\n\n{lines}\n"
    )


def _elsewhere() -> str:
    """Return what was not measured, with the paper's figures that ours would stand beside."""
    from aliked_ros.evaluation.reports.published import HPATCHES
    from aliked_ros.evaluation.reports.report import Table

    columns = ("method", "MMA@3", "MHA@3", "paper MMA@3", "paper MHA@3")
    rows = [[name, None, None, *figures] for name, figures in HPATCHES.items()]
    table = Table("HPatches, 108 sequences", columns, rows, dict.fromkeys(columns, 2))
    commands = "\n".join(f"- {name}: `{command}`" for name, command in _ELSEWHERE)
    return (
        "## Not measured here\n\nThe data of these benchmarks were not at hand; the commands are "
        f"ready (`python3 -m aliked_ros` in front, `--out DIR` behind).\n\n{commands}\n\n"
        f"{table.markdown()}"
    )
