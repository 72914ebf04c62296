"""Names the cluster knows us by: the API group, our labels and annotations."""

GROUP = "videoimport.io"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
VIDEO_KIND = "VideoImport"
BULK_KIND = "BulkImport"

MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGED_BY_VALUE = "videoimport"
COMPONENT = "app.kubernetes.io/component"
NAME = "app.kubernetes.io/name"

IMPORT = f"{GROUP}/import"
"""On a Job, its pod: the name of the VideoImport."""
RUN = f"{GROUP}/run"
"""On a Job and its pod: the number of the run."""
BULK = f"{GROUP}/bulk"
"""On a child and a result shard: the name of the BulkImport."""
ITEM = f"{GROUP}/item"
"""On a child: the identity of its item, ten hex digits."""
SHARD = f"{GROUP}/shard"
"""On a result shard: its number, from 0."""
TASK = f"{GROUP}/task"
"""Annotation of a Job's pod template: the worker's task as JSON; the worker reads it through a downward-API file."""

WORKER_CONTAINER = "worker"
OUR_PREFIXES = (f"{GROUP}/", "app.kubernetes.io/")
"""Labels and annotations under these prefixes are ours; ``spec.worker`` never overrides them."""
