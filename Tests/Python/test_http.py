# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Health, status and metrics, as an operator's tools ask for them."""

import contextlib
import http.client
import json
import os
import pathlib
import socket
import subprocess
import threading
import time

import jsonschema
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from client import Message
from daemon import ROOT, Daemon, run
from events import NAPROXEN, OMEPRAZOLE, Patient, clock

PATHS = ("/livez", "/readyz", "/metrics", "/v1/status")
CONTRACT = yaml.safe_load((ROOT / "schemas/openapi.yaml").read_text())


@pytest.fixture
def web(make_daemon):
    """A daemon that serves pages on a free port."""
    return make_daemon(http="127.0.0.1:0")


@contextlib.contextmanager
def connected(daemon):
    """A connection to the daemon's pages."""
    host, port = daemon.endpoints["http"].rsplit(":", 1)
    connection = http.client.HTTPConnection(host.strip("[]"), int(port), timeout=10)
    try:
        yield connection
    finally:
        connection.close()


def ask(daemon, path, method="GET"):
    """One request: status, headers and body."""
    with connected(daemon) as connection:
        connection.request(method, path)
        reply = connection.getresponse()
        return reply.status, reply.headers, reply.read().decode()


def schema_of(path, status):
    """The JSON Schema that the contract gives for an answer."""
    reply = CONTRACT["paths"][path]["get"]["responses"][str(status)]
    if "$ref" in reply:
        reply = CONTRACT["components"]["responses"][reply["$ref"].rsplit("/", 1)[1]]
    return {**reply["content"]["application/json"]["schema"],
            "components": CONTRACT["components"]}


def document(daemon, path):
    """A JSON page that is what the contract says."""
    status, headers, body = ask(daemon, path)
    assert headers["Content-Type"] == "application/json"
    page = json.loads(body)
    jsonschema.Draft202012Validator(schema_of(path, status)).validate(page)
    return status, page


def metrics(daemon):
    """Values by sample name and labels."""
    status, headers, body = ask(daemon, "/metrics")
    assert status == 200
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    values = {}
    for family in text_string_to_metric_families(body):
        assert family.documentation
        for sample in family.samples:
            key = (sample.name, *sorted(sample.labels.items()))
            assert key not in values
            values[key] = sample.value
    return values


def until(read, wanted, seconds=10):
    """Reads until the pages, which lag behind by a moment, show what is wanted."""
    end = time.monotonic() + seconds
    while True:
        value = read()
        if wanted(value) or time.monotonic() > end:
            assert wanted(value), value
            return value
        time.sleep(0.05)


def load(client):
    """Sends a mixed load; returns what became of it, by source."""
    first, second = Patient("p1"), Patient("p2", source="urn:second \\ \"quoted\" é")
    good = [first.registered("1940-01-01"), first.prescribed(NAPROXEN, "2024-03-01"),
            first.prescribed(OMEPRAZOLE, "2024-03-02"), second.registered("1941-01-01")]
    changed = Message(good[1].topic, good[1].event.replace(b"Naproxen", b"Naproxem"))
    unread = Message(b"patient.A81001", b"{")
    misplaced = Message(b"condition.A81001", second.registered("1942-01-01").event)
    replies = client.publish([*good, good[0], good[0], good[3], changed, unread, misplaced])
    assert [reply["status"] for reply in replies] == (
        ["accepted"] * 4 + ["duplicate"] * 3 + ["rejected"] * 3), replies
    assert {reply["code"] for reply in replies[7:]} == {
        "id-conflict", "malformed-json", "topic-mismatch"}
    return {
        first.source: {"received": 6, "accepted": 3, "duplicate": 2, "rejected": 1, "busy": 0},
        second.source: {"received": 3, "accepted": 1, "duplicate": 1, "rejected": 1, "busy": 0},
        None: {"received": 1, "accepted": 0, "duplicate": 0, "rejected": 1, "busy": 0},
    }


