"""What the API server's own table shows of a bulk's imports, and whose child an import of an earlier version is."""

from collections.abc import Callable

from support.controller.api_server import ApiServer, Raw, await_until
from support.controller.controller_process import Controller
from support.controller.fake_kubelet import FakeKubelet
from support.controller.manifests import bulk, video
from support.controller.namespace_state import finished
from videoimport.api.identity import item_identity

URL = "https://example.com/talks/An%20Open%20Talk.mp4?token=s3cr3t"
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}


def table(api: ApiServer, namespace: str) -> list[dict[str, Raw]]:
    """As `kubectl get vi` prints it."""
    found = api.call("GET", api.path("VideoImport", namespace), headers=TABLE)
    names = [column["name"] for column in found["columnDefinitions"] if not column["priority"]]
    return [dict(zip(names, row["cells"], strict=False)) for row in found["rows"]]


def test_a_row_shows_what_is_imported_from_the_first_status_on(
    api: ApiServer, namespace: str, started: Callable[..., Controller]
) -> None:
    started()
    api.create(bulk(namespace, [URL]))
    rows = await_until("a status", lambda: [row for row in table(api, namespace) if row["Phase"]])
    assert rows[0]["Name"] == f"many-an-open-talk-{item_identity(URL)}"
    assert rows[0]["Source"] == "An Open Talk.mp4"
    assert "s3cr3t" not in str(rows)
    assert list(rows[0]) == ["Name", "Phase", "Progress", "Resolution", "Duration", "Reason", "Source", "Age"]


def test_an_import_named_by_an_earlier_version_stays_its_items_own(
    api: ApiServer, namespace: str, kubelet: FakeKubelet, started: Callable[..., Controller]
) -> None:
    wish = api.create(bulk(namespace, [URL]))
    name = f"many-{item_identity(URL)}"
    template = wish["spec"]["template"]
    owner = {"apiVersion": wish["apiVersion"], "kind": wish["kind"], "name": "many", "uid": wish["metadata"]["uid"]}
    labels = {
        "app.kubernetes.io/managed-by": "videoimport",
        "app.kubernetes.io/name": "videoimport",
        "videoimport.io/bulk": "many",
        "videoimport.io/item": item_identity(URL),
    }
    api.create(
        {
            "apiVersion": wish["apiVersion"],
            "kind": "VideoImport",
            "metadata": {
                "name": name,
                "namespace": namespace,
                "labels": labels,
                "ownerReferences": [owner | {"controller": True, "blockOwnerDeletion": True}],
            },
            "spec": {"source": {"url": URL}, "destination": template["destination"]},
        }
    )
    started()
    status = finished(api, "BulkImport", namespace, "many")["status"]
    assert [result["importName"] for result in status["results"]] == [name]
    assert [video["metadata"]["name"] for video in api.all_of("VideoImport", namespace)] == [name]


def test_an_import_that_only_names_a_bulk_as_its_owner_is_neither_waited_for_nor_touched(
    api: ApiServer, namespace: str, kubelet: FakeKubelet, started: Callable[..., Controller]
) -> None:
    """Its name is none that the bulk's child has: whoever made it may end it."""
    wish = api.create(bulk(namespace, [URL]))
    owner = {"apiVersion": wish["apiVersion"], "kind": wish["kind"], "name": "many", "uid": wish["metadata"]["uid"]}
    mine = video(namespace, "my-own", suspend=True)
    mine["metadata"] |= {
        "ownerReferences": [owner | {"controller": True}],
        "labels": {"videoimport.io/bulk": "many", "videoimport.io/item": item_identity(URL)},
    }
    api.create(mine)
    controller = started()
    status = finished(api, "BulkImport", namespace, "many")["status"]
    assert (status["phase"], status["total"], status["completed"], status.get("active", 0)) == ("Completed", 1, 1, 0)
    api.merge("BulkImport", namespace, "many", {"spec": {"cancel": True}})
    await_until("the edit's observation", lambda: _observed(api, namespace) == 2, explain=controller.tail)
    kept = api.get("VideoImport", namespace, "my-own")
    assert (kept["metadata"]["generation"], kept["spec"].get("cancel", False)) == (1, False)
    assert "deletionTimestamp" not in kept["metadata"]


def _observed(api: ApiServer, namespace: str) -> int:
    generation: int = api.get("BulkImport", namespace, "many")["status"].get("observedGeneration", 0)
    return generation
