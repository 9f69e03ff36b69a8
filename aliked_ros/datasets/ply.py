"""Points -> a PLY file, the form that MeshLab, CloudCompare and Open3D read."""

from __future__ import annotations

from pathlib import Path

from aliked_ros.structs import AnyArray


def write(path: Path, points: AnyArray, num_seen: AnyArray) -> None:
    """Write points (L, 3), metres, and how many keyframes see each (L,)."""
    header = [
        "ply",
        "format ascii 1.0",
        f"element vertex {len(points)}",
        *(f"property float {axis}" for axis in "xyz"),
        "property int num_seen",
        "end_header",
    ]
    rows = [
        f"{x:.6g} {y:.6g} {z:.6g} {count}"
        for (x, y, z), count in zip(points.tolist(), num_seen.tolist(), strict=True)
    ]
    path.write_text("\n".join([*header, *rows]) + "\n", encoding="ascii")
