"""Changes of running children when their BulkImport is cancelled, suspended or resumed, or exceeds its failure
policy."""

from collections.abc import Iterator

from videoimport.api.videoimport import VideoImport
from videoimport.core.bulk.child_actions import cancel_child, delete_child, patch_child_suspend
from videoimport.core.bulk.snapshot import BulkSnapshot
from videoimport.core.plan import Action
from videoimport.core.video_status import has_active_run


def update_children(snapshot: BulkSnapshot) -> tuple[Action, ...]:
    """Return the actions that delete the children of removed items, and that cancel, suspend or resume the other
    children.

    No action is returned for a child that already has the change.
    """
    unwanted = (*snapshot.children_to_prune, *_list_pending_children(snapshot))
    leaving = {child.metadata.name for child in unwanted}
    others = [child for child in snapshot.running.values() if child.metadata.name not in leaving]
    if snapshot.stopped:
        patches = [cancel_child(child) for child in others if not child.spec.cancel]
    else:
        suspend = snapshot.suspended
        patches = [patch_child_suspend(child, suspend=suspend) for child in others if child.spec.suspend != suspend]
    return (*(delete_child(child) for child in unwanted), *patches)


def _list_pending_children(snapshot: BulkSnapshot) -> Iterator[VideoImport]:
    """Yield the pending children to delete when the BulkImport exceeds its failure policy. A cancelled child would
    count as a failure, so these children are deleted instead. After the limit is raised, the controller creates them
    again."""
    if not snapshot.policy_exceeded or snapshot.stopped or snapshot.suspended:
        return
    pruned_names = {child.metadata.name for child in snapshot.children_to_prune}
    for child in snapshot.running.values():
        if child.metadata.name not in pruned_names and not has_active_run(child.status):
            yield child
