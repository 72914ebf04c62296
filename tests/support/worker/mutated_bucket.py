"""A bucket as a destination, through a store that changes what passes."""

from dataclasses import dataclass

from support.worker.destinations import BucketHarness
from support.worker.mutated_store import MutatedStore
from support.worker.object_store import Bucket


class MutatedBucket(BucketHarness):
    """To the bucket, by the store that changes what passes."""

    def __init__(self, bucket: Bucket, mutated: MutatedStore) -> None:
        super().__init__(bucket)
        self.destination["s3"]["endpoint"] = mutated.endpoint
        self._direct, self.bucket = bucket, Bucket(_Endpoint(mutated.endpoint), bucket.name)  # type: ignore[arg-type]


@dataclass
class _Endpoint:
    endpoint: str
