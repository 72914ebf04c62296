"""Names are derived, so that a second creation of the same object fails with AlreadyExists."""

from videoimport.api.videoimport import MAX_NAME


def build_job_name(import_name: str, run: int) -> str:
    """The Job of one run; an import's name of at most 52 leaves room for ten digits."""
    return f"{import_name}-{run}"


def build_child_object_name(bulk_name: str, slug: str, identity: str) -> str:
    """The VideoImport of one item of a bulk: ``<bulk>-<slug>-<identity>`` in at most MAX_NAME characters. The slug is
    for users and is cut to fit, to nothing where the bulk's name leaves no space; only the identity identifies the
    item."""
    room = MAX_NAME - len(bulk_name) - len(identity) - 2
    short = slug[: max(room, 0)].strip("-")
    return f"{bulk_name}-{short}-{identity}" if short else f"{bulk_name}-{identity}"


def build_shard_name(bulk_name: str, number: int) -> str:
    """The ConfigMap that holds one shard of a bulk's results."""
    return f"{bulk_name}-results-{number}"


def build_scratch_name(import_name: str) -> str:
    """The PersistentVolumeClaim that holds an import's scratch across runs; at most 60 characters."""
    return f"{import_name}-scratch"


def build_task_job_name(bulk_name: str, word: str, run: int) -> str:
    """The Job of one run of a bulk's other task; a bulk's name of at most 40 leaves space for it. No VideoImport's Job
    is named so, whatever that is called: after its last hyphen there are digits only."""
    return f"{bulk_name}-{word}-r{run}"


def build_page_name(bulk_name: str, listing: str, number: int) -> str:
    """The ConfigMap that holds one page of a bulk's list."""
    return f"{bulk_name}-{listing}-{number}"
