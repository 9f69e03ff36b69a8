"""Find the authors' checkpoints, verify them (SHA-256), download them; never at import."""

from __future__ import annotations

import hashlib
import os
import tempfile
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO

from tqdm import tqdm

# The authors' repository at the commit whose files the checksums belong to.
RELEASE_URL = (
    "https://raw.githubusercontent.com/Shiaoming/ALIKED/"
    "683d7c65197395c0b3f01ebe76e1084a27e73a65/models"
)
LIGHTGLUE = "aliked_lightglue"
LIGHTGLUE_LENGTH = 128  # numbers of the descriptors that it takes
LIGHTGLUE_URL = "https://github.com/cvg/LightGlue/releases/download/v0.1_arxiv"
RELEASE_SHA256 = {
    "aliked-t16": "56782336919db220144a884e710e2b6af13b3b8f8da15b915a239078ab471085",
    "aliked-n16": "5be8704840ed662d9d8c561bf7279c222092674e7eb05fd0feab94899e9d82f2",
    "aliked-n16rot": "ddf3abbf38e86f6a74540d214e1a9712c54b2d8551abc864542199f2347d7332",
    "aliked-n32": "055283fd1624d3ab46a05c3b617b1a79a3f28d1f551737eef2d653e8c8232890",
    LIGHTGLUE: "d975e965b105311a6143194852297dff4f02aea5cc2e10cecfed966ca0e22503",
}
_SUBFOLDERS = {LIGHTGLUE: ("lightglue",)}  # of $ALIKED_WEIGHTS, looked into as well
_TIMEOUT_S = 20.0
_CHUNK_BYTES = 1 << 16


class WeightsError(RuntimeError):
    """No usable checkpoint; the message says what to do."""


class NoWeightsError(WeightsError):
    """The released checkpoint is nowhere on this machine and cannot be downloaded."""


def find_weights(model: str, weights: str = "", release_url: str = "") -> Path:
    """Return the checkpoint of a model of ALIKED or of LIGHTGLUE, downloading it if needed.

    Looks at `weights` and nowhere else if that is given, else into the folder $ALIKED_WEIGHTS
    (LightGlue: there or in its lightglue/), the user cache, and at last the authors' repository,
    or release_url. Released files are verified by checksum; a
    file that is given by path may hold other parameters.
    """
    if weights:
        path = Path(weights).expanduser()
        if not path.is_file():
            raise WeightsError(
                f"weights is {weights!r}: there is no such file; give a checkpoint of {model}, or "
                "leave it empty for the released one"
            )
        return path
    file_name = f"{model}.pth"
    for folder in _folders(model):
        path = folder / file_name
        if path.is_file():
            _verify(path, model)
            return path
    return download(model, cache_folder(), release_url)


def _folders(model: str) -> list[Path]:
    """Return the folders that may hold a released checkpoint, in the order of the search."""
    given = os.environ.get("ALIKED_WEIGHTS", "")
    places = ["", *_SUBFOLDERS.get(model, ())] if given else []
    return [*(Path(given).expanduser() / place for place in places), cache_folder()]


def cache_folder() -> Path:
    """Return the folder of downloaded checkpoints: $XDG_CACHE_HOME or ~/.cache, /aliked_ros."""
    root = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(root) if root else Path.home() / ".cache") / "aliked_ros"


def download(model: str, folder: Path, release_url: str = "") -> Path:
    """Fetch a released checkpoint into a folder, whole and verified or not at all."""
    path = folder / f"{model}.pth"
    usual_url = LIGHTGLUE_URL if model == LIGHTGLUE else RELEASE_URL
    url = f"{release_url or usual_url}/{path.name}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # A name of its own, then one rename: no reader and no second download sees half a file.
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=folder)
        partial = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                _fetch(url, file)
            _verify(partial, model)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except (OSError, HTTPException, WeightsError) as error:
        raise NoWeightsError(
            f"no weights for {model}, and the download of {url} to {folder} failed ({error}). "
            f"Either give a checkpoint by path (weights), or set ALIKED_WEIGHTS to a folder that "
            f"holds {path.name}, or connect this machine once to the internet (or copy "
            f"{path.name} from another machine to {path})"
        ) from error
    return path


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _verify(path: Path, model: str) -> None:
    """Raise if a file is not the released checkpoint of a model."""
    actual, expected = sha256_of(path), RELEASE_SHA256[model]
    if actual != expected:
        raise WeightsError(
            f"{path} is not the released {model}: its SHA-256 is {actual}, not {expected}. Delete "
            "it, or, if the parameters are your own, give the file by path (weights)"
        )


def _fetch(url: str, file: BinaryIO) -> None:
    """Copy what a URL returns into a file, with a progress bar on a terminal."""
    with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as response:
        length = response.headers.get("Content-Length")
        total = int(length) if length else None
        title = url.rsplit("/", 1)[-1]
        with tqdm(total=total, desc=title, unit="B", unit_scale=True, disable=None) as bar:
            while chunk := response.read(_CHUNK_BYTES):
                file.write(chunk)
                bar.update(len(chunk))
