#!/usr/bin/env python3
"""Moves the modules to folders by domain, with the field's terms as names: `hack/move_modules.py CHECKOUT`.

It renames files, writes each folder's ``__init__.py`` and rewrites imports, dotted names in texts and paths of files;
nothing else. Run `ruff check --fix` and `ruff format` afterwards. This file is removed once the move is done.
"""

import ast
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

LAYOUT = {
    "core": {
        "core.observe": "observed",
        "core.parse": "parsers",
        "core.listed": "list_item",
        "core.wording": "messages",
        "core.throttle": "status_throttle",
        "core.transitions": "status_changes",
        "core.ownership": "object_metadata",
        "core.naming": "object_names",
        "core.retry": "retry_policy",
        "core.breaker": "circuit_breaker",
        "core.limits": "admission",
        "core.refuse": "invalid_objects",
        "core.upload": "upload_status",
        "core.owned": "owned_objects",
        "core.display": "display_name",
    },
    "core.jobs": {
        "core.jobs": "import_job",
        "core.pods": "pod_template",
        "core.diagnose": "startup_diagnosis",
        "core.errands": "task_job",
        "core.volumes": "volumes",
        "core.outcome": "outcome",
        "core.cluster_message": "cluster_message",
        "core.run_end": "run_end",
    },
    "core.video": {
        "core.video": "reconcile",
        "core.settle": "plan",
        "core.scene": "context",
        "core.runs": "start_run",
        "core.underway": "active_run",
        "core.ending": "finished_run",
        "core.cancel": "cancel",
        "core.suspend": "suspend",
        "core.stopping": "stop_jobs",
        "core.tidy": "cleanup",
        "core.scratch": "scratch_claim",
        "core.hosts": "host_backoff",
    },
    "core.discovery": {
        "core.discovery": "reconcile",
        "core.look": "context",
        "core.pages": "pages",
        "core.pagedigest": "page_digest",
        "core.listingjob": "job",
    },
    "core.webhook": {
        "core.webhook": "reconcile",
        "core.delivery": "job",
        "core.notice": "payload",
    },
    "core.bulk": {
        "core.bulk": "reconcile",
        "core.batching": "ledger_batch",
        "core.book": "snapshot",
        "core.roll": "accepted_items",
        "core.sorting": "item_states",
        "core.window": "start_window",
        "core.children": "child_manifests",
        "core.following": "child_updates",
        "core.pruning": "child_history",
        "core.attribution": "child_claims",
        "core.ledger": "ledger",
        "core.phases": "phase",
        "core.tally": "status",
        "core.shown": "status_size",
        "core.saying": "messages",
        "core.headlines": "events",
        "core.policy": "failure_policy",
        "core.tokens": "retry_tokens",
        "core.earlier": "retry_failed",
    },
    "worker": {
        "worker.starting": "early_stop",
        "worker.running": "process",
    },
    "worker.runtime": {
        "worker.errors": "errors",
        "worker.logs": "logging",
        "worker.paths": "paths",
        "worker.processes": "subprocesses",
        "worker.signals": "signals",
        "worker.reporting": "termination_message",
        "worker.trust": "ca_bundle",
        "worker.growing": "growing_file",
        "worker.stop": "stop_request",
        "worker.disks": "disk_space",
    },
    "worker.sandbox": {
        "worker.fetch.guard": "address_guard",
        "worker.fetch.routes": "proxy",
        "worker.fetch.connections": "http_connections",
    },
    "worker.storage": {
        "worker.destination": "base",
        "worker.credentials": "credentials",
        "worker.naming": "keys",
        "worker.layout": "result_files",
        "worker.parts": "parts",
        "worker.following": "growing_parts",
        "worker.shipment": "upload_batch",
        "worker.leftovers": "upload_journal",
        "worker.resending": "upload_retry",
        "worker.retries": "retry_policy",
        "worker.record": "commit_record",
        "worker.index": "video_index",
        "worker.hits": "index_hits",
        "worker.scope": "record_scope",
        "worker.strict": "strict_json",
    },
    "worker.storage.s3": {
        "worker.s3_client": "client",
        "worker.s3": "store",
        "worker.s3_bucket": "bucket",
        "worker.multipart": "multipart",
        "worker.s3_completion": "completion",
        "worker.s3_errors": "errors",
        "worker.s3_answers": "answer_limits",
        "worker.forms": "answer_forms",
        "worker.s3_probe": "probe",
        "worker.s3_proof": "verification",
        "worker.s3_reading": "read_back",
        "worker.s3_lists": "key_lists",
        "worker.s3_upload_lists": "upload_lists",
        "worker.s3_conditions": "conditional_writes",
        "worker.s3_options": "options",
    },
    "worker.storage.volume": {
        "worker.volume": "store",
        "worker.volume_files": "files",
        "worker.volume_upload": "upload",
        "worker.volume_errors": "errors",
        "worker.tree": "tree",
        "worker.sidecars": "metadata",
    },
    "worker.fetch": {
        "worker.fetch.teller": "event_writer",
        "worker.fetch.walls": "sandboxed_process",
        "worker.fetch.surroundings": "context",
        "worker.fetch.secrets": "credentials",
        "worker.fetch.netscape": "netscape_cookies",
        "worker.fetch.fitness": "content_check",
        "worker.fetch.landing": "partial_file",
        "worker.fetch.marks": "resume_state",
        "worker.fetch.tail": "mp4_tail",
        "worker.fetch.web": "web_source",
        "worker.fetch.stored": "s3_source",
        "worker.fetch.ranges": "s3_ranges",
        "worker.fetch.store_failures": "s3_failures",
        "worker.fetch.mounted": "volume_source",
        "worker.fetch.memory": "memory_limit",
        "worker.fetch.pages": "page_limits",
    },
    "worker.fetch.http": {
        "worker.fetch.http": "client",
        "worker.fetch.answers": "response",
        "worker.fetch.statuses": "status_codes",
        "worker.fetch.download": "download",
        "worker.fetch.patience": "retry",
        "worker.fetch.cookies": "cookies",
        "worker.fetch.disposition": "content_disposition",
        "worker.fetch.letters": "header_text",
        "worker.fetch.origins": "origins",
        "worker.fetch.redirects": "redirects",
    },
    "worker.fetch.ytdlp": {
        "worker.fetch.ydl": "client",
        "worker.fetch.page": "source",
        "worker.fetch.finding": "info",
        "worker.fetch.classify": "errors",
        "worker.fetch.segments": "fragments",
        "worker.fetch.extras": "sidecars",
        "worker.fetch.manifests": "manifests",
        "worker.fetch.protected": "encrypted_hls",
    },
    "worker.source": {
        "worker.source": "files",
        "worker.fetching": "fetch_client",
        "worker.pace": "stall_monitor",
        "worker.arrival": "stream",
        "worker.serving": "loopback_server",
        "worker.examine": "probe",
        "worker.versions": "ffmpeg_versions",
    },
    "worker.pipeline": {
        "worker.pipeline": "run",
        "worker.importing": "import_video",
        "worker.inspection": "inspect",
        "worker.making": "transcode",
        "worker.transcode": "ffmpeg",
        "worker.verification": "verify",
        "worker.thumbnails": "thumbnails",
        "worker.originals": "original",
        "worker.preflight": "destination",
        "worker.outgoing": "output_uploads",
        "worker.telling": "report",
        "worker.facts": "source_facts",
        "worker.publish": "publish",
        "worker.publish_plan": "publish_plan",
        "worker.publish_steps": "publish_steps",
        "worker.publish_rollback": "publish_rollback",
        "worker.earlier_run": "earlier_run",
        "worker.verified": "verification_report",
        "worker.progress": "progress",
        "worker.watchdog": "watchdog",
        "worker.room": "scratch_limit",
        "worker.workspace": "workspace",
        "worker.joining": "join_parts",
        "worker.mending": "repair_source",
        "worker.scanning": "interlace_scan",
    },
    "worker.listing": {
        "worker.listing.running": "run",
        "worker.listing.asking": "client",
        "worker.listing.paging": "page_builder",
        "worker.listing.judging": "entry_filter",
        "worker.listing.objects": "bucket_objects",
        "worker.listing.looking": "object_probe",
        "worker.listing.flat": "playlist_entries",
        "worker.listing.atom": "atom_feed",
        "worker.listing.dates": "feed_dates",
        "worker.listing.lines": "manifest_rows",
        "worker.listing.quotes": "csv_records",
        "worker.listing.given": "row_fields",
        "worker.listing.plain": "plain_list",
        "worker.listing.table": "csv_table",
        "worker.listing.jsonlines": "json_lines",
    },
    "worker.webhook": {
        "worker.delivery": "deliver",
        "worker.sending": "http_post",
        "worker.signing": "signature",
    },
    "controller": {
        "controller.leading": "manager",
        "controller.election": "leader_election",
    },
    "controller.telemetry": {
        "controller.logs": "logging",
        "controller.health": "health",
        "controller.vitals": "liveness",
        "controller.metrics": "metrics",
    },
    "controller.client": {
        "controller.cluster": "api_client",
        "controller.errors": "errors",
        "controller.kinds": "resources",
        "controller.credentials": "auth",
    },
    "controller.queue": {
        "controller.queue": "workqueue",
    },
    "controller.cache": {
        "controller.store": "store",
        "controller.reading": "entry",
        "controller.relist": "relist",
        "controller.handlers": "kopf_watch",
        "controller.notes": "sync_state",
        "controller.tails": "progress_poller",
        "controller.turns": "admission",
        "controller.slots": "fair_share",
        "controller.hosts": "host_breakers",
        "controller.host": "host_record",
        "controller.siblings": "bulk_order",
    },
    "controller.reconcile": {
        "controller.workers": "worker",
        "controller.sync": "reconciler",
        "controller.observing": "observe",
        "controller.writing": "apply",
        "controller.confirming": "live_reads",
        "controller.collecting": "store_page",
        "controller.announcing": "event_recorder",
    },
    "cli": {
        "cli.kube": "kube_client",
        "cli.run": "run_command",
        "cli.observed": "worker_simulated_cluster",
        "cli.places": "local_paths",
        "cli.results": "local_results",
        "cli.display": "progress_display",
        "cli.words": "run_summary",
        "cli.documents": "yaml_documents",
        "cli.rules": "schema_rules",
        "cli.account": "bulk_results",
        "cli.itemized": "bulk_results_output",
    },
    "api": {
        "api.places": "references",
        "api.cheap": "prefilter",
        "api.redact": "redaction",
        "api.source": "videoimport_source",
        "api.status": "videoimport_status",
        "api.worker": "worker_options",
        "api.bulk_source": "bulkimport_source",
        "api.bulk_status": "bulkimport_status",
        "api.containers": "container_formats",
        "api.text": "untrusted_text",
    },
    "api.tasks": {
        "api.task": "import_task",
        "api.report": "import_report",
        "api.listing": "listing_task",
        "api.pagelog": "listing_log",
        "api.webhook": "webhook_task",
    },
    "api.rules": {
        "api.rules": "validation",
        "api.texts": "texts",
        "api.podrules": "pod",
    },
    "media.source": {
        "media.probe": "probe",
        "media.streams": "streams",
        "media.bounds": "probe_bounds",
        "media.choice": "stream_choice",
        "media.changes": "stream_changes",
        "media.packets": "packet_scan",
        "media.decoders": "decoders",
        "media.encryption": "encryption",
        "media.interlace": "interlace",
        "media.requirements": "requirements",
        "media.findings": "findings",
        "media.sniff": "file_signature",
        "media.filetype": "file_name",
        "media.hearing": "sound_length",
        "media.versions": "ffmpeg_versions",
    },
    "media.container": {
        "media.boxes": "mp4_boxes",
        "media.tables": "mp4_tables",
        "media.samples": "mp4_samples",
        "media.ebml": "matroska",
        "media.chunks": "older_containers",
        "media.transport": "mpegts",
        "media.headers": "joined_headers",
    },
    "media.timeline": {
        "media.clock": "clock",
        "media.joins": "joins",
        "media.counters": "continuity_counters",
        "media.repair": "repair",
    },
    "media.transcode": {
        "media.plan": "plan",
        "media.job": "job",
        "media.targets": "output_files",
        "media.ladder": "scale_graph",
        "media.command": "command",
        "media.codecs": "codecs",
        "media.color": "color",
        "media.channels": "channels",
        "media.pacing": "frame_pacing",
        "media.compliance": "compliance",
        "media.holding": "mp4_codecs",
        "media.stills": "stills",
        "media.pictures": "image_metadata",
        "media.metadata": "metadata",
        "media.progress": "progress",
        "media.overlap": "overlap",
    },
    "media.verify": {
        "media.verify": "compare",
        "media.proof": "proof",
    },
    "crdgen": {
        "crdgen.policy": "admission_policy",
        "crdgen.reference": "reasons_page",
        "crdgen.structural": "structural_schema",
        "crdgen.validation": "validation_page",
    },
}
"""By folder below ``videoimport``: modules as they are called today, and their names there. Others stay."""
FOLDERS = {
    "core": """Decisions about both kinds, as pure functions over observed state.

Add what every kind needs: views of objects, plans, conditions, names, limits. What only one kind needs has
a folder of its own. No I/O, no clock, no randomness: time and names are arguments.
""",
    "core.jobs": """Jobs and pods: how the controller makes them, and what their ends mean.

Add what holds for a Job of any task. What a VideoImport or a BulkImport makes of it is in their folders.
""",
    "core.video": """The decisions for one VideoImport, a case a module.

Nothing here knows of BulkImports; a limit or a breaker that both share is in ``core``.
""",
    "core.discovery": """How the list of a BulkImport becomes known: pages, and the Jobs that list them.

What follows from the list is in ``core.bulk``.
""",
    "core.webhook": """The message that a BulkImport has finished: its payload, its Jobs, its retries.

Sending it is the worker's, in ``worker.webhook``.
""",
    "core.bulk": """The decisions for one BulkImport: its children, its ledger, its status.

Listing is in ``core.discovery``, the webhook in ``core.webhook``.
""",
    "worker.runtime": """What every process of the worker needs: errors, logs, signals, subprocesses, its last message.

Nothing here knows of videos, sources or destinations.
""",
    "worker.sandbox": """The limits of a process that handles untrusted input: the addresses that it may connect to.

Add what protects the node and the network, whatever is fetched.
""",
    "worker.storage": """Destinations: keys, uploads, records and the index, for buckets and volumes alike.

What only one of them needs is in ``s3`` or ``volume``. Sources in buckets are in ``worker.fetch``.
""",
    "worker.storage.s3": """Buckets as destinations, over boto3.

Add what S3 servers answer and how they differ. No module here decides about an import.
""",
    "worker.storage.volume": """Volumes as destinations: files below a mounted folder, never through a link.

No module here decides about an import.
""",
    "worker.fetch": """The process that fetches a source: untrusted hosts and files, and no keys but the source's.

HTTP is in ``http``, pages in ``ytdlp``. What the worker does with the bytes is in
``worker.source`` and ``worker.pipeline``.
""",
    "worker.fetch.http": """The HTTP client: requests, redirects, cookies, answers, downloads that resume.

Nothing here knows what is downloaded.
""",
    "worker.fetch.ytdlp": """Pages, as yt-dlp reads them.

Add what turns yt-dlp's answers and errors into ours. Plain files do not come here.
""",
    "worker.source": """A source's bytes on their way to ffmpeg, and what ffprobe tells of them.

Connecting to hosts is in ``worker.fetch``.
""",
    "worker.pipeline": """One VideoImport from its source to its destination, a step a module.

Rules about media are in ``media``, storing in ``worker.storage``.
""",
    "worker.listing": """The worker of one page of a list: playlists, feeds, buckets and manifests become items.

Decisions about the items are in ``core``.
""",
    "worker.webhook": """The worker that delivers one message of a BulkImport.

What the message says is in ``core.webhook``.
""",
    "controller.telemetry": """What operators see of the controller: logs, health, metrics.

Nothing here changes what the controller does.
""",
    "controller.client": """The cluster's API, over the ``kubernetes`` library.

The only place that knows the library.
""",
    "controller.queue": """The work queue of keys, with client-go's terms.

What a key's reconcile does is in ``controller.reconcile``.
""",
    "controller.cache": """What the controller knows of the cluster, kept by watches, and the indexes over it.

No module here writes to the cluster.
""",
    "controller.reconcile": """One key: observe, decide by ``core``, apply.

Decisions are in ``core``.
""",
    "api.tasks": """What controller and workers exchange: tasks, reports, pages.

What users write and read is in ``api``.
""",
    "api.rules": """Validation rules, written once for the API server and for our programs.

The models that use them are in ``api``.
""",
    "media.source": """What ffprobe and a file's bytes tell of a source, and whether it can be imported.

Decisions about an encode are in ``media.transcode``.
""",
    "media.container": """Containers, read by their own tables: MP4, Matroska, MPEG-TS and older ones.

Nothing here knows of an import.
""",
    "media.timeline": """Clocks that start again, joined parts, and how a source is repaired before an encode.
""",
    "media.transcode": """The plan of an encode or a copy, and ffmpeg's argument lists.

Running ffmpeg is the worker's.
""",
    "media.verify": """Whether a result is its source, and how much of a copy is decoded to prove it.
""",
}
"""Docstrings of the folders: what belongs there, and what does not."""

