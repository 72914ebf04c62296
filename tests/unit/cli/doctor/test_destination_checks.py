"""The check of a destination, with a volume of this machine."""

from pathlib import Path

import pytest

from videoimport.api.destination import Destination
from videoimport.cli.destination.access_options import DestinationAccess
from videoimport.cli.doctor.destination_checks import check_destination

CLAIM = Destination.model_validate({"persistentVolumeClaim": {"claimName": "media"}, "folder": "a/b"})
BUCKET = Destination.model_validate({"s3": {"bucket": "videos"}})


def test_a_folder_that_can_be_written_is_ok_and_is_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "before").touch()
    check = check_destination(CLAIM, DestinationAccess(claims={"media": tmp_path}))
    assert (check.name, check.state) == ("Destination", "ok")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["before"]


@pytest.mark.parametrize(
    ("destination", "named"), [(CLAIM, "--claim media=DIR"), (BUCKET, "no file AWS_ACCESS_KEY_ID")]
)
def test_a_missing_folder_or_key_is_named(tmp_path: Path, destination: Destination, named: str) -> None:
    check = check_destination(destination, DestinationAccess(keys=tmp_path))
    assert check.state == "failed"
    assert named in check.message


def test_a_folder_that_cannot_be_written_is_told_and_no_file_stays(tmp_path: Path) -> None:
    """A file in the place of a folder, which no user can write to."""
    (tmp_path / "a").write_text("")
    check = check_destination(CLAIM, DestinationAccess(claims={"media": tmp_path}))
    assert check.state == "failed"
    assert check.message.startswith("Destination")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["a"]
