"""Every job and sweep of the runner has a task, and the schedule names tasks that exist."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import tasks.bundles
import tasks.compliance
import tasks.dispatch
import tasks.fixity
import tasks.notices
import tasks.sweeps
from archive_service.runner import JOBS, SWEEPS
from tasks.app import SWEEP_TASKS, app
from tasks.dispatch import JOB_TASKS


def test_every_job_and_every_sweep_has_a_task() -> None:
    assert set(JOB_TASKS) == set(JOBS)
    assert set(SWEEP_TASKS) == set(SWEEPS)
    assert {*JOB_TASKS.values(), *SWEEP_TASKS.values()} <= set(app.tasks)


def test_the_schedule_names_tasks_that_exist_and_lets_stale_messages_go() -> None:
    schedule = app.conf.beat_schedule
    assert {"relay", *SWEEPS} == set(schedule)
    for entry in schedule.values():
        assert entry["task"] in app.tasks
        assert 0 < entry["options"]["expires"] <= max(5, entry["schedule"])


def test_every_module_of_tasks_is_loaded_by_a_worker() -> None:
    modules = {tasks.bundles, tasks.compliance, tasks.dispatch, tasks.fixity, tasks.notices, tasks.sweeps}
    assert {m.__name__ for m in modules} == set(app.conf.include)


def test_messages_are_json_without_results_and_acknowledged_before_the_work() -> None:
    assert app.conf.accept_content == ["json"] and app.conf.task_serializer == "json"
    assert app.conf.task_ignore_result and not app.conf.task_acks_late
    assert app.conf.worker_prefetch_multiplier == 1
    assert json.loads(json.dumps(app.conf.broker_transport_options)) == app.conf.broker_transport_options


def test_a_worker_without_redis_says_which_setting_is_missing() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "ARCHIVE_REDIS_URL"}
    command = [sys.executable, "-m", "celery", "--quiet", "--app", "tasks.app", "worker", "--pool", "solo"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert ended.returncode != 0
    assert "ARCHIVE_REDIS_URL" in ended.stderr