MOVED = {
    f"videoimport.{old}": f"videoimport.{folder}.{name}"
    for folder, names in LAYOUT.items()
    for old, name in names.items()
}
_DOTTED = re.compile(r"videoimport(?:\.\w+)+")
_IMPORT = re.compile(r"from (videoimport[.\w]*) import (\w+)( as \w+)?")
_TEXTS = (".toml", ".md", ".cfg", ".yaml", ".yml", "Dockerfile", "Makefile")


def move(root: Path) -> None:
    """Rename the files. A module may take a name that a folder has afterwards, so all are put aside first."""
    aside = {}
    for old, new in MOVED.items():
        path = root / "operator" / f"{old.replace('.', '/')}.py"
        aside[new] = path.with_suffix(".moving")
        path.rename(aside[new])
    for new, path in aside.items():
        target = root / "operator" / f"{new.replace('.', '/')}.py"
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            raise FileExistsError(target)
        path.rename(target)
    for folder, text in FOLDERS.items():
        init = root / "operator/videoimport" / folder.replace(".", "/") / "__init__.py"
        init.write_text(f'"""{text}"""\n')


def rewritten(path: Path, text: str) -> str:
    """Return a file's text with the new names."""
    if path.suffix == ".py" or text.startswith("#!/usr/bin/env python"):
        text = in_imports(in_strings(text))
        lines = text.split("\n")
        text = "\n".join(line if re.match(r"\s*(from|import)\s+videoimport", line) else dotted(line) for line in lines)
    elif path.name.endswith(_TEXTS) and "decisions" not in path.parts:
        text = dotted(text)
    if path.name.endswith((".md", ".py", ".toml", "Makefile")):
        for old, new in MOVED.items():
            text = text.replace(f"{old.replace('.', '/')}.py", f"{new.replace('.', '/')}.py")
    return text


