"""Keys of a destination."""

from pathlib import Path

import pytest

from videoimport.api.destination import Destination
from videoimport.api.reasons import Reason
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.storage.credentials import read_keys


def wish(secret: str | None) -> Destination:
    reference = {"credentialsSecretRef": {"name": secret}} if secret else {}
    return Destination.model_validate({"s3": {"bucket": "videos"}, **reference})


class TestKeys:
    def test_files_are_read_and_trimmed(self, tmp_path: Path) -> None:
        (tmp_path / "AWS_ACCESS_KEY_ID").write_text("id\n")
        (tmp_path / "AWS_SECRET_ACCESS_KEY").write_text("secret\n")
        keys = read_keys(wish("store"), tmp_path)
        assert keys is not None
        assert (keys.key_id, keys.secret, keys.token) == ("id", "secret", None)
        assert "secret" not in repr(keys)

    def test_a_destination_without_a_secret_has_no_keys(self, tmp_path: Path) -> None:
        assert read_keys(wish(None), tmp_path) is None

    @pytest.mark.parametrize("folder", ["", "missing"])
    def test_a_missing_secret_is_named(self, tmp_path: Path, folder: str) -> None:
        with pytest.raises(ImportFailure, match="no Secret 'store'") as caught:
            read_keys(wish("store"), tmp_path / folder)
        assert caught.value.reason is Reason.CREDENTIALS_NOT_FOUND

    def test_a_missing_or_empty_key_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "AWS_ACCESS_KEY_ID").write_text("id")
        (tmp_path / "AWS_SECRET_ACCESS_KEY").write_text("\n")
        with pytest.raises(ImportFailure, match="has no key AWS_SECRET_ACCESS_KEY"):
            read_keys(wish("store"), tmp_path)
