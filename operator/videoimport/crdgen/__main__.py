"""Write ``crds/``, the chart's copies and pages of ``docs/``. With ``--check``, exit with 1 if a file is out of
date."""

import argparse
import sys
from pathlib import Path

import yaml

from videoimport.crdgen.admission_policy import binding, policy
from videoimport.crdgen.definitions import Manifest, bulk_definition, video_definition
from videoimport.crdgen.reasons_page import reasons_page
from videoimport.crdgen.validation_page import validation_page

_HEAD = "# Generated from the models in operator/videoimport/api by `make generate`; not to be edited.\n"


class _Dumper(yaml.SafeDumper):
    """YAML dumper that writes shared nodes in full and uses no aliases, because few readers expect aliases in a CRD."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True


def rendered(manifest: Manifest) -> str:
    """Return a Kubernetes object as YAML. The order of the keys does not change."""
    return _HEAD + _dumped(manifest)


def _dumped(manifest: Manifest) -> str:
    return yaml.dump(manifest, Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)


def _documents(*manifests: Manifest) -> str:
    return "---\n".join(map(_dumped, manifests))


def _switched(text: str) -> str:
    """Return a text in the form of a chart template that depends on the value crds.enabled."""
    return "{{- if .Values.crds.enabled }}\n" + text + "{{- end }}\n"


def in_chart(text: str) -> str:
    """Return a CRD in the form of a chart template. The value crds.enabled switches it on and off, and an uninstall
    keeps the CRD."""
    keep = "  annotations:\n    helm.sh/resource-policy: keep\n"
    name = next(line for line in text.splitlines(keepends=True) if line.startswith("  name: "))
    return _switched(text.replace(name, name + keep, 1))


def files() -> dict[Path, str]:
    """Return the expected content of every generated file, by path."""
    texts = {"videoimports": rendered(video_definition()), "bulkimports": rendered(bulk_definition())}
    plain = {Path(f"crds/{name}.yaml"): text for name, text in texts.items()}
    chart = {Path(f"charts/videoimport/templates/crd-{name}.yaml"): in_chart(text) for name, text in texts.items()}
    policies = {
        Path("crds/admission/metadata.yaml"): _HEAD + _documents(policy(), binding()),
        Path("charts/videoimport/templates/admission.yaml"): _switched(_HEAD + _documents(policy(), binding())),
    }
    pages = {Path("docs/reasons.md"): reasons_page(), Path("docs/validation.md"): validation_page()}
    return plain | chart | policies | pages


def main() -> int:
    """Write or check the files. The working directory must be the root of the repository."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file is out of date")
    checking = parser.parse_args().check
    stale = [path for path, text in files().items() if not path.exists() or path.read_text() != text]
    for path in stale:
        if checking:
            sys.stderr.write(f"{path} is out of date: run `make generate`\n")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files()[path])
    return int(bool(stale) and checking)


if __name__ == "__main__":
    sys.exit(main())