def in_strings(text: str) -> str:
    """Programs in strings."""
    lines = text.split("\n")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "import" in node.value:
            for at in range(node.lineno - 1, node.end_lineno or node.lineno):
                lines[at] = _IMPORT.sub(_renamed, lines[at])
    return "\n".join(lines)


def _renamed(found: re.Match[str]) -> str:
    module, name, alias = found[1], found[2], found[3] or ""
    new = MOVED.get(f"{module}.{name}")
    if new is None:
        return f"from {MOVED.get(module, module)} import {name}{alias}"
    folder, _, last = new.rpartition(".")
    return f"from {folder} import {last}{alias or (f' as {name}' if last != name else '')}"


def in_imports(text: str) -> str:
    """Statements. A module keeps the name that its users have for it."""
    lines = text.split("\n")
    found = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom) and _is_ours(node)]
    for node in sorted(found, key=lambda node: -node.lineno):
        end = node.end_lineno or node.lineno
        if node.module in MOVED:
            for at in range(node.lineno - 1, end):
                lines[at] = lines[at].replace(f"from {node.module} import", f"from {MOVED[node.module]} import", 1)
        elif any(f"{node.module}.{one.name}" in MOVED for one in node.names):
            lines[node.lineno - 1 : end] = _statements(node, lines[end - 1])
    return "\n".join(lines)


