"""The Job that lists one page: its task, its mounted files, and the use of its report."""

from datetime import timedelta

from videoimport.api.bulkimport import BulkImport
from videoimport.api.labels import PAGE
from videoimport.api.tasks.import_task import (
    DESTINATION_CREDENTIALS_PATH,
    DESTINATION_VOLUME_PATH,
    SOURCE_CREDENTIALS_PATH,
)
from videoimport.api.tasks.listing_task import (
    MANIFEST_PATH,
    MAX_PAGE_BYTES,
    MAX_PAGE_ITEMS,
    ListingTask,
    PageFacts,
    PageReport,
)
from videoimport.core.discovery.context import LISTING_TASK
from videoimport.core.discovery.pages import build_page_manifest
from videoimport.core.jobs.bulk_task_job import build_task_pod
from videoimport.core.jobs.pod_template import (
    Volumes,
    build_claim_volume,
    build_config_map_volume,
    build_node_scratch,
    build_secret_volume,
)
from videoimport.core.jobs.run_lifecycle import RunJob
from videoimport.core.names_and_owners import build_task_job_name
from videoimport.core.observed import JobView, PageView, PodView
from videoimport.core.plan import StoreListingPage
from videoimport.core.settings import Settings

_SCRATCH_SIZE = "1Gi"
"""Size of the scratch volume on the node, for a manifest and the first bytes of some files."""
Pages = tuple[PageView, ...]


def build_listing_job(bulk: BulkImport, run: int, pages: Pages, spec_hash: str, settings: Settings) -> RunJob:
    """Return the Job of the run that lists the page after these pages."""
    task = build_listing_task(bulk, run, pages, settings)
    timeout, labels = timedelta(seconds=task.timeout_seconds), {PAGE: str(task.page)}
    name, pod = (
        build_task_job_name(bulk.metadata.name, LISTING_TASK, run),
        build_task_pod(bulk, _build_volumes(bulk), settings),
    )
    return RunJob(name, bulk, run, spec_hash, task, timeout, pod, labels)


def build_listing_task(bulk: BulkImport, run: int, pages: Pages, settings: Settings) -> ListingTask:
    """Return the task of the worker for this run."""
    meta, spec = bulk.metadata, bulk.spec
    return ListingTask(
        uid=meta.uid,
        namespace=meta.namespace,
        name=meta.name,
        run=run,
        page=len(pages),
        cursor=pages[-1].cursor if pages else None,
        source=spec.source,
        requirements=spec.template.requirements,
        destination=spec.template.destination,
        output=spec.template.output,
        incremental=spec.incremental,
        allowed_networks=settings.allowed_networks,
        politeness=settings.politeness,
        proxy=spec.template.worker.proxy,
        ca_bundle_config_map_ref=spec.template.worker.ca_bundle_config_map_ref,
    )


def store_reported_page(
    bulk: BulkImport, listing: str, pages: Pages, report: PageReport, job: JobView, pod: PodView
) -> StoreListingPage | str:
    """Return the action that stores the reported page, or a message about an error in the report.

    The report comes from a worker that handles untrusted lists. Without this check, the controller would endlessly
    restart a worker that repeats one report.
    """
    if problem := _find_report_error(report, pages):
        return problem
    facts = PageFacts(
        cursor=report.cursor, done=report.done, pushed_back=report.pushed_back,
        retry_after_seconds=report.retry_after_seconds, skipped=report.skipped,
    )  # fmt: skip
    manifest = build_page_manifest(bulk, listing, report.page, facts)
    return StoreListingPage(pod.namespace, pod.name, job.uid, report.count, report.sha256, manifest)


def read_page_report(text: str) -> PageReport:
    """Return the report in a termination message. Raises ValueError for any other text."""
    return PageReport.model_validate_json(text)


def _find_report_error(report: PageReport, pages: Pages) -> str:
    if report.page != len(pages):
        return f"The worker listed page {report.page} instead of {len(pages)}"
    if report.bytes > MAX_PAGE_BYTES or report.count > MAX_PAGE_ITEMS:
        return f"The worker's page is too large: {report.count} lines, {report.bytes} bytes"
    if not report.done and report.cursor in (None, pages[-1].cursor if pages else None):
        return "The worker's page ends where it began"
    return ""


def _build_volumes(bulk: BulkImport) -> Volumes:
    """Return the volumes of a listing: the source's Secret, a manifest, and the destination if its index is read."""
    source, destination = bulk.spec.source, bulk.spec.template.destination
    found = build_node_scratch(_SCRATCH_SIZE) + build_secret_volume(
        "source-credentials", SOURCE_CREDENTIALS_PATH, source.credentials_secret_ref
    )
    listed = source.manifest.config_map_key_ref if source.manifest else None
    if listed is not None:
        found += build_config_map_volume("manifest", MANIFEST_PATH, listed.name)
    claim = destination.persistent_volume_claim
    if not bulk.spec.incremental:
        return found
    if claim is not None:
        return found + build_claim_volume("destination", DESTINATION_VOLUME_PATH, claim.claim_name)
    return found + build_secret_volume(
        "destination-credentials", DESTINATION_CREDENTIALS_PATH, destination.credentials_secret_ref
    )
