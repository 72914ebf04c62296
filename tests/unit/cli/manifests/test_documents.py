"""All manifests of a run are read as an API server would store them, or refused with everything that is wrong."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.every_case import every_case
from videoimport.cli.errors import UnusableError
from videoimport.cli.manifests import documents
from videoimport.cli.manifests.documents import Documents, read
from videoimport.cli.manifests.object_problems import examine

GROUP = "videoimport.io/v1alpha1"
URL = {"url": "https://media.example.com/a.mp4"}
S3 = {"s3": {"bucket": "videos"}}
HERE = {"persistentVolumeClaim": {"claimName": "here"}, "ifExists": "Fail"}
EXAMPLES = sorted((Path(__file__).parents[4] / "examples").glob("*.yaml"))
DEFAULTS = "upload-defaults.yaml"
"""The example for the command `upload` has no resource of its own."""
PASSWORD = "hunter2-hunter2"


def resource(kind: str, name: Any = "clip", version: str = GROUP, **parts: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}} | parts


def video(name: Any = "clip", **spec: Any) -> dict[str, Any]:
    return resource("VideoImport", name, spec={"source": URL, "destination": S3} | spec)


def bulk(name: Any = "course", **spec: Any) -> dict[str, Any]:
    return resource("BulkImport", name, spec={"source": {"items": [URL]}, "template": {"destination": S3}} | spec)


def secret(name: Any = "keys", **parts: Any) -> dict[str, Any]:
    return resource("Secret", name, "v1", **parts)


def written(*resources: dict[str, Any]) -> str:
    """JSON, which is YAML too, because the writer of YAML takes a second for a long value."""
    return "".join(f"---\n{json.dumps(resource, default=str)}\n" for resource in resources)


def taken(*resources: dict[str, Any]) -> Documents:
    return read(["-"], io.StringIO(written(*resources)))


def refused(*resources: dict[str, Any]) -> list[str]:
    return refused_text(written(*resources))


def refused_text(text: str) -> list[str]:
    with pytest.raises(UnusableError) as refusal:
        read(["-"], io.StringIO(text))
    return [problem.removeprefix("standard input") for problem in refusal.value.problems]


def test_both_kinds_are_read_with_their_defaults_and_their_folder(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(written(video(), bulk()))
    found = read([str(tmp_path / "all.yaml")])
    assert found.videos[0]["metadata"] == {"name": "clip", "namespace": "default"}
    assert found.videos[0]["spec"]["maxAttempts"] == 5
    assert found.bulks[0]["spec"]["template"]["output"]["mode"] == "Auto"
    assert set(found.folders) == {("VideoImport", "default", "clip"), ("BulkImport", "default", "course")}
    assert set(found.folders.values()) == {tmp_path}
    assert found.homeless == frozenset()


@every_case("path", [path for path in EXAMPLES if path.name != DEFAULTS])
def test_an_example_is_read(path: Path) -> None:
    found = read([str(path)])
    written_kinds = [document["kind"] for document in yaml.safe_load_all(path.read_text()) if document]
    assert len(found.videos) == written_kinds.count("VideoImport")
    assert len(found.bulks) == written_kinds.count("BulkImport")
    assert len(found.secrets) == written_kinds.count("Secret")
    assert len(found.config_maps) == written_kinds.count("ConfigMap")
    assert len(found.ignored) == written_kinds.count("PersistentVolumeClaim")


def test_a_folder_stands_for_its_manifests_by_name_without_folders_below(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    files = {"b.yml": "b", "a.yaml": "a", "c.json": "c", "below/d.yaml": "d", "notes.txt": "e"}
    for file, name in files.items():
        (tmp_path / file).write_text(json.dumps(video(name)))
    found = read([str(tmp_path)])
    assert [raw["metadata"]["name"] for raw in found.videos] == ["a", "b", "c"]


def test_sources_are_joined_and_each_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(written(video("a")))
    path = str(tmp_path / "a.yaml")
    found = read([path, "-", path, "-"], io.StringIO(written(video("b"))))
    assert [raw["metadata"]["name"] for raw in found.videos] == ["a", "b"]


def test_a_list_stands_for_its_items() -> None:
    whole = {"apiVersion": "v1", "kind": "List", "items": [video("a"), secret(stringData={"k": "v"})]}
    bare = {key: part for key, part in video("b").items() if key not in ("apiVersion", "kind")}
    found = taken(whole, {"apiVersion": GROUP, "kind": "VideoImportList", "items": [bare]})
    assert [raw["metadata"]["name"] for raw in found.videos] == ["a", "b"]
    assert found.secrets == {("default", "keys"): {"k": b"v"}}


@pytest.mark.parametrize("raw", [video(destination=None), {**video(), "spec": {"source": URL}}], ids=["null", "absent"])
def test_a_video_without_destination_gets_a_volume(raw: dict[str, Any]) -> None:
    found = taken(raw)
    assert found.videos[0]["spec"]["destination"] == HERE
    assert found.homeless == {("VideoImport", "default", "clip")}


@pytest.mark.parametrize("template", [None, {}, {"maxAttempts": 2}], ids=str)
def test_a_bulk_without_destination_gets_a_volume(template: Any) -> None:
    found = taken(bulk(template=template))
    assert found.bulks[0]["spec"]["template"]["destination"] == HERE
    assert found.homeless == {("BulkImport", "default", "course")}


def test_what_a_cluster_wrote_is_left_out() -> None:
    exported = video() | {"status": {"phase": "Completed"}}
    exported["metadata"] |= {
        "uid": "the-cluster's", "resourceVersion": "7", "ownerReferences": [{}], "namespace": "media",
        "labels": {"team": "press"}, "annotations": {"note": "ü"}, "finalizers": ["a/b"],
    }  # fmt: skip
    (raw,) = taken(exported).videos
    assert set(raw) == {"apiVersion", "kind", "metadata", "spec"}
    kept = {"name": "clip", "namespace": "media", "labels": {"team": "press"}, "annotations": {"note": "ü"}}
    assert raw["metadata"] == kept


def test_secrets_and_config_maps_are_bytes_by_namespace_and_name() -> None:
    encoded = base64.b64encode(b"\xff\x00").decode()
    keys = secret(data={"a": encoded, "b": encoded, "empty": None}, stringData={"b": "ü"})
    keys["metadata"]["namespace"] = "media"
    in_lines = encoded[:2] + "\n" + encoded[2:]
    config = resource("ConfigMap", "list", "v1", data={"urls": "https://a\n"}, binaryData={"raw": in_lines})
    found = taken(video(), keys, config)
    assert found.secrets == {("media", "keys"): {"a": b"\xff\x00", "b": "ü".encode(), "empty": b""}}
    assert found.config_maps == {("default", "list"): {"urls": b"https://a\n", "raw": b"\xff\x00"}}


def test_other_kinds_are_ignored_with_a_note() -> None:
    claim = resource("PersistentVolumeClaim", "media", "v1")
    foreign = resource("Secret", "other", "secrets.example.com/v1")
    assert taken(video(), claim, foreign).ignored == (
        "standard input document 2: PersistentVolumeClaim media is ignored.",
        "standard input document 3: Secret other is ignored.",
    )


@every_case(
    ("resources", "problem"),
    [
        ([video(sourse=URL)], ": spec.sourse: there is no such field; did you mean source?"),
        ([bulk(paralelism=3)], ": spec.paralelism: there is no such field; did you mean parallelism?"),
        ([bulk(parallelism="3")], ': spec.parallelism is "3"; it should be a valid integer.'),
        ([bulk(source={"items": [URL, {"url": "ftp://x/aaaaaa"}]})], ": spec.source.items[1].url: it must begin with"),
        ([bulk(source={})], ": spec.source: give exactly one of items, playlist, s3, manifest."),
        ([bulk(template=[])], ": spec.template is a list; it should be an object."),
        ([bulk(template={"destination": S3, "metadata": {"size": 1}})], ": spec.template.metadata is an object;"),
        ([bulk(template={"destination": S3, "output": {"crf": 3}})], ": spec.template.output.crf: there is no such"),
        ([bulk("a" * 41)], ': metadata.name is "aaaa'),
        ([video("a..b")], ': metadata.name is "a..b"; it has at most 52 lowercase letters'),
        ([video(5)], ": metadata.name is missing; give a name"),
        ([resource("BulkImport")], ": spec is empty; it must be an object with a source, such as source.items."),
        ([video() | {"metadata": {"name": "a", "namespace": "A b"}}], ': metadata.namespace is "A b"; it has'),
        ([video() | {"metadata": {"name": "a", "labels": {"team": 5}}}], ": metadata.labels.team is not text; put"),
        ([video() | {"metadata": {"name": "a", "labels": {"team": "-a"}}}], ": metadata.labels.team: the value of a"),
        ([video() | {"metadata": {"name": "a", "labels": ["a"]}}], ": metadata.labels is not an object; write a line"),
        ([video() | {"metadata": {"name": "a", "annotations": {"-": ""}}}], ": metadata.annotations: a key has"),
        ([video(), video()], " document 2: VideoImport clip is also in standard input document 1; rename one of them."),
        ([video(), secret(), secret()], " document 3: Secret keys is also in standard input document 2; rename one"),
        ([video() | {"apiVersion": "videoimport.io/v9"}], ": apiVersion is videoimport.io/v9; write videoimport.io/v1"),
        ([video() | {"kind": "VideoImprot"}], ": there is no kind VideoImprot; did you mean VideoImport?"),
        ([video() | {"kind": "videoimport"}], ": there is no kind videoimport; did you mean VideoImport?"),
        ([video() | {"kind": "Video"}], ": there is no kind Video; "),
        ([{"spec": {}}], ": kind is missing; write kind: VideoImport or kind: BulkImport."),
        ([video(), {"kind": "Secret", "metadata": {"name": "keys"}}], " document 2: apiVersion is missing; write api"),
        ([secret()], "the manifests hold only Secret; give one with apiVersion: videoimport.io/"),
        ([], "the manifests hold nothing; give one with apiVersion"),
        ([{"apiVersion": "v1", "kind": "List", "items": ["a"]}], ": items[0] is not a resource; begin with apiVersion"),
        ([{"kind": "List", "items": [video(), video(maxAttempts=0)]}], " items[1]: spec.maxAttempts is"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place_and_the_way_out(resources: list[dict[str, Any]], problem: str) -> None:
    assert refused(*resources)[0].startswith(problem), refused(*resources)


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        (
            {"data": {"a": PASSWORD}},
            "data.a is not base64; encode the value, or write the value as it is below stringData.",
        ),
        ({"data": {"a": 5}}, "data.a is not base64;"),
        ({"data": PASSWORD}, "data is not an object;"),
        ({"stringData": {"a": [PASSWORD]}}, "stringData.a is not text; put the value in quotes."),
        ({"stringData": {"a/b": PASSWORD}}, "stringData.a/b: a key has at most 253 letters"),
        ({"stringdata": {"a": PASSWORD}}, "stringdata: there is no such field; did you mean stringData?"),
        (
            {"stringData": {"a": PASSWORD * 70_000}},
            "the values have 1050000 bytes together; a Secret has at most 1048576",
        ),
    ],
)
def test_a_mistake_in_a_secret_shows_no_value(parts: dict[str, Any], problem: str) -> None:
    (told,) = refused(video(), secret(**parts))
    assert told.startswith(f" document 2: {problem}")
    assert PASSWORD not in told


def test_a_secret_is_never_printed() -> None:
    found = taken(video(), secret(stringData={"a": PASSWORD}))
    assert found.secrets[("default", "keys")] == {"a": PASSWORD.encode()}
    assert PASSWORD not in repr(found)


def test_everything_that_is_wrong_is_said_at_once_and_in_order(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(written(video(maxAttempts=0, sourse=1), secret(data={"a": "?"})))
    (tmp_path / "b.yaml").write_text("a: [")
    (tmp_path / "c.yaml").write_text(written(bulk(parallelism=0)))
    with pytest.raises(UnusableError) as refusal:
        read([str(tmp_path)])
    places = [problem.split(": ")[:2] for problem in refusal.value.problems]
    assert places[0][0].endswith("b.yaml is not YAML")
    assert [(Path(file).name, field.split(" ")[0]) for file, field in places[1:]] == [
        ("a.yaml document 1", "spec.sourse"),
        ("a.yaml document 1", "spec.maxAttempts"),
        ("a.yaml document 2", "data.a"),
        ("c.yaml", "spec.parallelism"),
    ]


def test_the_number_of_problems_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MOST_PROBLEMS", 10)
    told = refused(bulk(source={"items": [{"url": f"ftp://x/{number:06}"} for number in range(15)]}))
    assert len(told) <= 10 + 1
    assert told[0].startswith(": spec.source.items[0].url")


def test_the_number_of_documents_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MOST_DOCUMENTS", 2)
    assert refused(video("a"), video("b"), video("c")) == ["there are 3 documents; run at most 2 at once."]


def test_control_codes_of_a_manifest_reach_no_message() -> None:
    red = "\x1b[31mred"
    for bad in (video(red), video() | {"kind": red}, secret(red), video(**{red: 1}), video(metadata={red: []})):
        assert "\x1b" not in " ".join(refused(video("good"), bad))


def test_the_result_of_an_object_is_the_same_as_written_again() -> None:
    (raw,) = taken(video(requirements={})).videos
    assert examine("VideoImport", raw).raw == raw