def _is_ours(node: ast.ImportFrom) -> bool:
    return node.level == 0 and (node.module or "").split(".")[0] == "videoimport"


def _statements(node: ast.ImportFrom, last: str) -> Iterator[str]:
    remark = re.search(r"#\s*(noqa|type:).*$", last)
    indent, tail = " " * node.col_offset, f"  {remark[0]}" if remark else ""
    stay = [one for one in node.names if f"{node.module}.{one.name}" not in MOVED]
    if stay:
        names = ", ".join(one.name + (f" as {one.asname}" if one.asname else "") for one in stay)
        yield f"{indent}from {node.module} import {names}{tail}"
    for one in node.names:
        if one not in stay:
            folder, _, name = MOVED[f"{node.module}.{one.name}"].rpartition(".")
            known = one.asname or one.name
            yield f"{indent}from {folder} import {name}{'' if name == known else f' as {known}'}{tail}"


def dotted(text: str) -> str:
    """Dotted names."""

    def new(found: re.Match[str]) -> str:
        parts = found[0].split(".")
        for count in range(len(parts), 1, -1):
            if (name := MOVED.get(".".join(parts[:count]))) is not None:
                return ".".join([name, *parts[count:]])
        return found[0]

    return _DOTTED.sub(new, text)


def main(root: Path) -> None:
    """Move, then rewrite every file."""
    move(root)
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in (".venv", ".git", "build", "__pycache__")]
        for path in (Path(folder) / name for name in files if not (Path(folder) / name).is_symlink()):
            try:
                text = path.read_text()
            except UnicodeDecodeError:
                continue
            if path.name != Path(__file__).name and (new := rewritten(path, text)) != text:
                path.write_text(new)
    print(f"{len(MOVED)} modules moved")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