def test_counts_add_up_after_a_mixed_load(web, make_client):
    expected = load(make_client(web))
    _, page = until(lambda: document(web, "/v1/status"),
                    lambda reply: reply[1]["messages"]["received"] == 10)
    sources = {source.pop("source"): source for source in page["sources"]}
    assert sources == expected
    for count in ("received", "accepted", "duplicate", "rejected", "busy"):
        assert page["messages"][count] == sum(source[count] for source in sources.values())
    assert page["rejections"] == {"malformed-json": 1, "id-conflict": 1, "topic-mismatch": 1}
    assert page["sourcesOmitted"] == 0

    values = metrics(web)
    for outcome in ("accepted", "duplicate", "rejected", "busy"):
        assert values["vigil_messages_total", ("outcome", outcome)] == page["messages"][outcome]
    codes = {key[1][1]: value for key, value in values.items()
             if key[0] == "vigil_rejections_total"}
    assert {code: value for code, value in codes.items() if value} == page["rejections"]
    assert "stale-review" in codes
    assert values["vigil_quarantine_messages_total",] == 3
    assert values["vigil_sources",] == 3


def test_the_log_and_its_flags_are_told_as_they_are(web, make_client):
    load(make_client(web))
    records = web.export()
    _, page = until(lambda: document(web, "/v1/status"),
                    lambda reply: reply[1]["log"]["head"] == records[-1]["offset"])
    outputs = [record for record in records
               if record["topic"].startswith(("flag.", "system.rej", "system.coverage"))]
    assert page["log"]["lastOutput"] == outputs[-1]["offset"]
    assert page["log"]["time"] == records[-1]["recorded"]
    assert page["origin"] == "vigil/local"
    assert page["clock"] == "event"
    assert [pack["id"] for pack in page["packs"]] == ["pincer"]
    raised = [record for record in outputs if record["event"]["type"].endswith("raised.v1")]
    resolved = [record for record in outputs if record["event"]["type"].endswith("resolved.v1")]
    assert raised and resolved
    assert page["flags"] == {
        "open": len(raised) - len(resolved), "raised": len(raised), "updated": 0,
        "resolved": len(resolved), "reviewed": 0}

    values = metrics(web)
    assert values["vigil_log_offset",] == page["log"]["head"]
    assert values["vigil_open_flags",] == page["flags"]["open"]
    assert values["vigil_outputs_total", ("transition", "raised")] == len(raised)
    assert values["vigil_outputs_total", ("transition", "resolved")] == len(resolved)
    assert values["vigil_commit_duration_seconds_count",] >= 1
    assert values["vigil_commit_duration_seconds_bucket", ("le", "+Inf")] \
        == values["vigil_commit_duration_seconds_count",]
    assert abs(values["process_start_time_seconds",] - time.time()) < 60
    assert values["process_resident_memory_bytes",] > 1 << 20


def test_after_a_restart_counts_begin_anew_and_what_is_open_stays(web, make_client):
    patient = Patient("p")
    make_client(web).accept(
        [patient.registered("1940-01-01"), patient.prescribed(NAPROXEN, "2024-03-01"),
         clock("2024-03-10T00:00:00Z")])
    web.restart()
    _, page = document(web, "/v1/status")
    assert page["messages"]["received"] == 0
    assert page["sources"] == []
    assert page["flags"] == {
        "open": 1, "raised": 0, "updated": 0, "resolved": 0, "reviewed": 0}
    assert page["log"]["head"] == web.export()[-1]["offset"]


def test_nothing_of_a_patient_is_on_any_page(web, make_client):
    patient = Patient("subject-7f3a9c")
    make_client(web).publish([
        patient.registered("1940-01-01"), patient.prescribed(NAPROXEN, "2024-03-01"),
        Message(b"condition.A81001", patient.registered("1940-01-01").event)])
    until(lambda: document(web, "/v1/status"),
          lambda reply: reply[1]["messages"]["received"] == 3)
    for path in PATHS:
        body = ask(web, path)[2]
        for secret in (patient.subject, "Naproxen", "1940-01-01", "M01AE02"):
            assert secret not in body


def test_it_is_live_and_ready(web):
    assert document(web, "/livez") == (200, {"live": True})
    assert document(web, "/readyz") == (200, {"ready": True, "reasons": []})
    assert metrics(web)["vigil_ready",] == 1


