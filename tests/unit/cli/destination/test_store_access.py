"""Access to a destination from this machine."""

from pathlib import Path

import pytest

from videoimport.api.destination import Destination, SecretReference
from videoimport.api.reasons import Reason
from videoimport.cli.destination.access_options import DestinationAccess
from videoimport.cli.destination.store_access import open_store, opened, parse_destination, told_failures, with_keys
from videoimport.cli.errors import UnusableError
from videoimport.cli.manifests.destinations import HERE
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.storage.volume.store import VolumeStore

KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
BUCKET = Destination.model_validate({"s3": {"bucket": "videos"}})
CLAIM = Destination.model_validate({"persistentVolumeClaim": {"claimName": "media"}})


class TestParsing:
    def test_an_address_of_a_bucket_has_bucket_prefix_and_endpoint(self) -> None:
        found, claims = parse_destination("s3://videos/a/b/", "https://s3.example.com", "week-1")
        assert found.s3 is not None
        assert (found.s3.bucket, found.s3.prefix) == ("videos", "a/b")
        assert str(found.s3.endpoint).rstrip("/") == "https://s3.example.com"
        assert found.folder == "week-1"
        assert claims == {}

    def test_a_bucket_alone_has_no_prefix(self) -> None:
        found, _ = parse_destination("s3://videos", None, None)
        assert found.s3 is not None
        assert not found.s3.prefix

    def test_a_folder_is_a_claim_of_this_machine(self) -> None:
        found, claims = parse_destination("~/videos", None, None)
        assert found.persistent_volume_claim is not None
        assert found.persistent_volume_claim.claim_name == HERE
        assert claims == {HERE: Path.home() / "videos"}

    @pytest.mark.parametrize(
        ("into", "endpoint", "folder", "named"),
        [
            ("ftp://host/videos", None, None, "--into ftp://host/videos"),
            ("videos", "https://s3.example.com", None, "--endpoint https://s3.example.com"),
            ("", None, None, "--into has no value; write s3://bucket/prefix"),
            ("s3://", None, None, "--into s3://: the bucket is missing; write s3://bucket"),
            ("s3://b/x", None, None, "--into s3://b/x: the bucket b: it has fewer than 3 characters"),
            ("s3://videos/../x", None, None, "--into s3://videos/../x: the prefix ../x: must not contain"),
            ("s3://videos", "s3.example.com", None, "--endpoint s3.example.com: "),
            ("s3://videos", None, "../up", "--folder ../up: must not contain"),
            ("s3://videos", None, "a" * 300, ": it has more than 256 characters; shorten it."),
        ],
    )
    def test_an_unusable_word_is_named(self, into: str, endpoint: str | None, folder: str | None, named: str) -> None:
        with pytest.raises(UnusableError) as refused:
            parse_destination(into, endpoint, folder)
        assert named in str(refused.value)

    def test_the_option_that_the_user_typed_is_named(self) -> None:
        with pytest.raises(UnusableError, match=r"^--destination s3://b: the bucket b: "):
            parse_destination("s3://b", None, None, option="--destination")

    def test_a_password_in_an_endpoint_is_not_shown(self) -> None:
        with pytest.raises(UnusableError) as refused:
            parse_destination("s3://videos", "https://me:very-secret@s3.example.com", None)
        assert "very-secret" not in str(refused.value)
        assert "--endpoint" in str(refused.value)


class TestKeys:
    def test_a_destination_with_a_secret_needs_a_folder_of_keys(self) -> None:
        secret = BUCKET.model_copy(update={"credentials_secret_ref": SecretReference(name="bucket-keys")})
        with pytest.raises(UnusableError, match="needs the Secret bucket-keys; give --keys DIR"):
            with_keys(secret, None)
        assert with_keys(BUCKET, None) == BUCKET

    def test_a_missing_key_is_named(self, tmp_path: Path) -> None:
        (tmp_path / KEYS[0]).write_text("id")
        with pytest.raises(UnusableError, match=f"no file {KEYS[1]}; write it there"):
            with_keys(BUCKET, tmp_path)

    def test_the_folder_replaces_the_secret(self, tmp_path: Path) -> None:
        for key in KEYS:
            (tmp_path / key).write_text("value")
        assert with_keys(BUCKET, tmp_path).credentials_secret_ref == SecretReference(name="keys")


class TestVolumes:
    def test_a_claim_is_the_folder_that_replaces_it(self, tmp_path: Path) -> None:
        with opened(CLAIM, DestinationAccess(claims={"media": tmp_path})) as store:
            assert isinstance(store, VolumeStore)
            (tmp_path / "file").write_text("content")
            found = store.read("file")
        assert found is not None
        assert found.body == b"content"

    def test_a_claim_without_a_folder_is_named(self) -> None:
        with pytest.raises(UnusableError, match="--claim media=DIR"):
            open_store(CLAIM, DestinationAccess())

    def test_a_folder_that_does_not_exist_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(UnusableError, match=f"There is no folder {tmp_path}/none"):
            open_store(CLAIM, DestinationAccess(claims={"media": tmp_path / "none"}))


def test_a_failure_is_told_with_its_reason_and_the_solution() -> None:
    told = r"^begin: DestinationDenied: The bucket said no\. .+"
    with pytest.raises(UnusableError, match=told), told_failures("begin: "):
        raise ImportFailure(Reason.DESTINATION_DENIED, "The bucket said no.")


def test_a_solution_of_this_machine_replaces_that_of_a_cluster() -> None:
    here, told = {Reason.ADDRESS_FORBIDDEN: "Use --allow-network."}, r": It is private\. Use --allow-network\.$"
    with pytest.raises(UnusableError, match=told), told_failures("", here):
        raise ImportFailure(Reason.ADDRESS_FORBIDDEN, "It is private.")
