# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Fixtures: a daemon of its own for each test, and clients of it."""

import os
import pathlib
import signal

import pytest

import daemon as daemons
from client import Client


def pytest_sessionstart(session):
    """Says what is missing instead of failing every test."""
    if not pathlib.Path(daemons.binary()).is_file():
        pytest.exit(f"no vigil at {daemons.binary()}: build it, or name it in VIGIL_BIN", 2)


#: Several times what the longest takes on a slow machine; a measurement may ask for more.
TEST_SECONDS_MAX = int(os.environ.get("VIGIL_TEST_SECONDS", "600"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Ends a test that hangs, so that the others still tell something."""
    def expired(number, frame):
        raise TimeoutError(f"the test took over {TEST_SECONDS_MAX} s")

    before = signal.signal(signal.SIGALRM, expired)
    signal.alarm(TEST_SECONDS_MAX)
    try:
        return (yield)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Says of a test that failed how its daemons were."""
    report = yield
    if report.when == "call" and report.failed:
        for daemon in getattr(item, "daemons", []):
            report.sections.append(("daemon", daemon.state()))
    return report


def pytest_terminal_summary(terminalreporter):
    """Tells what tests have counted."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == "measured":
                terminalreporter.write_line(value)


@pytest.fixture
def make_daemon(request, tmp_path):
    """Starts daemons, each on a folder of its own, and leaves none behind."""
    made = request.node.daemons = []

    def make(name="one", start=True, **options):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        daemon = daemons.Daemon(folder, **options)
        made.append(daemon)
        return daemon.start() if start else daemon

    yield make
    for daemon in made:
        daemon.close()


@pytest.fixture
def daemon(make_daemon):
    """A running daemon on an event clock."""
    return make_daemon()


@pytest.fixture
def make_client():
    """Connects clients and closes them."""
    made = []

    def make(daemon):
        client = Client(daemon.endpoints)
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(daemon, make_client):
    """A client of the running daemon."""
    return make_client(daemon)
