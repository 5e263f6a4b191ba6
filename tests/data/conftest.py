"""A web server on this machine, good and bad, and an empty cache."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from repalign_utils.data import _fetch


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):  # noqa: N802
        site = self.server.site
        site.requests.append(self.path)
        answers = site.answers.get(self.path, [404])
        # the last answer stands for all that follow
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, int):
            self.send_error(answer)
        elif answer is None:
            self.close_connection = True  # hangs up without a word
        else:
            self._send(*answer)

    def _send(self, content, length, stalls):
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(content)
        if stalls:
            self.server.site.closing.wait(20)

    def log_message(self, *args):
        pass


class Site:
    """What the server answers: `answers` maps a path to a list, one per request."""

    def __init__(self):
        self.answers, self.requests = {}, []
        self.closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.site = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self):
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def sends(content, length=None, stalls=False):
    """Answer with `content`, announced as `length` bytes."""
    return content, len(content) if length is None else length, stalls


@pytest.fixture
def site(monkeypatch):
    """Server on this machine; no proxy stands between."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    site = Site()
    yield site
    site.close()


@pytest.fixture(autouse=True)
def cache(request, tmp_path, monkeypatch):
    """Empty cache, no folder of data, and little patience with a silent network."""
    monkeypatch.setenv("REPALIGN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(_fetch, "_TIMEOUT", 0.5)
    if "real_data" not in request.fixturenames:
        monkeypatch.delenv("REPALIGN_DATA", raising=False)
    return tmp_path / "cache"
