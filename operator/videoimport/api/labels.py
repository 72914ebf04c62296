"""Names of this project in the cluster: the API group, labels and annotations."""

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
"""Label of a Job and its pod: the name of the VideoImport."""
RUN = f"{GROUP}/run"
"""Label of a Job and its pod: the number of the run."""
BULK = f"{GROUP}/bulk"
"""Label of a child and a result shard: the name of the BulkImport."""
ITEM = f"{GROUP}/item"
"""Label of a child: the identity of its item, ten hex digits."""
SHARD = f"{GROUP}/shard"
"""Label of a result shard: its number, from 0."""
PAGE = f"{GROUP}/page"
"""Label of a page of a list and of a listing Job: the number of the page, from 0."""
LISTING = f"{GROUP}/listing"
"""Label of a page of a list: the identity of the list, eight hex digits."""
TASK = f"{GROUP}/task"
"""Annotation of a Job's pod template: the task of the worker as JSON. The worker reads the task through a downward-API
file."""
UPLOAD_SESSION = f"{GROUP}/upload-session"
"""Annotation of a VideoImport with source.upload: the SHA-256 of the session's token in hexadecimal digits. A new value
opens a session. Only the client knows the token."""

WORKER_CONTAINER = "worker"
OUR_PREFIXES = (f"{GROUP}/", "app.kubernetes.io/")
"""Prefixes of the controller's labels and annotations. ``spec.worker`` never overrides labels or annotations with these
prefixes."""
