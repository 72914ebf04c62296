"""Names are derived, so that making a thing twice meets the thing that is already there."""


def job_name(import_name: str, run: int) -> str:
    """The Job of one run; an import's name of at most 52 leaves room for ten digits."""
    return f"{import_name}-{run}"


def child_name(bulk_name: str, identity: str) -> str:
    """The VideoImport of one item of a bulk."""
    return f"{bulk_name}-{identity}"


def shard_name(bulk_name: str, number: int) -> str:
    """The ConfigMap that holds one shard of a bulk's results."""
    return f"{bulk_name}-results-{number}"


def scratch_name(import_name: str) -> str:
    """The PersistentVolumeClaim that holds an import's scratch across runs; at most 60 characters."""
    return f"{import_name}-scratch"
