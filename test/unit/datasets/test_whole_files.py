import errno
import os

import pytest

from aliked_ros.datasets.whole_files import RowFile, write_whole


def test_each_row_is_on_disk_at_once(tmp_path):
    rows = RowFile(tmp_path / "a.txt")
    rows.write("one")
    assert (tmp_path / "a.txt").read_text() == "one\n"
    rows.write("two")
    assert (tmp_path / "a.txt").read_text() == "one\ntwo\n"
    rows.close()


def test_a_row_that_does_not_fit_is_taken_back(tmp_path, monkeypatch):
    rows = RowFile(tmp_path / "a.txt")
    rows.write("one")
    write = os.write

    def fill(file, data):
        if len(data) < 4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(file, data[:3])

    monkeypatch.setattr(os, "write", fill)
    with pytest.raises(OSError, match=r"a\.txt: No space left on device; its 1 rows are whole"):
        rows.write("three")
    assert (tmp_path / "a.txt").read_text() == "one\n"


def test_a_file_is_whole_or_as_it_was(tmp_path):
    write_whole(tmp_path / "a", b"old")
    write_whole(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"
    with pytest.raises(OSError, match=r"cannot write .*none"):
        write_whole(tmp_path / "none" / "a", b"")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
