"""Thumbnails for the results page, from the destination or from its public address."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.local_server import QuietHandler, serving
from videoimport.api.destination import Destination
from videoimport.cli.results.html_page import MOST_PICTURE_BYTES
from videoimport.cli.results.pictures import MOST_PICTURES, key_of, public_reader, read_pictures, store_reader
from videoimport.worker.storage.volume.store import VolumeStore

BUCKET = Destination.model_validate({"s3": {"bucket": "videos"}})
CLAIM = Destination.model_validate({"persistentVolumeClaim": {"claimName": "media"}})
LARGE = b"x" * (MOST_PICTURE_BYTES + 1)


@pytest.mark.parametrize(
    ("destination", "uri", "key"),
    [
        (BUCKET, "s3://videos/a/1.jpg", "a/1.jpg"),
        (BUCKET, "s3://videos-of-others/a/1.jpg", None),
        (BUCKET, "https://media.example.com/1.jpg", None),
        (BUCKET, "s3://videos/", None),
        (BUCKET, "", None),
        (CLAIM, "pvc://media/a/1.jpg", "a/1.jpg"),
        (CLAIM, "pvc://other/a/1.jpg", None),
    ],
)
def test_the_key_of_an_address_is_in_the_destination_only(destination: Destination, uri: str, key: str | None) -> None:
    assert key_of(uri, destination) == key


class TestOrder:
    def test_each_picture_has_the_place_of_its_address(self) -> None:
        uris = ["s3://videos/1", "", "s3://videos/missing", "s3://other/2", "s3://videos/2"]
        content = {"1": b"one", "2": b"two"}
        assert read_pictures(uris, BUCKET, content.get) == [b"one", None, None, None, b"two"]

    def test_no_more_pictures_are_read_than_a_page_has(self) -> None:
        uris = [f"s3://videos/{number}" for number in range(MOST_PICTURES + 2)]
        found = read_pictures(uris, BUCKET, str.encode)
        assert found[MOST_PICTURES - 1 :] == [str(MOST_PICTURES - 1).encode(), None, None]


class TestStore:
    def test_a_picture_is_read_from_the_destination_unless_it_is_too_large(self, tmp_path: Path) -> None:
        (tmp_path / "small.jpg").write_bytes(b"picture")
        (tmp_path / "large.jpg").write_bytes(LARGE)
        read = store_reader(VolumeStore(tmp_path, "media", ""))
        assert [read(f"{name}.jpg") for name in ("small", "large", "none")] == [b"picture", None, None]

    def test_a_folder_in_the_place_of_a_picture_is_no_picture(self, tmp_path: Path) -> None:
        (tmp_path / "1.jpg").mkdir()
        assert store_reader(VolumeStore(tmp_path, "media", ""))("1.jpg") is None


class _Site(QuietHandler):
    """Answers with a picture, with one that is too large, with a redirect to a picture, and otherwise with 404."""

    def do_GET(self) -> None:
        bodies = {"/base/a%20b.jpg": b"picture", "/base/large": LARGE, "/base/empty": b""}
        moved = self.path == "/base/moved"
        body = bodies.get(self.path)
        self.send_response(302 if moved else 404 if body is None else 200)
        if moved:
            self.send_header("Location", "/base/a%20b.jpg")
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")


class TestPublicAddress:
    @pytest.fixture
    def base(self) -> Iterator[str]:
        with serving(_Site) as port:
            yield f"http://127.0.0.1:{port}/base"

    def test_a_picture_is_read_from_the_public_address(self, base: str) -> None:
        assert public_reader(base)("a b.jpg") == b"picture"

    @pytest.mark.parametrize("key", ["moved", "large", "empty", "none"])
    def test_a_redirect_and_other_answers_are_no_picture(self, base: str, key: str) -> None:
        assert public_reader(base)(key) is None

    @pytest.mark.parametrize("address", [None, "http://127.0.0.1:1", "http://[::1"])
    def test_a_picture_without_an_address_that_answers_is_missing(self, address: str | None) -> None:
        assert public_reader(address)("1.jpg") is None
