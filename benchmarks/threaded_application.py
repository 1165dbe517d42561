"""The product with its worker as a thread of the web process: what the product does not do, to be compared."""

from __future__ import annotations

import threading

from market import logs
from market.app import create_app
from market.runtime import build
from market.settings import from_environment
from market.worker import runner

_settings = from_environment()
logs.configure(_settings.log_level)
_runtime = build(_settings, writes_index=True)
application = create_app(_runtime)
threading.Thread(target=runner.work, args=(_runtime, threading.Event()), name="worker", daemon=True).start()
