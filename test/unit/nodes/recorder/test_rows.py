import os

import pytest

from aliked_ros.nodes.recorder.rows import RowFile, write_whole


def test_rows_are_on_disk_at_once(tmp_path):
    file = RowFile(tmp_path / "a.txt")
    file.write("one")
    assert (tmp_path / "a.txt").read_text() == "one\n"
    file.write("two")
    assert (tmp_path / "a.txt").read_text() == "one\ntwo\n"
    file.close()


def test_a_full_disk_leaves_whole_rows_and_one_sentence(tmp_path, monkeypatch):
    file, room = RowFile(tmp_path / "a.txt"), [25]
    write = os.write

    def write_a_part(descriptor, data):
        if room[0] == 0:
            raise OSError(28, "No space left on device")
        part = data[: room[0]]
        room[0] -= len(part)
        return write(descriptor, part)

    monkeypatch.setattr(os, "write", write_a_part)
    file.write("0123456789")
    file.write("0123456789")
    with pytest.raises(OSError, match=r"cannot write .*a.txt: No space left on device; its 2 rows"):
        file.write("0123456789")
    assert (tmp_path / "a.txt").read_text() == "0123456789\n" * 2


def test_a_file_is_whole_or_not_there(tmp_path):
    write_whole(tmp_path / "b.png", b"data")
    assert (tmp_path / "b.png").read_bytes() == b"data"
    with pytest.raises(OSError, match="cannot write"):
        write_whole(tmp_path / "absent" / "c.png", b"data")
    assert [path.name for path in tmp_path.iterdir()] == ["b.png"]
