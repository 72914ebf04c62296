"""Files of source.upload on this machine. Without a cluster no client sends the file, and the worker reads the file in
place as a file of a volume."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from videoimport.api.labels import VIDEO_KIND
from videoimport.cli.errors import UnusableError
from videoimport.cli.manifests.admission import Raw
from videoimport.cli.manifests.documents import ObjectKey
from videoimport.cli.manifests.shown_values import shorten_text

_DIGITS = 10


@dataclass(frozen=True, slots=True)
class LocalUploads:
    """Resources without source.upload, and the folders of the claims that replace it."""

    resources: tuple[Raw, ...]
    claims: Mapping[str, Path]
    """Folder of each claim, by the name of the claim."""


def find_local_files(
    resources: Sequence[Raw], files: Mapping[str, Path], folders: Mapping[ObjectKey, Path]
) -> LocalUploads:
    """Replace each source.upload by the file on this machine.

    ``files`` has the files of the command line by the name of the VideoImport. Otherwise the file is in the folder of
    its manifest, which ``folders`` has. Raises UnusableError for all files that are missing or have another size, and
    for a name in ``files`` that is not such a VideoImport.
    """
    uploads = [raw for raw in resources if _is_upload(raw)]
    names = {raw["metadata"]["name"] for raw in uploads}
    problems = [
        f"--upload {shorten_text(name)}: no VideoImport of this name has source.upload; correct the name."
        for name in sorted(files.keys() - names)
    ]
    chosen = [_choose_file(raw, files, folders) for raw in uploads]
    problems += filter(None, map(_find_problem, uploads, chosen))
    if problems:
        raise UnusableError(*problems)
    claims = {_name_claim(file): file.parent for file in chosen}
    replaced = map(_replace_source, uploads, chosen)
    return LocalUploads((*(raw for raw in resources if not _is_upload(raw)), *replaced), claims)


def _is_upload(raw: Raw) -> bool:
    return raw["kind"] == VIDEO_KIND and "upload" in raw["spec"]["source"]


def _choose_file(raw: Raw, files: Mapping[str, Path], folders: Mapping[ObjectKey, Path]) -> Path:
    metadata = raw["metadata"]
    beside = folders[(VIDEO_KIND, metadata["namespace"], metadata["name"])]
    name: str = metadata["name"]
    if name in files:
        return files[name].resolve()  # the user names this file, also through a symbolic link
    return Path(beside, raw["spec"]["source"]["upload"]["filename"])


def _name_claim(file: Path) -> str:
    return f"upload-{hashlib.sha256(str(file.parent).encode()).hexdigest()[:_DIGITS]}"


def _find_problem(raw: Raw, file: Path) -> str:
    """Return what is wrong with the file; empty if nothing is."""
    name, source = raw["metadata"]["name"], raw["spec"]["source"]
    upload, known = source["upload"], str(source.get("checksum", "")).removeprefix("sha256:")
    if known and upload.get("sha256") not in (None, known):
        return f"{name}: spec.source.upload.sha256 and spec.source.checksum differ; correct one of them or remove it."
    if "/" in upload["filename"] or file.resolve().parent != file.parent.resolve():
        return (
            f"{name}: {shorten_text(upload['filename'])} of spec.source.upload.filename is not in the folder of the "
            f"manifest, but a path or a symbolic link out of it; give --upload {name}=FILE."
        )
    if not file.is_file():
        return f"{name}: spec.source.upload needs the file {file}, which does not exist; give --upload {name}=FILE."
    if (size := file.stat().st_size) != upload["size"]:
        return f"{name}: spec.source.upload.size is {upload['size']}, and {file} has {size} bytes; correct one of them."
    return ""


def _replace_source(raw: Raw, file: Path) -> Raw:
    source = {key: value for key, value in raw["spec"]["source"].items() if key != "upload"}
    source["persistentVolumeClaim"] = {"claimName": _name_claim(file), "path": file.name}
    if known := raw["spec"]["source"]["upload"].get("sha256"):
        source.setdefault("checksum", f"sha256:{known}")
    return {**raw, "spec": {**raw["spec"], "source": source}}
