"""How an object of a source is named."""

from videoimport.api.videoimport_source import S3Source
from videoimport.worker.fetch.s3_source import place

WISH = S3Source(bucket="films", key="a/b.mp4", endpoint="https://s3.example.com:9000")


def test_an_objects_place_tells_stores_apart() -> None:
    assert place(WISH) == "s3.example.com:9000/films/a/b.mp4"
    assert place(WISH.model_copy(update={"endpoint": None})) == "amazonaws.com/films/a/b.mp4"