@contextlib.contextmanager
def small_disk(folder, megabytes=160):
    """A disk with room for a daemon's start and little more, or with less."""
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder],
        capture_output=True)
    if done.returncode:
        pytest.skip("only root may mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_full_disk_makes_it_unready_and_busy_is_counted(tmp_path, make_client):
    with small_disk(tmp_path / "disk") as folder:
        daemon = Daemon(folder, http="127.0.0.1:0")
        try:
            daemon.start()
            assert document(daemon, "/readyz")[0] == 200
            # Less is left than the daemon wants free for what it has decided.
            with open(folder / "ballast", "wb") as ballast:
                ballast.write(bytes(110 << 20))
            status, page = until(lambda: document(daemon, "/readyz"),
                                 lambda reply: reply[0] == 503)
            assert [reason["code"] for reason in page["reasons"]] == ["disk-full"]
            assert document(daemon, "/livez")[0] == 200
            patient = Patient("p")
            reply, = make_client(daemon).request(patient.registered("1940-01-01"))
            assert reply["status"] == "busy"
            _, page = until(lambda: document(daemon, "/v1/status"),
                            lambda reply: reply[1]["messages"]["received"] == 1)
            assert page["messages"]["busy"] == 1
            assert page["sources"][0]["source"] == patient.source
            assert page["log"]["freeBytes"] < 64 << 20
            assert metrics(daemon)["vigil_ready",] == 0
        finally:
            daemon.close()


@pytest.mark.parametrize("path", ["/", "/v1/status/sources", "/nothing?metrics"])
def test_an_unknown_path_is_not_found(web, path):
    status, headers, body = ask(web, path)
    assert status == 404
    assert headers["Content-Type"] == "application/json"
    assert json.loads(body)["error"]["code"] == "not-found"


@pytest.mark.parametrize("path", PATHS)
def test_what_can_only_be_read_refuses_another_method(web, path):
    status, headers, body = ask(web, path, method="POST")
    assert status == 405
    assert headers["Allow"] == "GET, HEAD"
    page = json.loads(body)
    assert page["error"]["code"] == "method-not-allowed"
    jsonschema.Draft202012Validator(schema_of(path, 405)).validate(page)


def test_a_query_changes_nothing(web):
    assert ask(web, "/readyz?verbose")[0] == 200


def test_a_head_has_the_length_and_no_body_and_the_connection_stays(web):
    with connected(web) as connection:
        for path in PATHS * 3:
            connection.request("HEAD", path)
            reply = connection.getresponse()
            assert reply.status == 200
            assert int(reply.headers["Content-Length"]) > 0
            assert reply.read() == b""
            connection.request("GET", path)
            reply = connection.getresponse()
            assert len(reply.read()) == int(reply.headers["Content-Length"])


@pytest.mark.parametrize("bytes_", [
    b"\x16\x03\x01\x02\x00\x01\x00\xff\xff\n\n", b"GET\r\n\r\n", b"\r\n" * 100, b"GET / HTTP/1.1",
    b"POST /readyz HTTP/1.1\r\nHost: [::1]\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"GET /readyz HTTP/1.1\r\nHost: [::1]\r\nContent-Length: -1\r\n\r\n",
    b"POST /readyz HTTP/1.1\r\nHost: [::1]\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n",
    b"GET /%zz%00/\xff\xfe HTTP/1.1\r\nHost:\r\n:\r\n\r\n",
])
def test_what_is_no_request_harms_nothing(web, make_client, bytes_):
    host, port = web.endpoints["http"].rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(bytes_)
        connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            while connection.recv(4096):
                pass
    assert ask(web, "/readyz")[0] == 200
    assert make_client(web).request(Patient("p").registered("1940-01-01"))[0]["status"] \
        == "accepted"


def raw(daemon):
    """A connection to the daemon's pages, for bytes as they are."""
    host, port = daemon.endpoints["http"].rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=20)


def exchange(daemon, bytes_):
    """Sends bytes; returns what comes until the connection ends."""
    answer = b""
    with raw(daemon) as connection, contextlib.suppress(ConnectionError):
        connection.sendall(bytes_)
        while piece := connection.recv(4096):
            answer += piece
    return answer


