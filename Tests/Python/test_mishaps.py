# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""What happens around a daemon that is no fault of its log's: it goes on, or ends with 0."""

import contextlib
import pathlib
import shutil
import signal
import socket
import subprocess
import urllib.error
import urllib.request

from events import Patient


def limited(daemon, soft, hard):
    """Has a daemon started with so many descriptors."""
    command = daemon.command()
    daemon.command = lambda: ["prlimit", f"--nofile={soft}:{hard}", *command]
    return daemon


def registrations(count):
    return [Patient(f"p{number}").registered("1940-01-01") for number in range(count)]


def test_the_daemon_takes_as_many_descriptors_as_it_may_have(make_daemon):
    daemon = limited(make_daemon(start=False), 256, 2048).start()
    limits = pathlib.Path(f"/proc/{daemon.process.pid}/limits").read_text()
    row, = [row for row in limits.splitlines() if row.startswith("Max open files")]
    assert row.split()[3:5] == ["2048", "2048"]


def test_silent_connections_to_the_pages_leave_descriptors_to_the_log(
        make_daemon, make_client, tmp_path):
    settings = tmp_path / "vigil.yaml"
    settings.write_text("segmentBytesMax: 65536\n")
    daemon = limited(
        make_daemon(start=False, http="127.0.0.1:0", arguments=["--config", str(settings)]),
        256, 256).start()
    client = make_client(daemon)
    host, port = daemon.endpoints["http"].rsplit(":", 1)
    with contextlib.ExitStack() as stack:
        for _ in range(300):
            stack.enter_context(socket.create_connection((host, int(port)), timeout=20))
        client.accept(registrations(2000))
    assert len(list((daemon.data / "log").glob("*.vlog"))) > 3
    assert daemon.stop() == 0


def wait_until_it_answers(address):
    """Waits until a daemon's pages are there, which is before it reads its log."""
    while True:
        try:
            return urllib.request.urlopen(f"http://{address}/livez", timeout=10).close()
        except (urllib.error.URLError, ConnectionError):
            continue


def test_a_stop_while_the_log_is_read_ends_at_once_and_changes_nothing(make_daemon, make_client):
    daemon = make_daemon(http="127.0.0.1:0")
    make_client(daemon).accept(registrations(20_000))
    assert daemon.stop() == 0
    before = daemon.export_text()
    daemon.http = daemon.endpoints["http"]
    for _ in range(3):
        for name in ("snapshots", "index"):
            shutil.rmtree(daemon.data / name, ignore_errors=True)
        daemon.process = subprocess.Popen(
            daemon.command(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        wait_until_it_answers(daemon.http)
        daemon.process.send_signal(signal.SIGTERM)
        told, _ = daemon.process.communicate(timeout=60)
        status, daemon.process = daemon.process.returncode, None
        assert (status, told) == (0, "")
    assert daemon.export_text() == before
    daemon.start()
    again = make_client(daemon).publish(registrations(3))
    assert [reply["status"] for reply in again] == ["duplicate"] * 3
    assert daemon.stop() == 0
    daemon.assert_replays()


def test_without_its_index_a_stop_is_a_clean_one_and_the_index_is_made_again(daemon, make_client):
    messages = registrations(50)
    make_client(daemon).accept(messages)
    shutil.rmtree(daemon.data / "index")
    assert daemon.stop() == 0
    assert "the index of duplicates was not written" in daemon.errors()
    daemon.start()
    assert {reply["status"] for reply in make_client(daemon).publish(messages)} == {"duplicate"}
    assert daemon.stop() == 0
    assert list((daemon.data / "index").glob("*.run"))
