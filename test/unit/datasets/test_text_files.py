import pytest

from aliked_ros.datasets.sequence import DatasetError
from aliked_ros.datasets.text_files import read_text, read_yaml


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_is_read_whatever_editor_wrote_it(tmp_path, encoding):
    (tmp_path / "a.txt").write_bytes("k\u00fche\r\n1\r2".encode(encoding))
    assert read_text(tmp_path / "a.txt") == "k\u00fche\n1\n2"


@pytest.mark.parametrize("data", ["k\u00fche".encode("latin-1"), "ab".encode("utf-16-le")])
def test_what_is_no_text_is_named(tmp_path, data):
    (tmp_path / "a.txt").write_bytes(data)
    with pytest.raises(DatasetError, match=r"a\.txt is not text in utf-8.*save it as UTF-8"):
        read_text(tmp_path / "a.txt")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"none\.txt: No such file"):
        read_text(tmp_path / "none.txt")


def test_opencvs_yaml_is_read(tmp_path):
    text = "%YAML:1.0\n---\nK: !!opencv-matrix\n  rows: 1\n  data: [1, 2]\n"
    (tmp_path / "a.yaml").write_text(text)
    assert read_yaml(tmp_path / "a.yaml") == {"K": {"rows": 1, "data": [1, 2]}}
