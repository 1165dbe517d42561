"""The door for a WSGI server: `granian --interface wsgi market.wsgi:application`."""

from __future__ import annotations

from market import logs
from market.app import create_app
from market.runtime import build
from market.settings import from_environment

_settings = from_environment()
logs.configure(_settings.log_level)
application = create_app(build(_settings))
