"""The real API server, seen as its administrator: plain requests, plain dictionaries."""

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import yaml

from support.waiting import LONGEST_SECONDS

Raw = dict[str, Any]
OURS = "/apis/videoimport.io/v1alpha1"
PLURALS = {
    "VideoImport": OURS,
    "BulkImport": OURS,
    "Job": "/apis/batch/v1",
    "Pod": "/api/v1",
    "ConfigMap": "/api/v1",
    "PersistentVolumeClaim": "/api/v1",
}
POLICIES = {
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
}
MERGE = {"Content-Type": "application/merge-patch+json"}


class Refused(AssertionError):  # noqa: N818
    """An answer that is none of the 2xx."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message


class ApiServer:
    """One session; every method raises Refused."""

    def __init__(self, kubeconfig: Path, scratch: Path) -> None:
        config = yaml.safe_load(kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self.kubeconfig = kubeconfig
        self.server: str = cluster["server"]
        self.ca = _file(scratch / "ca.crt", cluster["certificate-authority-data"])
        self.certificate = (
            _file(scratch / "admin.crt", user["client-certificate-data"]),
            _file(scratch / "admin.key", user["client-key-data"]),
        )

    def session(self) -> requests.Session:
        """A connection of one's own, for a thread of one's own."""
        session = requests.Session()
        session.verify, session.cert, session.trust_env = str(self.ca), tuple(map(str, self.certificate)), False
        return session

    def call(self, method: str, path: str, body: Raw | None = None, **options: Any) -> Raw:
        """The parsed answer."""
        with self.session() as session:
            return self._asked(session, method, path, body, **options)

    def call_as(self, token: str, method: str, path: str, body: Raw | None = None) -> Raw:
        """The parsed answer to somebody else."""
        with self.session() as session:
            session.cert = None
            return self._asked(session, method, path, body, headers={"Authorization": f"Bearer {token}"})

    def _asked(self, session: requests.Session, method: str, path: str, body: Raw | None, **options: Any) -> Raw:
        answer = session.request(method, self.server + path, json=body, timeout=LONGEST_SECONDS, **options)
        if not answer.ok:
            raise Refused(answer.status_code, answer.json().get("message", answer.text))
        parsed: Raw = answer.json()
        return parsed

    def path(self, kind: str, namespace: str, name: str = "", part: str = "") -> str:
        """Of an object, or of all in a namespace."""
        pieces = [PLURALS[kind], "namespaces", namespace, kind.lower() + "s", name, part]
        return "/".join(filter(None, pieces))

    def create(self, manifest: Raw, **options: Any) -> Raw:
        """In the namespace of the manifest."""
        return self.call("POST", self.path(manifest["kind"], manifest["metadata"]["namespace"]), manifest, **options)

    def get(self, kind: str, namespace: str, name: str) -> Raw:
        """One object."""
        return self.call("GET", self.path(kind, namespace, name))

    def all_of(self, kind: str, namespace: str, selector: str = "") -> list[Raw]:
        """All objects of a kind."""
        items: list[Raw] = self.call("GET", self.path(kind, namespace), params={"labelSelector": selector})["items"]
        return items

    def merge(self, kind: str, namespace: str, name: str, patch: Raw, part: str = "") -> Raw:
        """A JSON merge patch."""
        return self.call("PATCH", self.path(kind, namespace, name, part), patch, headers=MERGE)

    def delete(self, kind: str, namespace: str, name: str, policy: str = "Background") -> None:
        """And let the garbage collector do the rest."""
        self.call("DELETE", self.path(kind, namespace, name), {"propagationPolicy": policy})

    def apply_definition(self, definition: Raw) -> None:
        """A CustomResourceDefinition, by server-side apply; returns when the API server serves it."""
        name = definition["metadata"]["name"]
        path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}"
        headers = {"Content-Type": "application/apply-patch+yaml"}
        query = {"fieldManager": "tests", "force": "true"}
        self.call("PATCH", path, definition, headers=headers, params=query)
        await_until(f"{name} to be served", lambda: holds(self.call("GET", path), "Established"))
        objects = f"{OURS}/{definition['spec']['names']['plural']}"
        await_until(f"{name} to be listed", lambda: self.exists(objects))

    def apply_policy(self, manifest: Raw) -> None:
        """A ValidatingAdmissionPolicy or its binding, by server-side apply; it is in force some time later."""
        plural = POLICIES[manifest["kind"]]
        path = f"/apis/admissionregistration.k8s.io/v1/{plural}/{manifest['metadata']['name']}"
        headers = {"Content-Type": "application/apply-patch+yaml"}
        self.call("PATCH", path, manifest, headers=headers, params={"fieldManager": "tests", "force": "true"})

    @contextmanager
    def namespace(self, name: str) -> Iterator[str]:
        """With the service account that its pods need."""
        self.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        account = f"/api/v1/namespaces/{name}/serviceaccounts/default"
        await_until("the default service account", lambda: self.exists(account))
        try:
            yield name
        finally:
            self.call("DELETE", f"/api/v1/namespaces/{name}")

    def exists(self, path: str) -> bool:
        """Whether something is there. A kind that is new to the API server is not there yet: it says 429 meanwhile."""
        try:
            self.call("GET", path)
        except Refused as refused:
            if refused.status not in (404, 429):
                raise
            return False
        return True

    def watch(self, kind: str, namespace: str, stopping: threading.Event, selector: str = "") -> Iterator[Raw]:
        """Events from now on and all that is there, some of it again, until stopping is set (noticed in a second)."""
        with self.session() as session:
            version = ""
            while not stopping.is_set():
                query = {"watch": "true", "timeoutSeconds": "1", "resourceVersion": version, "labelSelector": selector}
                with session.get(self.server + self.path(kind, namespace), params=query, stream=True) as stream:
                    for line in stream.iter_lines():
                        event: Raw = json.loads(line)
                        if event["type"] == "ERROR" and "deadline exceeded" in event["object"]["message"]:
                            break  # a busy server was not ready within the second that it was given
                        if event["type"] == "ERROR" and event["object"].get("code") == 410:
                            version = ""  # nothing came for so long that the server has forgotten the last
                            break
                        assert event["type"] != "ERROR", event
                        version = event["object"]["metadata"]["resourceVersion"]
                        yield event


def refuses(api: ApiServer, manifest: Raw) -> bool:
    """Whether this is refused; it is not created."""
    try:
        api.create(manifest, params={"dryRun": "All", "fieldValidation": "Strict"})
    except Refused:
        return True
    return False


def await_until(
    what: str, probe: Callable[[], Any], seconds: float = LONGEST_SECONDS, explain: Callable[[], str] = str
) -> Any:
    """Whatever the probe returns once it is true of anything; fails after long enough that it will never be."""
    end = time.monotonic() + seconds
    while not (found := probe()):
        assert time.monotonic() < end, f"{what} did not come about in {seconds:g} s. {explain()}"
        time.sleep(0.05)
    return found


@contextmanager
def background(name: str, task: Callable[[threading.Event], None]) -> Iterator[None]:
    """Run a task in a thread until the block ends; what fails there fails here."""
    stopping, failures = threading.Event(), list[BaseException]()

    def run() -> None:
        try:
            task(stopping)
        except BaseException as failure:  # noqa: BLE001 (raised again in the test's thread)
            failures.append(failure)

    thread = threading.Thread(target=run, name=name)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()
        if failures:
            raise failures[0]  # also when the block failed: this is likely to be why


def holds(raw: Raw, condition: str) -> bool:
    conditions = raw.get("status", {}).get("conditions") or []  # null until the server has looked
    return any(one["type"] == condition and one["status"] == "True" for one in conditions)


def _file(path: Path, encoded: str) -> Path:
    path.write_bytes(base64.b64decode(encoded))
    path.chmod(0o600)
    return path
