"""Job names and the functions behind them; one turn of work; the thread that does it all when embedded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog

from archive_service import jobs
from archive_service.archive import Archive
from archive_service.errors import ArchiveError, LogIntegrityError
from archive_service.services import (
    audits,
    bundles,
    checkpoint_mail,
    compliance,
    delegations,
    deviations,
    fixity,
    idempotency,
    log,
    logins,
    mail,
    obligations,
    partial_uploads,
    passkeys,
    quality,
    reminders,
    resets,
    users,
    vouching,
    webhooks,
)

JOBS: Mapping[str, Callable[..., None]] = {
    "judge_step": compliance.judge_step,
    "build_bundle": bundles.build_bundle,
    "check_fixity": fixity.check_fixity,
    "lock_object": fixity.lock_object,
    "audit_log": audits.audit_log,
    "note_sop_change": deviations.note_sop_change,
    "send_mail": mail.send_mail,
    "send_digest": mail.send_digest,
    "mail_reset": resets.mail_reset,
    "mail_verification": resets.mail_verification,
    "deliver_webhook": webhooks.deliver_webhook,
    "send_checkpoint": checkpoint_mail.send_checkpoint,
}
"""Every job by name: called with archive, lease and the job's arguments, and commits its result under that lease."""

SWEEPS: Mapping[str, tuple[timedelta, Callable[[Archive], int]]] = {
    "sweep_deadlines": (timedelta(seconds=30), compliance.sweep_deadlines),
    "fold_counts": (timedelta(seconds=30), quality.fold_counts),
    "escalate_deviations": (timedelta(seconds=60), deviations.escalate_deviations),
    "sweep_obligations": (timedelta(seconds=60), obligations.sweep_obligations),
    "sweep_delegations": (timedelta(seconds=60), delegations.sweep_delegations),
    "sweep_reminders": (timedelta(seconds=30), reminders.sweep_reminders),
    "plan_digests": (timedelta(seconds=60), mail.plan_digests),
    "tidy_notices": (timedelta(hours=1), reminders.tidy_notices),
    "write_unknown_logins": (timedelta(seconds=60), users.write_unknown_logins),
    "plan_fixity": (timedelta(hours=1), fixity.plan_fixity),
    "plan_locks": (timedelta(hours=1), fixity.plan_locks),
    "plan_audit": (timedelta(hours=1), audits.plan_audit),
    "sweep_unclaimed": (timedelta(hours=1), fixity.sweep_unclaimed),
    "sweep_partial_uploads": (timedelta(hours=1), partial_uploads.sweep_partial_uploads),
    "sweep_prepared": (timedelta(minutes=10), passkeys.sweep_prepared),
    "sweep_logins": (timedelta(minutes=5), logins.sweep_logins),
    "sweep_idempotency": (timedelta(hours=1), idempotency.sweep_idempotency),
    "plan_checkpoint_mails": (timedelta(minutes=10), checkpoint_mail.plan_checkpoint_mails),
    "ask_vouchers": (timedelta(seconds=5), vouching.ask_vouchers),
}
"""What is looked for again and again, and how often."""

BESIDE = frozenset(["ask_vouchers"])
"""Sweeps that wait for other people's servers: embedded they run beside the thread that keeps the log, never on it."""

LOG = structlog.get_logger("archive")


def run_next_job(archive: Archive) -> bool:
    """Run one job that is due; whether there was one."""
    with archive.db.read() as session:
        if not jobs.list_due(session, archive.timer(), 1):
            return False
    with archive.db.write() as session:
        lease = jobs.take(session, archive.log.make_id, archive.timer(), length=archive.settings.lease)
    if lease is None:
        return False
    run_job(archive, lease)
    return True


def run_job_by_id(archive: Archive, job_id: str) -> bool:
    """Run this job if it is due and nobody has it; whether it was run. A hint that came late or twice finds nothing to do."""
    with archive.db.write() as session:
        lease = jobs.take(session, archive.log.make_id, archive.timer(), length=archive.settings.lease, job_id=job_id)
    if lease is None:
        return False
    run_job(archive, lease)
    return True


def run_job(archive: Archive, lease: jobs.Lease) -> None:
    """Run a leased job to its end, its next attempt or its failure; nothing is raised but what stops the process."""
    try:
        JOBS[lease.name](archive, lease, **lease.args)
    except jobs.LeaseLost:
        LOG.warning("job.lease_lost", job=lease.name, id=lease.job_id)
    except jobs.NotYet as exc:
        again = archive.timer() + timedelta(seconds=exc.seconds)
        _end(archive, lease, lambda s: jobs.postpone(s, lease, again))
    except jobs.AttemptFailed as exc:
        known, pause = str(exc), exc.pause
        LOG.warning("job.attempt_failed", job=lease.name, id=lease.job_id, error=known, attempt=lease.attempts)
        _end(
            archive,
            lease,
            lambda s: jobs.fail(s, lease, archive.timer(), known, is_final=pause is None, pause=pause),
        )
    except ArchiveError as exc:
        message, is_final = f"{exc.code}: {exc.detail}", isinstance(exc, LogIntegrityError)
        LOG.error("job.failed", job=lease.name, id=lease.job_id, code=exc.code, detail=exc.detail)
        _end(archive, lease, lambda s: jobs.fail(s, lease, archive.timer(), message, is_final=is_final))
    except Exception as exc:
        # a job's bug must not stop the others: the row keeps the error and the attempt counts
        message = f"{type(exc).__name__}: {exc}"
        LOG.exception("job.crashed", job=lease.name, id=lease.job_id)
        _end(archive, lease, lambda s: jobs.fail(s, lease, archive.timer(), message))


