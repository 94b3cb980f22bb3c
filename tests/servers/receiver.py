"""A real HTTP server that takes webhooks: it keeps what it gets, and answers as it is told."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Receiver:
    """One on loopback, on a free port."""

    server: ThreadingHTTPServer
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    """Headers, their names in small letters, and body."""
    answers: list[int] = field(default_factory=list)
    """Statuses for the next requests; then 204. 0: no answer, until `released`."""
    released: threading.Event = field(default_factory=threading.Event)
    _news: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/hook"

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.got]

    @property
    def kinds(self) -> list[str]:
        return [json.loads(body)["type"] for _, body in self.got]

    def wait_for(self, condition: Callable[[], bool], seconds: float = 240) -> None:
        """Until it holds; asked whenever something has come. A wait that takes so long is a failure."""
        with self._news:
            assert self._news.wait_for(condition, seconds), f"{seconds} s and only {self.kinds} came"

    def take(self, headers: dict[str, str], body: bytes) -> int:
        with self._news:
            self.got.append((headers, body))
            status = self.answers.pop(0) if self.answers else 204
            self._news.notify_all()
        return status


@contextmanager
def receiving() -> Iterator[Receiver]:
    """The server, as long as it is needed."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status = made.take({name.lower(): value for name, value in self.headers.items()}, body)
            if status == 0:
                made.released.wait()
                return
            self.send_response(status)
            if status in (301, 302, 307, 308):
                self.send_header("Location", made.url + "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the library's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Receiver(server)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        made.released.set()
        server.shutdown()
        thread.join()
        server.server_close()