def processor_seconds(daemon):
    """What the daemon has used of the processor."""
    text = pathlib.Path(f"/proc/{daemon.process.pid}/stat").read_text()
    fields = text.rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


LONG = b"a" * 400_000


@pytest.mark.parametrize("bytes_, status", [
    (b"GET /" + LONG + b" HTTP/1.1\r\n\r\n", 431),
    (b"GET /livez HTTP/1.1\r\nX: " + LONG + b"\r\n\r\n", 431),
    (b"GET /livez HTTP/1.1\r\n" + b"X: a\r\n" * 60_000 + b"\r\n", 431),
    (LONG, 431),
    (b"POST /livez HTTP/1.1\r\nHost: [::1]\r\nContent-Length: 400000\r\n\r\n" + LONG, 405),
    (b"what\r\n\r\n", 400),
], ids=["target", "header", "headers", "line", "body", "nonsense"])
def test_a_long_request_is_refused_and_costs_little(web, bytes_, status):
    before = processor_seconds(web)
    assert exchange(web, bytes_).startswith(f"HTTP/1.1 {status} ".encode())
    with raw(web) as connection, contextlib.suppress(ConnectionError):
        connection.sendall(bytes_)
    # Nor does one that nobody waits for.
    time.sleep(2)
    assert processor_seconds(web) - before < 2
    assert ask(web, "/readyz")[0] == 200


@pytest.mark.parametrize("headers, status", [
    (b"", 400), (b"Host: localhost\r\nHost: localhost\r\n", 400),
    (b"Host: localhost\r\nContent-Length : 5\r\n", 400), (b"Host: localhost\r\n: x\r\n", 400),
    (b"Host: rebound.example.org:5580\r\n", 421), (b"Host: localhost\r\n", 200),
], ids=["none", "two", "space", "nameless", "another", "ours"])
def test_a_request_names_this_machine_once(web, headers, status):
    answer = exchange(
        web, b"GET /v1/status HTTP/1.1\r\n" + headers + b"Connection: close\r\n\r\n")
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert (b'"packs"' in answer) == (status == 200)


def test_requests_that_come_together_are_all_answered(web):
    request = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
    last = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answer = exchange(web, request * 20 + last)
    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 21
    assert answer.count(b'{"live":true}') == 20
    assert answer.count(b"Connection: close\r\n") == 1
    assert b'"ready":true' in answer


def test_a_connection_beyond_64_is_closed_at_once(web, make_client):
    with contextlib.ExitStack() as stack:
        for _ in range(64):
            stack.enter_context(raw(web))
        assert exchange(web, b"GET /livez HTTP/1.1\r\n\r\n") == b""
        make_client(web).accept([Patient("p").registered("1940-01-01")])
    assert ask(web, "/livez")[0] == 200


def test_many_who_ask_at_once_all_get_an_answer_while_messages_come_in(web, make_client):
    answers = []

    def ask_often():
        answers.extend(ask(web, path)[0] for path in PATHS * 10)

    threads = [threading.Thread(target=ask_often) for _ in range(8)]
    for thread in threads:
        thread.start()
    make_client(web).accept(
        [Patient(f"p{number}").registered("1940-01-01") for number in range(1000)])
    for thread in threads:
        thread.join()
    assert answers == [200] * 320


