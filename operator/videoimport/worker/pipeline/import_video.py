"""One import, from the source's first byte to the commit record: fetch, check, transcode, verify, publish."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from videoimport.api import folder_layout as layout
from videoimport.api.identity import video_id
from videoimport.api.reasons import Reason
from videoimport.api.tasks.import_report import Report
from videoimport.api.tasks.import_task import Task
from videoimport.api.videoimport_status import StageName
from videoimport.media.transcode.job import Job
from videoimport.media.transcode.output_files import Target
from videoimport.media.transcode.plan import encode_instead
from videoimport.media.verify import proof
from videoimport.worker.fetch.process_messages import Extras, Fetched, Found
from videoimport.worker.pipeline import original as originals
from videoimport.worker.pipeline import publish, publish_plan, result_json, thumbnails
from videoimport.worker.pipeline import report as telling
from videoimport.worker.pipeline import source_facts as facts
from videoimport.worker.pipeline import verify as verification
from videoimport.worker.pipeline.destination import Place
from videoimport.worker.pipeline.inspect import Early, Inspected, Inspector
from videoimport.worker.pipeline.original import Originals
from videoimport.worker.pipeline.output_uploads import Outgoing
from videoimport.worker.pipeline.progress import Board, Ticker
from videoimport.worker.pipeline.transcode import Fallback, Made, Maker
from videoimport.worker.pipeline.workspace import Workspace
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.logging import log
from videoimport.worker.runtime.paths import Paths
from videoimport.worker.runtime.subprocesses import Child, Children
from videoimport.worker.source import fetch_client
from videoimport.worker.source.arrival import Arrival
from videoimport.worker.source.fetch_client import Fetching, Mounts
from videoimport.worker.source.loopback_server import Serving
from videoimport.worker.source.probe import Examined
from videoimport.worker.storage import index_hit_check as hits
from videoimport.worker.storage import keys as naming
from videoimport.worker.storage import video_index as index
from videoimport.worker.storage.base import UnmetError
from videoimport.worker.storage.video_index import Claim, Committed

_OVERLAPPED = "the video is encoded during its download"
_PASSED_ON = "the source's bytes are uploaded unchanged during the download"


class AlreadyStored(Exception):  # noqa: N818 — a success: nothing is left to be done
    """The destination already has this video."""

    def __init__(self, entry: Committed) -> None:
        super().__init__(entry.uri)
        self.entry = entry


@dataclass(frozen=True, slots=True)
class Setting:
    """The task, the folders, the child processes and the progress of one import."""

    task: Task
    paths: Paths
    space: Workspace
    children: Children
    board: Board
    ticker: Ticker
    completed: Callable[[Report], None] = lambda _: None
    """Called in the main thread once the result is in the destination. It may be called twice."""


class Import:
    """One import. If it raises ImportFailure, Interruption or AlreadyStored, it leaves nothing in the destination."""

    def __init__(self, setting: Setting, place: Place, fetcher: Child) -> None:
        self._task, self._children, self._board = setting.task, setting.children, setting.board
        self._setting, self._place, self._fetcher = setting, place, fetcher
        self._inspector = Inspector(setting.task, setting.children, setting.board, setting.space.results)
        self._claim: Claim | None = None
        self._is_lossy = False

    def report(self) -> Report:
        """Run all steps of the import and return the report."""
        fetching = self._begin_fetching()
        self._found(fetching.found())
        fetching.go()
        with contextlib.ExitStack() as stack:
            stack.enter_context(fetching.refusing())
            arrival = Arrival(fetching, stack.enter_context(Serving()), self._downloaded)
            sources = arrival.sources()
            found = self._inspector.found
            folder = publish_plan.reserved_folder(self._place, found.title, found.source_id)
            outgoing = Outgoing(self._place, stack.enter_context(folder), self._board)
            stack.enter_context(outgoing.shipment)
            kept = Originals(outgoing, self._board, originals.is_wanted(self._task.spec.output))
            maker = Maker(self._children, self._board, outgoing, self._setting.space.results)
            early = self._inspector.early(arrival, sources)
            made = self._while_it_arrives(arrival, early, maker, kept)
            fetched = arrival.whole()
            inspected = self._judged(fetched, stack)
            made = self._made(made, inspected, maker, kept)
            return self._finished(made, inspected, maker, outgoing, kept, fetched.extras)

    # Fetching

    def _begin_fetching(self) -> Fetching:
        paths = self._setting.paths
        mounts = Mounts(paths.source_credentials, paths.source_volume, paths.ca_bundle)
        if not self._task.spec.incremental and not naming.needs_source(self._task.spec.destination):
            self._may_write(None, None)  # otherwise the source is asked first: the existing video may be the same
        request = fetch_client.request_of(self._task, self._setting.space.source, paths.credentials, mounts)
        self._begin(StageName.DOWNLOAD)
        return fetch_client.begin(self._fetcher, request, self._moved, went_on=self._board.touch)

    def _found(self, what: Found) -> None:
        """Run the checks before bytes are fetched: the destination may have the video, or its keys may be in use.
        Raises AlreadyStored."""
        self._inspector.found = what
        self._board.know(facts.source_status(self._task.spec.source.address, what))
        if self._task.spec.incremental and (key := self._source_key()):
            entry = index.look(self._place.scope, key)
            if entry is not None and hits.suits(entry, self._task.spec):
                raise AlreadyStored(entry)
        self._may_write(what.title, what.source_id)

    def _may_write(self, title: str | None, source_id: str | None) -> None:
        if self._place.keeps_both:
            return
        folder = self._place.folder(title, source_id)
        publish_plan.may_write(self._place, [layout.key(folder, name) for name in (layout.VIDEO, layout.RESULT)])

    def _moved(self, done: int, total: int | None) -> None:
        self._board.moved(StageName.DOWNLOAD, done, total)

    def _downloaded(self, size: int) -> None:
        self._moved(size, size)
        if not self._board.is_done(StageName.DOWNLOAD):
            self._end(StageName.DOWNLOAD)

    # Making

    def _while_it_arrives(self, arrival: Arrival, early: Early, maker: Maker, kept: Originals) -> Made | None:
        """Make the outputs that can be made while the source is being downloaded. Return None if there are none."""
        if early.found is None:
            self._stage(early.why_staged or "")
            return None
        kept.begin(arrival, early.found)
        if early.found.job.plan.is_original:
            self._board.decided("Overlapped", _PASSED_ON, StageName.DOWNLOAD)
            return None
        if early.why_staged is not None:
            self._stage(early.why_staged)
            return None
        self._board.decided("Overlapped", _OVERLAPPED, StageName.DOWNLOAD)
        self._decided(early.found.job)
        try:
            return maker.overlapped(arrival, early.found)
        except Fallback as back:
            self._stage(back.why)
            self._board.wait(StageName.TRANSCODE)
            return None

    def _made(self, made: Made | None, inspected: Inspected, maker: Maker, kept: Originals) -> Made:
        """Return the outputs. Make them again if the whole source needs another plan than its first bytes."""
        kept.complete(inspected)
        if made is not None and made.job.agrees_with(inspected.job):
            return Made(inspected.job, made.targets)
        if made is not None:
            maker.discard(made)
            self._stage("the whole source needs another plan than its first bytes")
        self._decided(inspected.job)
        try:
            return maker.staged(inspected.job)
        except ImportFailure as failure:
            return maker.staged(self._encoded_instead(inspected.job, failure))

    def _encoded_instead(self, job: Job, failure: ImportFailure) -> Job:
        """Return the job with an encode in place of its copies, if a copy caused the failure. Otherwise raise the
        failure."""
        found = failure.reason in (Reason.VERIFICATION_FAILED, Reason.TRANSCODE_FAILED)
        plan = encode_instead(job.plan, job.picture, job.output, failure.message) if found else None
        if plan is None:
            raise failure
        self._board.wait(StageName.TRANSCODE)
        again = replace(job, plan=plan)
        self._decided(again)
        return again

    def _stage(self, why: str) -> None:
        log().info("staged", why=why)
        self._board.decided("Staged", why, StageName.DOWNLOAD)

    def _decided(self, job: Job) -> None:
        plan = job.plan
        log().info("transcoding", mode=plan.mode, why=plan.why)
        self._board.decided(plan.mode, plan.why)
        self._begin(StageName.TRANSCODE)

    # Checking

    def _judged(self, fetched: Fetched, stack: contextlib.ExitStack) -> Inspected:
        sources = fetch_client.sources_of(fetched)
        self._downloaded(sources.size)
        self._board.know(facts.source_status(self._task.spec.source.address, self._inspector.found, sources))
        inspected = self._inspector.whole(sources)
        if self._task.spec.incremental:
            self._claim = self._claimed()
            stack.enter_context(self._claim.kept())
        return inspected

    def _made_well(self, made: Made, maker: Maker) -> tuple[Made, dict[Target, Examined]]:
        """Return the outputs after their checks. A copy that fails the checks is encoded once."""
        try:
            return made, self._verified(made)
        except ImportFailure as failure:
            job = self._encoded_instead(made.job, failure)
        maker.discard(made)
        again = maker.staged(job)
        return again, self._verified(again)

    def _verified(self, made: Made) -> dict[Target, Examined]:
        with self._board.check():
            results = verification.verified(self._children, made.job, made.targets, made.lost)
            if lost := verification.loss(self._children, made.job, results, made.lost):
                self._is_lossy = True
                self._board.decided(made.job.plan.mode, f"{made.job.plan.why}; {lost}")
        return results

    # The index

    def _sha256(self) -> str:
        source = self._board.snapshot().source
        assert source is not None and source.sha256 is not None, "it was fetched"  # noqa: S101, PT018
        return source.sha256

    def _video_id(self) -> str:
        return video_id(self._sha256(), self._task.spec.output, self._task.spec.destination.folder)

    def _source_key(self) -> str | None:
        identity, spec = self._inspector.found.identity, self._task.spec
        return index.source_key(spec.destination, identity, spec.output) if identity else None

    def _claimed(self) -> Claim:
        """Claim the index entry of the video and return the claim. Raise AlreadyStored if another import has stored the
        video."""

        def wait(seconds: float) -> None:
            self._board.touch()  # another import stores it: waiting for that is progress
            time.sleep(seconds)

        key = index.content_key(self._task.spec.destination, self._video_id())
        got = index.claim(self._place.scope, key, self._task.uid, self._place.now, wait, self._sha256())
        if isinstance(got, Committed):
            hits.refuse_damaged(got, self._task.spec)
            raise AlreadyStored(got)
        return got

    def _renew(self, folder: str) -> None:
        """Renew the claim and confirm the reserved folder, as the last check before anything is published."""
        if self._place.keeps_both:
            self._place.names.confirm(folder)
        if self._claim is not None:
            try:
                self._claim.renew()
            except UnmetError:
                self._claim = self._claimed()

    # Publishing

    def _finished(
        self, made: Made, inspected: Inspected, maker: Maker, outgoing: Outgoing, kept: Originals, extras: Extras
    ) -> Report:
        self._board.start(StageName.UPLOAD)
        made, results = self._made_well(made, maker)
        stills = self._stills(made, results, inspected)
        for number, path in enumerate(stills, start=1):
            outgoing.add(layout.thumbnail(number), "thumbnail", path)
        beside = result_json.beside(extras, outgoing, keeps_metadata=self._task.spec.output.metadata == "Keep")
        self._end(StageName.TRANSCODE)
        outputs = telling.outputs(outgoing, results, len(stills), kept.output(inspected))
        self._end(StageName.UPLOAD)
        self._begin(StageName.FINALIZE)
        self._fetcher.dismiss()
        report = telling.success(self._task, self._board, outputs, self._video_id())
        streams = facts.streams(inspected.video, inspected.audio, inspected.job)
        more = {"streams": streams, "verification": proof.told(made.job), **beside.told(outgoing)}
        content = result_json.build_result(self._task, report, more, self._place.now())
        report = result_json.with_result(report, outgoing.placed(layout.RESULT), content)
        self._renew(outgoing.folder)
        keys = (index.content_key(self._task.spec.destination, self._video_id()), self._source_key())
        told, known = (report, content), tuple(key for key in keys if key)
        completed = self._setting.completed
        publish.publish(
            self._place, outgoing.shipment, outgoing.folder, told, known, lossy=self._is_lossy, completed=completed
        )
        self._end(StageName.FINALIZE)
        return report

    def _stills(self, made: Made, results: dict[Target, Examined], inspected: Inspected) -> tuple[Path, ...]:
        wish = self._task.spec.output.thumbnails
        if wish is None:
            return ()
        video = results[made.targets[0]] if made.targets else inspected.video
        with self._board.check():
            return thumbnails.make(self._children, video, wish.count, self._setting.space.results / "thumbnails")

    def _begin(self, stage: StageName) -> None:
        self._board.start(stage)
        self._setting.ticker.print()

    def _end(self, stage: StageName) -> None:
        self._board.finish(stage)
        self._setting.ticker.print()
