"""What the partial file of an earlier run is good for."""

from typing import Any

import pytest

from videoimport.worker.fetch import partial_file
from videoimport.worker.fetch.http.response import Validator
from videoimport.worker.fetch.partial_file import Mark


class TestMarks:
    def mark(self, **more: Any) -> Mark:
        return Mark(**{"source": "url:x", "version": '"a"', "total": 100, "name": "source", "kept": 50, **more})

    @pytest.mark.parametrize(("kept", "total", "usable"), [(50, 100, 50), (100, 100, 99), (50, None, 50), (0, 0, 0)])
    def test_a_byte_is_left_to_ask_for(self, kept: int, total: int | None, usable: int) -> None:
        assert self.mark(kept=kept, total=total).usable == usable

    def test_it_is_read_as_it_was_written(self, tmp_path: Any) -> None:
        partial_file.write_mark(tmp_path, self.mark())
        assert partial_file.read_mark(tmp_path) == self.mark()
        partial_file.remove_mark(tmp_path)
        assert partial_file.read_mark(tmp_path) is None

    @pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/b", ""])
    def test_it_names_no_file_elsewhere(self, tmp_path: Any, name: str) -> None:
        (tmp_path / "fetched.json").write_text(
            self.mark().model_copy(update={"name": name}).model_dump_json(by_alias=True)
        )
        assert partial_file.read_mark(tmp_path) is None

    def test_a_validator_comes_back_from_its_text(self) -> None:
        for validator in (Validator('"a"', "Mon"), Validator('"a"', None), Validator(None, "Mon")):
            assert Validator.parse(validator.text or "") == validator
        assert Validator(None, None).text is None
