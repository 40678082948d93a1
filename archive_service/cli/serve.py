"""The service under gunicorn: pages and API alone, or with the runner's thread in the same process tree (embedded)."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from gunicorn import util
from gunicorn.app.base import BaseApplication
from gunicorn.workers.gthread import ThreadWorker
from werkzeug.middleware.proxy_fix import ProxyFix

from archive_service import wiring
from archive_service.app import create_app
from archive_service.config import Settings
from archive_service.errors import Unavailable
from archive_service.logs import set_up_logging
from archive_service.runner import Runner
from archive_service.services import setup

UNIT_CODE = "polman-babel"
UNIT_NAME = "Politeknik Manufaktur Negeri Bangka Belitung"
REST_OF_BODY_SECONDS = 0.05
CLOSERS = 8


def require_free_port(host: str, port: int) -> None:
    """Raise Unavailable ``port_busy`` when somebody listens there already."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as exc:
            raise Unavailable(
                "port_busy",
                f"Port {port} on {host} cannot be used ({exc.strerror}). Stop what runs there, or choose another: "
                "make … PORT=8602, or ARCHIVE_PORT=8602.",
            ) from exc


def prepare(settings: Settings, *, unit_code: str = UNIT_CODE, unit_name: str = UNIT_NAME) -> str | None:
    """Set up an empty archive; the administrator's one-time password at the first start, else None."""
    archive = wiring.build(settings)
    try:
        return setup.bootstrap(archive, unit_code=unit_code, unit_name=unit_name)
    finally:
        archive.db.close()


def describe(settings: Settings) -> str:
    """Database, store, job runner and web server in words."""
    archive = wiring.build_for_audit(settings)
    try:
        workers = (
            "job thread in the web process"
            if settings.redis_url is None
            else "Celery worker and beat on Redis, log process with its own key"
        )
        web = f"gunicorn gthread ({settings.workers} × {settings.threads} threads)"
        return f"{archive.db.name}, {archive.store.name} store, {workers}, {web}"
    finally:
        archive.db.close()


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threads, none of which waits for somebody who still sends what was refused already.

    gunicorn reads what is left of a refused body for five seconds in the request's thread, and then lingers for two in the one that
    accepts connections: forty slow uploads that find no place would hold up every page.
    """

    def init_process(self) -> None:
        """Begin, with threads of their own for connections that are being closed."""
        self._closers = ThreadPoolExecutor(CLOSERS, thread_name_prefix="closer")
        super().init_process()

    def handle(self, conn: Any) -> Any:
        """Answer a request; where the connection ends with it, it is closed elsewhere."""
        result = super().handle(conn)
        if result is False:
            sock = conn.sock
            conn.close = lambda graceful=False: self._closers.submit(_close, sock)
        return result

    def _keepalive_after(self, conn: Any, keepalive: bool) -> bool:
        deadline = time.monotonic() + REST_OF_BODY_SECONDS
        return keepalive and bool(conn.parser.finish_body(deadline=deadline))


def _close(sock: socket.socket) -> None:
    """Close so that the answer still arrives: the one who is refused reads why."""
    try:
        sock.setblocking(True)
    except OSError:
        # the other side was quicker
        return
    util.close_graceful(sock)


class Server(BaseApplication):  # type: ignore[misc]
    """The service under gunicorn; ``is_whole`` has it do the jobs and keep the log too."""

    def __init__(self, settings: Settings, *, is_whole: bool) -> None:
        self._settings = settings
        self._is_whole = is_whole
        self._runner: Runner | None = None
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn's options; its own command line and files are not read."""
        settings = self._settings
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        options: dict[str, Any] = {
            "bind": f"{host}:{settings.port}",
            "workers": 1 if self._is_whole else settings.workers,
            "threads": settings.threads,
            "worker_class": PatientWorker,
            "timeout": 120,
            "graceful_timeout": 20,
            "loglevel": "warning",
            "control_socket_disable": True,
            "proc_name": "archive-service",
            "worker_exit": self._stop_runner,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Build the archive in the worker, after the fork: connections and threads do not survive one."""
        archive = wiring.build(self._settings)
        if self._is_whole:
            self._runner = Runner(archive)
            self._runner.start()
        app = create_app(archive, wiring.demo_clock(self._settings) if self._settings.demo else None)
        if count := self._settings.proxies:
            # who asked and over which scheme is what the nearest proxies say, and nobody further out
            app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]
        return app

    def _stop_runner(self, server: Any, worker: Any) -> None:
        if self._runner is not None:
            self._runner.stop()


def serve(settings: Settings, *, is_whole: bool = True) -> None:
    """Run until stopped; the port is looked at first, so that a busy one is a sentence and not a loop of retries."""
    set_up_logging()
    require_free_port(settings.host, settings.port)
    Server(settings, is_whole=is_whole).run()
