"""What is chosen of what a page has besides its video."""

from videoimport.worker.fetch.ytdlp import sidecars as extras


def test_languages_that_come_to_one_name_keep_files_of_their_own() -> None:
    one = [{"ext": "vtt", "url": "https://e.com/1"}]
    told = {"en_US": one, "en-US": one, "en-us": one, "de": one, "??": one}
    names = [name for name, _ in extras._chosen(told)]
    assert names == ["en-US", "en-US-2", "en-us-3", "de"]
