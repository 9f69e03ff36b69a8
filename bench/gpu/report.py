"""What was found, as a short text."""

from __future__ import annotations

from typing import Any


def table(found: dict[str, Any]) -> str:
    """Return every step with its numbers, one line each; long lists are cut."""
    lines = []
    for step, values in found.items():
        lines.append(f"== {step}: {values.get('status', '')} ({values.get('seconds', 0)} s)")
        for name, value in values.items():
            if name in ("status", "seconds"):
                continue
            lines.extend(_lines(name, value, "  "))
    return "\n".join(lines) + "\n"


def _lines(name: str, value: Any, indent: str) -> list[str]:
    if isinstance(value, dict):
        if "error" in value:
            return [f"{indent}{name}: ERROR {value['error']}"]
        if all(not isinstance(one, (dict, list)) for one in value.values()):
            inner = ", ".join(f"{key} {_short(one)}" for key, one in value.items())
            return [f"{indent}{name}: {inner}"]
        lines = [f"{indent}{name}:"]
        for key, one in value.items():
            lines.extend(_lines(str(key), one, indent + "  "))
        return lines
    if isinstance(value, list) and value and isinstance(value[0], str):
        width, lines, line = 150, [f"{indent}{name}:"], indent + "   "
        for one in value:
            if len(line) + len(one) > width:
                lines.append(line)
                line = indent + "   "
            line += f" {one};"
        return [*lines, line]
    return [f"{indent}{name}: {_short(value)}"]


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
