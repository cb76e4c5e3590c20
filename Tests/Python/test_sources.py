# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""How each source is read: times without an offset."""

import json

import yaml

from client import Message
from daemon import run
from events import NAPROXEN, OMEPRAZOLE, WARFARIN, Patient, clock, moment

CITY = "urn:test:new-york"


def configured(make_daemon, tmp_path, sources):
    """A daemon with settings of sources, and its file."""
    file = tmp_path / "sources.yaml"
    file.write_text(yaml.safe_dump({"sources": sources}))
    return make_daemon(arguments=["--config", str(file)]), file


def told(daemon):
    """What became of flags: (time, rule, action)."""
    return [(record["event"]["time"], record["event"]["rule"],
             record["event"]["type"].split(".")[-2])
            for record in daemon.export("--topic", "flag.")]


def test_a_time_without_an_offset_is_refused_where_no_zone_is_set(client):
    patient = Patient("p1")
    answer, = client.request(patient.prescribed(NAPROXEN, "2024-03-01T23:30:00",
                                                time=moment("2024-03-02")))
    assert (answer["code"], answer["pointer"]) == ("invalid-element", "/data/authoredOn")


def test_a_review_binds_its_patients_name_as_any_event_does(make_daemon, make_client, tmp_path):
    local = "urn:test:desk"
    daemon, _ = configured(make_daemon, tmp_path, [{"source": local, "subjects": "mapped"}])
    client = make_client(daemon)
    known, other = Patient("known"), Patient("other", source=local)
    client.accept([known.registered("1940-01-01"), known.prescribed(NAPROXEN, "2024-03-01"),
                   clock("2024-03-02T00:00:00Z")])
    flag = daemon.export("--topic", "flag.")[0]["event"]
    review = Patient("known", source=local).review(flag, time="2024-03-02T09:00:00Z")
    event = json.loads(review.event)
    event["data"]["patient"]["reference"] = "Patient/local-7"
    client.accept([review._replace(event=json.dumps(event).encode())])
    order = json.loads(other.prescribed(NAPROXEN, "2024-03-03").event)
    order["data"]["subject"]["reference"] = "Patient/local-7"
    (answer,) = client.request(
        Message(b"prescription.A81001", json.dumps(order).encode()))
    assert (answer["status"], answer["code"]) == ("rejected", "subject-mismatch")


def test_a_time_without_an_offset_is_of_its_sources_zone(make_daemon, make_client, tmp_path):
    daemon, file = configured(make_daemon, tmp_path, [
        {"source": CITY, "zone": "America/New_York"}])
    here, there = Patient("here"), Patient("there", source=CITY)
    client = make_client(daemon)
    client.accept([
        here.registered("1980-01-01"), there.registered("1980-01-01"),
        there.prescribed(WARFARIN, "2024-03-01T12:00:00", time=moment("2024-03-01")),
        # Half past eleven in New York is the next day in London, in which the rules count.
        there.prescribed(NAPROXEN, "2024-03-01T23:30:00", time=moment("2024-03-02")),
        # With an offset it is what it says.
        there.prescribed(OMEPRAZOLE, "2024-03-01T23:30:00+00:00", time=moment("2024-03-02")),
        clock("2024-06-05T00:00:00Z")])
    assert client.request(here.prescribed(NAPROXEN, "2024-06-05T12:00:00",
                                          time="2024-06-05T12:00:00Z"))[0]["status"] == "rejected"
    assert told(daemon) == [
        ("2024-03-02T09:00:00.000Z", "gi-p3d", "raised"),
        ("2024-06-01T23:00:00.000Z", "gi-p3d", "resolved")]
    raised = daemon.export("--topic", "flag.")[0]["event"]
    dates = {detail["reference"]: detail["extension"][0]["valueDate"]
             for item in raised["data"]["evidence"] for detail in item.get("detail", [])
             if "extension" in detail}
    assert sorted(dates.values()) == ["2024-03-01", "2024-03-02"]
    settings = daemon.export("--topic", "system.settings")[0]["event"]["data"]["sources"]
    assert [(one["source"], one["zone"]["name"]) for one in settings] == [
        (CITY, "America/New_York")]
    assert len(settings[0]["zone"]["transitions"]) > 100
    daemon.assert_replays()
    # What was recorded stays as it was read, whatever is set later.
    file.write_text(yaml.safe_dump({"sources": []}))
    daemon.restart()
    client = make_client(daemon)
    answer, = client.request(there.prescribed(NAPROXEN, "2024-06-05T12:00:00",
                                              time=moment("2024-06-06")))
    assert answer["code"] == "invalid-element"
    client.accept([there.prescribed(WARFARIN, "2024-06-06"), there.prescribed(
        NAPROXEN, "2024-06-06")])
    daemon.assert_replays()
    assert told(daemon)[-1] == ("2024-06-06T09:00:00.000Z", "gi-p3d", "raised")
    done = run("explain", "--data", daemon.data, raised["flagid"], "--json")
    assert done.returncode == 0, done.stderr
    assert "2024-03-02" in done.stdout and json.loads(done.stdout)


def test_an_unknown_zone_is_an_error_that_names_it(make_daemon, tmp_path):
    file = tmp_path / "sources.yaml"
    file.write_text(yaml.safe_dump({"sources": [{"source": CITY, "zone": "Europe/Lundon"}]}))
    done = run("serve", "--data", tmp_path / "data", "--config", file)
    assert done.returncode == 78
    assert "Europe/Lundon" in done.stderr
