"""Bags with our messages, written without ROS: for the tests of who reads them."""

from pathlib import Path

import numpy as np
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from aliked_ros.datasets.bag_writer import BagWriter

ROOT = Path(__file__).parents[1]
DEFINITIONS = {
    f"aliked_ros/msg/{path.stem}": path.read_text() for path in (ROOT / "msg").glob("*.msg")
}
STORE = get_typestore(Stores.ROS2_JAZZY)
for _name, _definition in DEFINITIONS.items():
    STORE.register(get_types_from_msg(_definition, _name))


def make(type_name, generator, **given):
    """Return a message whose fields are drawn at random, but for those that are given."""
    fields = {
        name: given[name] if name in given else _draw(kind, generator)
        for name, kind in STORE.fielddefs[type_name][1]
    }
    return STORE.types[type_name](**fields)


def _draw(kind, generator):
    form, detail = int(kind[0]), kind[1]
    if form == 2:  # another message
        return make(detail, generator)
    if form == 1:
        return _number(detail[0], generator)
    length = detail[1] if form == 3 else int(generator.integers(1, 9))
    values = [_draw(detail[0], generator) for _ in range(length)]
    is_text = int(detail[0][0]) == 1 and detail[0][1][0] == "string"
    is_message = int(detail[0][0]) == 2
    return values if is_text or is_message else np.array(values)


def _number(kind, generator):
    if kind == "string":
        return "".join(generator.choice(list("abc äß\n"), 7))
    if kind == "bool":
        return bool(generator.integers(2))
    if kind.startswith("float"):
        return np.dtype(kind).type(generator.normal())
    limits = np.iinfo(kind)
    return np.dtype(kind).type(
        generator.integers(limits.min, limits.max, endpoint=True, dtype=kind)
    )


def write(folder, rows):
    """Write (topic, type, time of recording, message) rows as a bag."""
    bag = BagWriter(folder, DEFINITIONS)
    for topic, type_name in {row[:2] for row in rows}:
        bag.add_topic(topic, type_name)
    for topic, type_name, recorded_ns, message in rows:
        bag.write(topic, recorded_ns, bytes(STORE.serialize_cdr(message, type_name)))
    bag.close()


def stamped(seconds, frame_id="camera"):
    """Return a header."""
    nanoseconds = round(seconds * 1e9)
    stamp = STORE.types["builtin_interfaces/msg/Time"](
        sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9
    )
    return STORE.types["std_msgs/msg/Header"](stamp=stamp, frame_id=frame_id)


def differing(first, second):
    """Return the names of the fields, in depth, in which two messages differ."""
    names = []
    for name, value in vars(first).items():
        other = getattr(second, name)
        if hasattr(value, "__msgtype__"):
            names += [f"{name}.{inner}" for inner in differing(value, other)]
        elif not np.array_equal(np.asarray(value), np.asarray(other)):
            names.append(name)
    return names
