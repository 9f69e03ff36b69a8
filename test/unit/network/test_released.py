"""Where the authors' checkpoint comes from, and what is said when there is none."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import socket
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

from aliked_ros.network import released
from aliked_ros.network.aliked import ALIKED
from aliked_ros.network.released import WeightsError, download, find_weights

MODEL = "aliked-t16"
FILE_NAME = "aliked-t16.pth"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty user cache, and no folder of weights."""
    monkeypatch.delenv("ALIKED_WEIGHTS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "aliked_ros"


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a checkpoint that stands for the released one of MODEL."""
    folder = tmp_path / "release"
    folder.mkdir()
    torch.save(ALIKED.from_seed(MODEL, 7).state_dict(), folder / FILE_NAME)
    digest = hashlib.sha256((folder / FILE_NAME).read_bytes()).hexdigest()
    monkeypatch.setitem(released.RELEASE_SHA256, MODEL, digest)
    return folder


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a folder on the loopback interface; yields its URL."""

    class QuietHandler(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def unused_url() -> str:
    """Return the URL of a port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def test_explicit_file_wins_over_every_folder(tmp_path, release, monkeypatch):
    monkeypatch.setenv("ALIKED_WEIGHTS", str(release))
    own = tmp_path / "own.pth"
    own.write_bytes(b"own")
    assert find_weights(MODEL, str(own)) == own


def test_explicit_file_that_is_absent_is_named(tmp_path):
    with pytest.raises(WeightsError, match=r"absent\.pth.*no such file"):
        find_weights(MODEL, str(tmp_path / "absent.pth"))


def test_named_folder_wins_over_the_cache(release, cache, monkeypatch):
    cache.mkdir(parents=True)
    shutil.copy(release / FILE_NAME, cache)
    assert find_weights(MODEL) == cache / FILE_NAME
    monkeypatch.setenv("ALIKED_WEIGHTS", str(release))
    assert find_weights(MODEL) == release / FILE_NAME


def test_cache_serves_what_the_named_folder_lacks(tmp_path, release, cache, monkeypatch):
    cache.mkdir(parents=True)
    shutil.copy(release / FILE_NAME, cache)
    monkeypatch.setenv("ALIKED_WEIGHTS", str(tmp_path))
    assert find_weights(MODEL) == cache / FILE_NAME


def test_cache_is_in_the_home_without_xdg(monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert released.cache_folder() == tmp_path / ".cache" / "aliked_ros"


def test_damaged_file_in_the_cache_is_refused_with_both_checksums(release, cache):
    cache.mkdir(parents=True)
    (cache / FILE_NAME).write_bytes(b"damaged")
    actual = hashlib.sha256(b"damaged").hexdigest()
    expected = released.RELEASE_SHA256[MODEL]
    with pytest.raises(WeightsError, match=f"{actual}, not {expected}. Delete it"):
        find_weights(MODEL)


def test_absent_weights_are_downloaded_into_the_cache_once(release, cache):
    with serve(release) as url:
        path = find_weights(MODEL, release_url=url)
    assert path == cache / FILE_NAME
    assert path.read_bytes() == (release / FILE_NAME).read_bytes()
    assert [file.name for file in cache.iterdir()] == [FILE_NAME]
    assert find_weights(MODEL, release_url=unused_url()) == path


def test_damaged_download_leaves_nothing_behind(release, cache):
    (release / FILE_NAME).write_bytes(b"not what the checksum says")
    with serve(release) as url, pytest.raises(WeightsError, match="SHA-256"):
        download(MODEL, cache, url)
    assert list(cache.iterdir()) == []


def test_truncated_download_leaves_nothing_behind(release, cache):
    content = (release / FILE_NAME).read_bytes()
    (release / FILE_NAME).write_bytes(content[: len(content) // 2])
    with serve(release) as url, pytest.raises(WeightsError):
        download(MODEL, cache, url)
    assert list(cache.iterdir()) == []


def test_file_that_the_server_lacks_is_an_error_with_its_url(release, cache):
    (release / FILE_NAME).unlink()
    with serve(release) as url, pytest.raises(WeightsError, match=f"{url}/{FILE_NAME}.*404"):
        download(MODEL, cache, url)


def test_offline_error_says_the_three_ways_out(cache):
    with pytest.raises(WeightsError) as caught:
        find_weights(MODEL, release_url=unused_url())
    message = str(caught.value)
    assert "by path (weights)" in message
    assert f"ALIKED_WEIGHTS to a folder that holds {FILE_NAME}" in message
    assert "connect this machine once" in message
    assert str(cache / FILE_NAME) in message


def test_cache_that_cannot_be_written_is_the_same_error(tmp_path, monkeypatch, release):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with serve(release) as url, pytest.raises(WeightsError, match="ALIKED_WEIGHTS"):
        find_weights(MODEL, release_url=url)


@pytest.mark.parametrize("place", [".", "lightglue"])
def test_lightglue_is_found_in_the_named_folder_or_in_its_own(place, tmp_path, monkeypatch):
    path = tmp_path / "weights" / place / "aliked_lightglue.pth"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"stands for it")
    digest = hashlib.sha256(b"stands for it").hexdigest()
    monkeypatch.setitem(released.RELEASE_SHA256, released.LIGHTGLUE, digest)
    monkeypatch.setenv("ALIKED_WEIGHTS", str(tmp_path / "weights"))
    assert find_weights(released.LIGHTGLUE).samefile(path)


def test_networks_of_aliked_are_not_looked_for_in_the_folder_of_lightglue(release, monkeypatch):
    own = release / "lightglue"
    own.mkdir()
    shutil.move(release / FILE_NAME, own / FILE_NAME)
    monkeypatch.setenv("ALIKED_WEIGHTS", str(release))
    with pytest.raises(WeightsError):
        find_weights(MODEL, release_url=unused_url())


def test_each_release_comes_from_its_authors(cache, monkeypatch):
    asked = []

    def fetch(url, file):
        asked.append(url)
        raise OSError("offline")

    monkeypatch.setattr(released, "_fetch", fetch)
    for model in (MODEL, released.LIGHTGLUE):
        with pytest.raises(WeightsError, match="offline"):
            find_weights(model)
    assert asked == [
        f"{released.RELEASE_URL}/{FILE_NAME}",
        f"{released.LIGHTGLUE_URL}/aliked_lightglue.pth",
    ]
