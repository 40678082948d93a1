"""The Celery application and beat's schedule.

A message says "look at this job": it is acknowledged before the work begins, may be lost, come late or twice, and nothing depends on
it. The job table keeps the work, its attempts and its leases; the relay asks it every second what is due.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from celery import Celery
from celery.signals import beat_init, setup_logging, worker_init

from archive_service import wiring
from archive_service.archive import Archive
from archive_service.config import load_settings
from archive_service.logs import set_up_logging
from archive_service.runner import SWEEPS

RELAY_SECONDS = 1
CONNECT_SECONDS = 5

SWEEP_TASKS = {
    "sweep_deadlines": "tasks.compliance.sweep_deadlines",
    "fold_counts": "tasks.sweeps.fold_counts",
    "escalate_deviations": "tasks.compliance.escalate_deviations",
    "sweep_obligations": "tasks.compliance.sweep_obligations",
    "sweep_delegations": "tasks.compliance.sweep_delegations",
    "sweep_reminders": "tasks.notices.sweep_reminders",
    "plan_digests": "tasks.notices.plan_digests",
    "tidy_notices": "tasks.notices.tidy_notices",
    "write_unknown_logins": "tasks.sweeps.write_unknown_logins",
    "plan_fixity": "tasks.fixity.plan_fixity",
    "plan_locks": "tasks.fixity.plan_locks",
    "plan_audit": "tasks.fixity.plan_audit",
    "sweep_unclaimed": "tasks.sweeps.sweep_unclaimed",
    "sweep_partial_uploads": "tasks.sweeps.sweep_partial_uploads",
    "sweep_prepared": "tasks.sweeps.sweep_prepared",
    "sweep_logins": "tasks.sweeps.sweep_logins",
    "sweep_idempotency": "tasks.sweeps.sweep_idempotency",
    "plan_checkpoint_mails": "tasks.notices.plan_checkpoint_mails",
    "ask_vouchers": "tasks.sweeps.ask_vouchers",
}
"""The task behind each of the runner's sweeps."""

app = Celery(
    "tasks",
    include=["tasks.dispatch", "tasks.compliance", "tasks.bundles", "tasks.fixity", "tasks.notices", "tasks.sweeps"],
)
app.conf.update(
    broker_url=load_settings().redis_url,
    task_serializer="json",
    accept_content=["json"],
    task_ignore_result=True,
    task_acks_late=False,
    task_publish_retry_policy={"max_retries": 1, "interval_start": 0.2, "interval_max": 0.2},
    worker_prefetch_multiplier=1,
    worker_concurrency=2,
    worker_enable_remote_control=False,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_soft_shutdown_timeout=20,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_connection_timeout=CONNECT_SECONDS,
    broker_transport_options={
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_keepalive": True,
        "health_check_interval": 10,
    },
    # no file: every interval is short, and what ran just before a restart may run again
    beat_scheduler="celery.beat:Scheduler",
    beat_max_loop_interval=RELAY_SECONDS,
    beat_schedule={
        "relay": {
            "task": "tasks.dispatch.relay",
            "schedule": RELAY_SECONDS,
            "options": {"expires": 5 * RELAY_SECONDS},
        },
        **{
            name: {
                "task": SWEEP_TASKS[name],
                "schedule": every.total_seconds(),
                "options": {"expires": every.total_seconds()},
            }
            for name, (every, _) in SWEEPS.items()
        },
    },
    timezone="UTC",
)


@cache
def get_archive() -> Archive:
    """The archive of this worker process, built at its first task: connections do not survive a fork."""
    return wiring.build(load_settings())


@setup_logging.connect
def _log_as_the_service_does(**_: Any) -> None:
    set_up_logging()


@worker_init.connect
@beat_init.connect
def _require_redis(**_: Any) -> None:
    if app.conf.broker_url is None:
        raise SystemExit("Name the Redis that carries the messages with ARCHIVE_REDIS_URL.")