def test_a_taken_port_is_named_and_no_log_is_begun(web, make_daemon):
    other = make_daemon("other", start=False, http=web.endpoints["http"])
    done = subprocess.run(other.command(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 69
    assert done.stdout == ""
    assert web.endpoints["http"] in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (other.data / "log").exists()


@pytest.mark.parametrize("address", ["0.0.0.0:5580", "[::]:5580", "*:5580", "example.org:80",
                                     "5580", "127.0.0.1:http"])
def test_an_address_that_others_reach_or_that_is_none_is_refused(make_daemon, address):
    daemon = make_daemon(start=False, http=address)
    done = subprocess.run(daemon.command(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 78
    assert done.stdout == ""
    assert address in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_without_pages_ready_names_none(daemon):
    assert "http" not in daemon.endpoints


def test_code_lists_are_for_the_packs_that_have_them(make_daemon, tmp_path):
    lists = tmp_path / "lists"
    lists.mkdir()
    rows = "system,match,code,term\natc,under,M01A,NSAIDs\n"
    for name in ("pincer-nsaid", "pincer-nsaids"):
        (lists / f"{name}.csv").write_text(rows)
    packs = ["--pack", "pincer", "--pack", "asthma"]
    plain = make_daemon(http="127.0.0.1:0", arguments=packs)
    _, page = document(plain, "/v1/status")
    before = {pack["id"]: pack for pack in page["packs"]}
    plain.close()
    daemon = make_daemon(http="127.0.0.1:0", arguments=[*packs, "--codelists", str(lists)])
    _, page = document(daemon, "/v1/status")
    after = {pack["id"]: pack for pack in page["packs"]}
    assert after["asthma"] == before["asthma"]
    assert after["pincer"]["hash"] != before["pincer"]["hash"]
    assert {rule["rule"] for rule in after["pincer"]["switchedOff"]} > {"gi-p3a"}
    told, = [line for line in daemon.errors().splitlines() if "nsaids" in line]
    assert told == (f"vigil: {lists}/pincer-nsaids.csv: warning: no pack in force has that list: "
                    "it changes nothing")


def test_code_lists_of_which_no_pack_has_any_are_refused(make_daemon, tmp_path):
    (tmp_path / "nsaids.csv").write_text("system,match,code,term\natc,under,M01A,NSAIDs\n")
    arguments = ["--pack", "pincer", "--pack", "asthma", "--codelists", str(tmp_path)]
    daemon = make_daemon(start=False, arguments=arguments)
    done = subprocess.run(daemon.command(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 65
    assert "no file there replaces a list of pincer, asthma" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_code_list_that_cannot_be_read_is_named_and_no_rule_runs_without_it(
        make_daemon, tmp_path):
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "nsaid.csv").write_text("system,match,code,term\natc,under,M01A,NSAIDs\n")
    # What an editor locks is there all the same.
    (lists / ".#nsaid.csv").symlink_to("somebody@somewhere.1234:5678")
    arguments = ["pack", "check", "pincer", "--codelists", lists]
    assert run(*arguments).returncode == 0
    for target in ("moved-away.csv", "ppi.csv"):
        (lists / "ppi.csv").symlink_to(target)
        done = run(*arguments)
        assert done.returncode == 66
        assert f"{lists}/ppi.csv cannot be read" in done.stderr
        daemon = make_daemon(start=False, arguments=["--codelists", str(lists)])
        assert subprocess.run(
            daemon.command(), capture_output=True, timeout=60).returncode == 66
        assert not (daemon.data / "log").exists()
        (lists / "ppi.csv").unlink()


def test_a_rule_that_the_code_lists_switch_off_is_told(make_daemon, tmp_path):
    lists = tmp_path / "lists"
    lists.mkdir()
    rows = "system,match,code,term\natc,under,M01A,NSAIDs\natc,under,M01A,NSAIDs\n"
    (lists / "nsaid.csv").write_text(rows)
    daemon = make_daemon(http="127.0.0.1:0", arguments=["--codelists", str(lists)])
    _, page = document(daemon, "/v1/status")
    pack, = page["packs"]
    assert pack["switchedOff"]
    told = daemon.errors().splitlines()
    for rule in pack["switchedOff"]:
        assert rule["rule"] not in pack["rules"]
        assert f"vigil: pincer: {rule['why']}" in told
    assert any("nsaid.csv:3: warning:" in line for line in told)
    assert metrics(daemon)["vigil_rules_switched_off", ("pack", "pincer")] \
        == len(pack["switchedOff"])


def test_a_torn_tail_is_told(web, make_client):
    make_client(web).accept([Patient("p").registered("1940-01-01")])
    assert web.stop() == 0
    segment = sorted(pathlib.Path(web.data / "log").glob("*.vlog"))[-1]
    with open(segment, "r+b") as file:
        file.seek(0, os.SEEK_END)
        file.write(b"torn" * 300)
    web.start()
    told, = [line for line in web.errors().splitlines() if "not finished" in line]
    assert told.startswith("vigil: the last commit")