def _end(archive: Archive, lease: jobs.Lease, write: Callable[[Any], None]) -> None:
    try:
        with archive.db.write() as session:
            write(session)
    except jobs.LeaseLost:
        LOG.warning("job.lease_lost", job=lease.name, id=lease.job_id)


class LogKeeper:
    """Numbers what is pending and signs checkpoints; ``error`` tells why it signs nothing more."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._signer = log.CheckpointSigner(archive)
        self._signed_at: datetime | None = None
        self._has_signed = False
        self.error: str | None = None

    def turn(self) -> bool:
        """Do what is due now; whether there was anything."""
        if self.error is not None:
            return False
        try:
            did = log.sequence_pending(self._archive) > 0
            return self._sign() or did
        except LogIntegrityError as exc:
            # a log that would fork signs nothing more until an operator has looked and started the process again
            self.error = f"{exc.code}: {exc.detail}"
            LOG.critical("log.refuses_to_sign", code=exc.code, detail=exc.detail)
            log.record_stop(self._archive, exc)
            return False

    def _sign(self) -> bool:
        now = self._archive.timer()
        every = timedelta(seconds=self._archive.settings.checkpoint_seconds)
        is_due = self._signed_at is None or now - self._signed_at >= every
        if not is_due and not log.is_awaited(self._archive):
            return False
        did = self._signer.sign() is not None
        if not self._has_signed:
            # what stopped the process before this one is mended
            self._has_signed = True
            log.record_stop(self._archive, None)
        if did:
            self._signed_at = now
        return did


def keep_log(archive: Archive, stop: threading.Event, *, pause_seconds: float = 0.1) -> None:
    """The log process: take turns until stopped. What goes wrong once, a database that is away, is tried again."""
    keeper = LogKeeper(archive)
    while not stop.is_set():
        try:
            did = keeper.turn()
        except Exception:
            # the only process that may sign: whatever went wrong once may pass
            LOG.exception("log.turn_failed")
            did = False
            stop.wait(2)
        if not did:
            stop.wait(pause_seconds)


class Runner:
    """The embedded thread: jobs, sweeps, sequencer and checkpoints, one after the other."""

    def __init__(self, archive: Archive, *, pause_seconds: float = 0.1) -> None:
        self._archive = archive
        self._pause_seconds = pause_seconds
        self._stop = threading.Event()
        self._keeper = LogKeeper(archive)
        self._swept: dict[str, datetime] = {}
        self._beside: dict[str, threading.Thread] = {}
        self._thread = threading.Thread(target=self._loop, name="archive-runner", daemon=True)

    @property
    def log_error(self) -> str | None:
        """Why the log signs nothing more, or None."""
        return self._keeper.error

    def start(self) -> None:
        """Begin in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the turn at hand and end."""
        self._stop.set()
        self._thread.join(timeout=30)

    def turn(self) -> bool:
        """Do everything that is due now; whether there was any."""
        did = self._keeper.turn()
        now = self._archive.timer()
        for name, (every, sweep) in SWEEPS.items():
            if now - self._swept.get(name, datetime.min.replace(tzinfo=now.tzinfo)) >= every:
                self._swept[name] = now
                self._sweep(name, sweep)
        while not self._stop.is_set() and run_next_job(self._archive):
            did = True
        return did

    def _sweep(self, name: str, sweep: Callable[[Archive], int]) -> None:
        if name not in BESIDE:
            sweep(self._archive)
            return
        running = self._beside.get(name)
        if vouching.vouchers_of(self._archive) and (running is None or not running.is_alive()):
            thread = threading.Thread(target=self._try, args=(name, sweep), name=f"archive-{name}", daemon=True)
            self._beside[name] = thread
            thread.start()

    def _try(self, name: str, sweep: Callable[[Archive], int]) -> None:
        try:
            sweep(self._archive)
        except Exception:
            # a thread of its own: whatever went wrong once may pass, and the next one tries again
            LOG.exception("runner.sweep_failed", sweep=name)

    def _loop(self) -> None:
        while not self._stop.is_set():
            try:
                self.turn()
            except Exception:
                # the thread is the service's only worker: whatever went wrong once may pass
                LOG.exception("runner.turn_failed")
                self._stop.wait(2)
            self._stop.wait(self._pause_seconds)
