"""Log lines as JSON on standard error, one a line, each with the request id; no query strings, no bodies, no addresses of people."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from functools import lru_cache

import msgspec
from aiohttp.http_exceptions import HttpProcessingError

from .context import REQUEST_ID

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """``time, level, logger, request_id, message`` and whatever was passed as ``extra``; an exception whole, as one string."""

    def format(self, record: logging.LogRecord) -> str:
        seconds = int(record.created)
        line: dict[str, object] = {
            "time": f"{_second(seconds)}.{int((record.created - seconds) * 1000):03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "request_id": REQUEST_ID.get(),
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()


@lru_cache(maxsize=4)
def _second(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def start_logging(level: str) -> None:
    """Send everything of ``level`` and above to standard error as JSON. Called once by ``serve``."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # what no line of ours tells is not looked up either (logging HOWTO, "Optimization"): the caller's file, thread and process
    logging._srcfile = None  # noqa: SLF001 - the documented switch
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.getLogger("asyncio").setLevel(max(logging.WARNING, logging.getLogger().level))
    logging.getLogger("aiohttp.server").addFilter(_not_broken_http)


def _not_broken_http(record: logging.LogRecord) -> bool:
    """Whether a line is about us. What strangers send that is not HTTP was answered with 400; their bytes do not belong in our log."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))
