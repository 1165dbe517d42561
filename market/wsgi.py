"""The door for a WSGI server: `granian --interface wsgi market.wsgi:application`."""

from __future__ import annotations

import multiprocessing
import os
import threading
from multiprocessing.process import BaseProcess
from multiprocessing.util import Finalize

from market import logs
from market.api import limits
from market.app import create_app
from market.runtime import build
from market.settings import from_environment


def _end_with(parent: BaseProcess) -> None:
    """A process whose server was killed must not stay behind and hold the port."""
    parent.join()
    os._exit(1)


_parent = multiprocessing.parent_process()
if _parent is not None:
    threading.Thread(target=_end_with, args=(_parent,), daemon=True).start()
_settings = from_environment()
logs.configure(_settings.log_level)
_runtime = build(_settings)
application = create_app(_runtime)
if _settings.limits:
    # Unlike what `atexit` knows, it is called in a server's worker process too.
    Finalize(None, limits.keep_flushing(_runtime), exitpriority=10)
