"""Names that users and other programs depend on: metrics, variables, chart values, commands, flags, exit codes."""

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, cast

import typer
import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from standardwebhooks import Webhook

from support import golden_files
from support.core.video_builders import NOW
from videoimport.api import reasons
from videoimport.api.tasks import import_task as task
from videoimport.api.tasks import webhook_task as webhook
from videoimport.cli import command_line as command
from videoimport.cli.command_group import NOTHING_STARTED
from videoimport.cli.results import text_formats as itemized
from videoimport.cli.run_command import compute_signal_code
from videoimport.controller import settings
from videoimport.controller.cache.store import Store
from videoimport.controller.client import auth as credentials
from videoimport.controller.queue.workqueue import KeyedQueue
from videoimport.controller.telemetry import health
from videoimport.controller.telemetry.metrics import REGISTRY, Figures
from videoimport.worker.fetch import credentials as secrets
from videoimport.worker.runtime.paths import Paths
from videoimport.worker.sandbox import proxy as routes
from videoimport.worker.source import sandboxed_child
from videoimport.worker.webhook import signature as signing

ROOT = Path(__file__).resolve().parents[3]
CHART = ROOT / "charts/videoimport"


def test_metrics() -> None:
    gauges = cast("Iterator[GaugeMetricFamily]", Figures(Store(lambda _: None), KeyedQueue()).collect())
    found = {family.name: {"type": family.type, "labels": list(family._labelnames)} for family in gauges}
    for collector in set(REGISTRY._collector_to_names):
        (family,) = collector.collect()
        buckets = {"buckets": list(map(str, collector._upper_bounds))} if family.type == "histogram" else {}
        name = f"{family.name}_total" if family.type == "counter" else family.name
        found[name] = {"type": family.type, "labels": list(collector._labelnames), **buckets}
    golden_files.check("metrics", found)


def variables() -> dict[str, Any]:
    """The controller's environment variables with their defaults; None where one must be set."""
    fields = settings.ControllerSettings.model_fields.items()
    return {
        str(field.validation_alias or settings.PREFIX + name.upper()): None if field.is_required() else field.default
        for name, field in fields
    }


class EveryVariable(dict[str, str]):
    """An environment in which every variable is set."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> str:
        return "set"


def test_environment_variables() -> None:
    assert credentials.kubeconfig({"KUBECONFIG": "/home/me/config"}) == "/home/me/config"
    passed_on = sorted(sandboxed_child.environment(EveryVariable(), Path("/scratch")))
    golden_files.check("environment", {"controller": variables(), "fetchingProcess": passed_on})


def test_chart() -> None:
    values = dict(_leaves(yaml.safe_load((CHART / "values.yaml").read_text())))
    template = (CHART / "templates/deployment.yaml").read_text()
    lines = re.findall(r"- name: ([A-Z_]+)\n +value(?:From)?: (.*)", template)
    environment = {name: re.findall(r"\$?\w*(?:\.\w+)+", value) for name, value in lines}
    assert set(environment) <= set(variables())
    golden_files.check("chart", {"values": values, "environment": environment})


def _leaves(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if not isinstance(node, dict) or not node:
        yield path.removeprefix("."), node
        return
    for name, child in node.items():
        yield from _leaves(child, f"{path}.{name}")


def test_programs() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert all(callable(EntryPoint(name, target, "console_scripts").load()) for name, target in scripts.items())
    images = {
        path.parent.name: re.findall(r"^ENTRYPOINT (.*)$", path.read_text(), re.MULTILINE)
        for path in (ROOT / "images").glob("*/Dockerfile")
    }
    endpoints = sorted(health.pages(cast("Any", None), CollectorRegistry()))
    golden_files.check("programs", {"consoleScripts": sorted(scripts), "images": images, "endpoints": endpoints})


def test_flags_of_the_kubectl_plugin() -> None:
    group = cast("Any", typer.main.get_command(command.app))
    commands = {"": group, **group.commands}
    found = {name: [_flag(one) for one in each.params if one.name != "help"] for name, each in commands.items()}
    golden_files.check("kubectl-flags", {"flags": found, "csvColumns": itemized.COLUMNS})


def _flag(one: Any) -> dict[str, Any]:
    return {
        "names": [*one.opts, *one.secondary_opts],
        "kind": one.param_type_name,
        "required": one.required,
        "repeatable": bool(getattr(one, "multiple", False)),
        "default": None if one.default is None else str(one.default),
    }


def test_flags_and_mounts_of_the_worker() -> None:
    flags = {f"--{name.replace('_', '-')}": str(getattr(Paths(), name)) for name in Paths.__slots__}
    secret_keys = {
        "web": secrets.FOR_WEB,
        "s3": secrets.FOR_S3,
        "login": sorted(routes.LOGIN_KEYS),
        "webhook": webhook.SECRET_KEY,
    }
    golden_files.check(
        "worker-flags", {"flags": flags, "secretKeys": secret_keys, "report": task.TERMINATION_MESSAGE_PATH}
    )


def test_exit_codes() -> None:
    table = {reason: {"exitCode": row.exit_code, "class": row.retry} for reason, row in reasons.TABLE.items()}
    plugin = {"nothing started": NOTHING_STARTED, "interrupted": compute_signal_code(2)}
    golden_files.check("exit-codes", {"reasons": table, "kubectlPlugin": plugin})


def test_headers_of_a_webhook() -> None:
    signer = Webhook(b"a secret of 24 bytes ...")
    golden_files.check("webhook-headers", signing.headers([signer], "msg_1", '{"type":"bulkimport.completed"}', NOW))
