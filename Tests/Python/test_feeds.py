# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""What feeds tell, and how much people are told: baseline loads, coverage, budgets, digests."""

import json
import shutil
import time
import urllib.request

import pytest
import yaml

from client import Message
from daemon import ROOT, run
from events import (HEART_FAILURE, METFORMIN, NAPROXEN, OMEPRAZOLE, WARFARIN, Patient, clock,
                    encoded, moment)

HISTORY = "urn:test:history"


def bound(name, source=HISTORY, id=None, **attributes):
    """A message that begins or ends a bulk load."""
    event = {"specversion": "1.0", "id": id or f"{name}-1", "source": source,
             "type": f"health.vigil.system.{name}.v1", "time": "2030-01-01T00:00:00Z",
             **attributes}
    return Message(f"system.{name}".encode(), encoded(event))


def flags(daemon):
    """The flags' events in the order of the log."""
    return [record["event"] for record in daemon.export("--topic", "flag.")]


def system(daemon, name):
    """The events of a topic `system.<name>`."""
    return [record["event"] for record in daemon.export("--topic", f"system.{name}")
            if record["topic"].startswith(f"system.{name}")]


def told(events):
    """Rule, what happened, why and how, of each flag's event."""
    return [(event["subject"], event["rule"], event["type"].split(".")[3], event.get("reason"),
             event.get("delivery")) for event in events]


def extension(event, name):
    """The extension of a flag's resource; None where there is none."""
    return next((one for one in event["data"]["extension"]
                 if one["url"] == f"urn:vigil:{name}"), None)


def history(count, source=HISTORY):
    """Years of some patients: NSAIDs with and without gastroprotection, the last lately."""
    messages = []
    for number in range(count):
        patient = Patient(f"old-{number}", source=source)
        messages.append(patient.registered("1940-06-01", "2019-01-01"))
        for year in range(2019, 2024):
            messages.append(patient.prescribed(NAPROXEN, f"{year}-03-01"))
            if number % 2:
                messages.append(patient.prescribed(OMEPRAZOLE, f"{year}-03-02"))
        messages.append(patient.prescribed(NAPROXEN, "2024-03-01"))
        if number % 2:
            messages.append(patient.prescribed(OMEPRAZOLE, "2024-03-02"))
    return sorted(messages, key=lambda message: json.loads(message.event)["time"])


def write(path, messages):
    """Messages as lines that `vigil publish` takes."""
    path.write_text("".join(
        f'{{"topic":"{one.topic.decode()}","event":{one.event.decode()}}}\n'
        for one in messages))
    return path


def publish(daemon, *arguments):
    done = run("publish", "--ingest", daemon.endpoints["ingest"], "--json", *arguments)
    return done, json.loads(done.stdout) if done.stdout else None


def configured(make_daemon, tmp_path, name="one", **settings):
    """A daemon with settings."""
    file = tmp_path / f"{name}.yaml"
    file.write_text(yaml.safe_dump(settings))
    return make_daemon(name, arguments=["--config", str(file)])


# Baseline loads.


def test_a_history_is_raised_once_and_for_the_digest(daemon, client, tmp_path):
    file = write(tmp_path / "history.ndjson", history(40))
    done, summary = publish(daemon, "--baseline", file)
    assert done.returncode == 0, done.stderr
    assert summary["accepted"] == len(history(40)) and summary["duplicate"] == 0
    client.accept([clock("2024-03-02T12:00:00Z")])
    assert told(flags(daemon)) == [
        (f"old-{number}", "gi-p3a", "raised", "baseline", "digest")
        for number in range(0, 40, 2)]
    assert all(extension(event, "baseline")["valueBoolean"] for event in flags(daemon))
    assert [event["data"]["source"] for event in system(daemon, "loading")] == [HISTORY]
    assert [event["data"]["source"] for event in system(daemon, "loaded")] == [HISTORY]
    loaded = int(system(daemon, "loaded")[0]["id"])
    assert all(int(event["causation"]) > loaded for event in flags(daemon))
    # What stands is listed when the day ends, once.
    client.accept([clock("2024-03-05T12:00:00Z")])
    digest, = system(daemon, "digest")
    assert digest["time"] == "2024-03-03T00:00:00.000Z"
    assert digest["data"]["practice"] == "A81001" and digest["data"]["day"] == "2024-03-02"
    assert [(one["subject"], one["reason"], one["open"]) for one in digest["data"]["flags"]] == [
        (f"old-{number}", "baseline", True) for number in range(0, 40, 2)]
    # Of the years that were loaded one report tells, not one a day.
    report, = system(daemon, "coverage")
    assert report["data"]["medicines"]["accepted"] == len(history(40)) - 40
    done, summary = publish(daemon, "--baseline", file)
    assert done.returncode == 0 and summary["accepted"] == 0
    assert summary["duplicate"] == len(history(40))
    assert len(flags(daemon)) == 20
    daemon.assert_replays()


def test_the_same_history_without_a_bracket_raises_flags_year_by_year(daemon, tmp_path):
    done, _ = publish(daemon, write(tmp_path / "history.ndjson", history(4)))
    assert done.returncode == 0
    assert len(flags(daemon)) > 8
    assert {event["delivery"] for event in flags(daemon)} == {"now"}


def test_a_bracket_moves_no_clock_and_is_a_duplicate_when_sent_again(daemon, client):
    first, = client.request(bound("loading"))
    again, = client.request(bound("loading"))
    assert first["status"] == "accepted" and again["status"] == "duplicate"
    assert again["offset"] == first["offset"]
    other, = client.request(bound("loading", time="2031-01-01T00:00:00Z"))
    assert (other["status"], other["code"]) == ("rejected", "id-conflict")
    mixed, = client.request(Message(b"system.loaded", bound("loading", id="x").event))
    assert (mixed["status"], mixed["code"]) == ("rejected", "topic-mismatch")
    record, = daemon.export("--topic", "system.loading")
    assert record["recorded"] == "1900-01-01T00:00:00.000Z"
    daemon.kill()
    daemon.start()
    client.context.destroy(linger=0)
    client.__init__(daemon.endpoints)
    again, = client.request(bound("loading"))
    assert again["status"] == "duplicate"


def test_a_load_that_is_numbered_shows_its_gaps(daemon, client):
    old = Patient("ann", source=HISTORY)
    client.accept([
        bound("loading", sequence="1"),
        old.message("prescription", old.order(NAPROXEN, "2024-01-01"), moment("2024-01-01"),
                    sequence="2"),
        bound("loaded", sequence="4")])
    gap, = system(daemon, "gap")
    assert (gap["data"]["from"], gap["data"]["to"]) == (3, 3)
    daemon.assert_replays()


@pytest.fixture
def web(make_daemon):
    return make_daemon("web", http="127.0.0.1:0")


def status(daemon, wanted):
    """The status page, once it shows what is wanted."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with urllib.request.urlopen(f"http://{daemon.endpoints['http']}/v1/status") as reply:
            page = json.load(reply)
        if wanted(page):
            return page
        time.sleep(0.02)
    raise AssertionError(page)


def test_a_load_that_is_broken_off_stays_open_and_live_events_count(web, make_client):
    client = make_client(web)
    old, live = Patient("ann", source=HISTORY), Patient("ann")
    live.count = 100
    half = [old.registered("1940-06-01", "2023-01-01"), old.prescribed(WARFARIN, "2024-02-20")]
    rest = [old.prescribed(OMEPRAZOLE, "2024-02-21")]
    client.accept([bound("loading"), *half])
    web.kill()
    web.start()
    client = make_client(web)
    page = status(web, lambda page: page.get("loads"))
    assert [(load["source"], load["patients"]) for load in page["loads"]] == [(HISTORY, 1)]
    # An NSAID from elsewhere: what it makes true with what is known is raised, what rests on an
    # absence is not, whatever time goes by.
    client.accept([live.prescribed(NAPROXEN, "2024-02-22"), clock("2024-02-25T12:00:00Z")])
    assert told(flags(web)) == [("ann", "gi-p3d", "raised", "event", "now")]
    client.accept([*rest, bound("loaded")])
    client.accept([clock("2024-02-26T12:00:00Z")])
    assert len(flags(web)) == 1
    # Both leave the window of three months: the anticoagulant first, then the protection.
    client.accept([clock("2024-05-30T12:00:00Z")])
    assert told(flags(web))[1:] == [
        ("ann", "gi-p3d", "resolved", "hazard-ended", "now"),
        ("ann", "gi-p3a", "raised", "time", "now"),
        ("ann", "gi-p3a", "resolved", "hazard-ended", "now")]
    assert status(web, lambda page: page["loads"] == [])["patientsWaiting"] == 0
    web.assert_replays()


def test_loads_of_two_sources_hold_a_patient_until_both_have_ended(daemon, client):
    first, second = Patient("ann", source="urn:a"), Patient("ann", source="urn:b")
    second.count = 100
    client.accept([
        bound("loading", "urn:a"), bound("loading", "urn:b"),
        first.registered("1940-06-01", "2023-01-01"), first.prescribed(NAPROXEN, "2024-03-01"),
        second.prescribed(METFORMIN, "2024-03-01"), bound("loaded", "urn:a")])
    client.accept([clock("2024-03-02T12:00:00Z")])
    assert flags(daemon) == []
    client.accept([second.prescribed(WARFARIN, "2024-03-02"), bound("loaded", "urn:b")])
    client.accept([clock("2024-03-03T12:00:00Z")])
    assert told(flags(daemon)) == [
        ("ann", "gi-p3a", "raised", "baseline", "digest"),
        ("ann", "gi-p3d", "raised", "baseline", "digest")]
    daemon.assert_replays()


def test_a_load_that_is_killed_in_the_middle_goes_on(make_daemon, make_client, tmp_path):
    whole, broken = make_daemon("whole"), make_daemon("broken")
    file = write(tmp_path / "history.ndjson", history(60))
    assert publish(whole, "--baseline", file)[0].returncode == 0
    messages = history(60)
    client = make_client(broken)
    client.accept([bound("loading", id="first")] + messages[:200])
    broken.kill()
    broken.start()
    assert publish(broken, "--baseline", file)[0].returncode == 0
    for daemon in (whole, broken):
        make_client(daemon).accept([clock("2024-03-04T12:00:00Z")])
        daemon.assert_replays()
    assert told(flags(broken)) == told(flags(whole)) != []
    broken.restart()
    broken.assert_replays()


def test_starts_from_snapshots_in_a_load_and_before_midnights_change_no_byte(
        make_daemon, make_client, tmp_path):
    """In a load, over the midnight of a digest and a coverage report, and when it has ended."""
    budgets = [{"severity": "moderate", "raisesPerDay": 2}]
    daemons = [configured(make_daemon, tmp_path, "whole", budgets=budgets), configured(
        make_daemon, tmp_path, "often", budgets=budgets, snapshotRecords=256)]
    whole, often = daemons
    other = Patient("other", source="urn:other")

    def four(name, day):
        """Raises: two for now, two for the digest."""
        patients = [Patient(f"{name}{number}") for number in range(4)]
        return [one.registered("1930-06-01", "2018-01-01") for one in patients] + [
            one.prescribed(NAPROXEN, day) for one in patients] + [clock(f"{day}T20:00:00Z")]

    for part in ([*four("p", "2018-12-31"), bound("loading")], history(60)[:200],
                 [*history(60)[200:], bound("loaded")], four("q", "2024-03-05"),
                 [bound("loading", id="again"), clock("2024-03-07T12:00:00Z")]):
        # The others' events make a snapshot due behind the last of the part.
        many = [other.prescribed(METFORMIN, "2018-12-31") for _ in range(260)]
        for daemon in daemons:
            client = make_client(daemon)
            end = client.accept(part)[-1]
            client.accept(many)
        assert often.stop() == 0
        newest = max(int(file.stem) for file in (often.data / "snapshots").iterdir())
        assert newest > int(end), "the start would read the part"
        often.start()
    assert "is ignored" not in often.errors()
    assert [event["data"]["day"] for event in system(whole, "digest")] == [
        "2018-12-31", "2024-03-02", "2024-03-05"]
    assert often.export() == whole.export()
    for daemon in daemons:
        daemon.assert_replays()


def test_what_has_no_date_counts_in_no_baseline(daemon, client):
    old = Patient("ann", source=HISTORY)
    undated = old.order(NAPROXEN, "2024-03-01")
    del undated["authoredOn"]
    client.accept([
        bound("loading"), old.registered("1940-06-01", "2023-01-01"),
        old.message("prescription", undated, moment("2024-03-01")), bound("loaded")])
    client.accept([clock("2024-03-02T12:00:00Z")])
    assert flags(daemon) == []
    unclear, = system(daemon, "data-quality")
    assert unclear["subject"] == "ann" and unclear["data"]["what"] == "undated-record"
    # Live, it has happened when it was published.
    live = {**undated, "id": "live"}
    client.accept([old.message("prescription", live, moment("2024-03-02", "13:00:00")),
                   clock("2024-03-03T12:00:00Z")])
    assert told(flags(daemon)) == [("ann", "gi-p3a", "raised", "event", "now")]
    daemon.assert_replays()


# Coverage.


def unlisted(patient, day, number):
    """An order in a code system that no list has."""
    return patient.prescribed(
        NAPROXEN, day, medicationCodeableConcept={
            "coding": [{"system": "urn:test:drugs", "code": str(number)}], "text": "A drug"})


def text_only(patient, day):
    return patient.prescribed(NAPROXEN, day, medicationCodeableConcept={"text": "A drug"})


def test_each_day_tells_what_of_it_can_be_read(daemon, client):
    ann = Patient("ann")
    client.accept([ann.registered("1940-06-01", "2024-01-01")])
    client.accept(
        [ann.prescribed(METFORMIN, "2024-03-01") for _ in range(19)]
        + [ann.diagnosed(HEART_FAILURE, "2024-03-01"), text_only(ann, "2024-03-01"),
           ann.prescribed(METFORMIN, "2024-03-03"), unlisted(ann, "2024-03-03", 1),
           ann.prescribed(METFORMIN, "2024-03-05"), clock("2024-03-06T12:00:00Z")])
    reports = system(daemon, "coverage")
    assert [(report["time"], report["data"]["day"]) for report in reports] == [
        ("2024-03-02T00:00:00.000Z", "2024-03-01"), ("2024-03-04T00:00:00.000Z", "2024-03-03"),
        ("2024-03-06T00:00:00.000Z", "2024-03-05")]
    first, second, third = (report["data"] for report in reports)
    assert first["source"] == ann.source
    # One of twenty is 5 %, which is not above it.
    assert first["medicines"] == {"accepted": 20, "unread": 1, "textOnly": 1}
    assert first["conditions"] == {"accepted": 1, "unread": 0, "textOnly": 0}
    assert not first["degraded"] and first["notWatching"] == []
    assert second["medicines"] == {"accepted": 2, "unread": 1, "textOnly": 0}
    assert second["degraded"] and second["faults"] == ["unread-share"]
    assert "gi-p3a" in second["notWatching"]
    assert not third["degraded"]
    causes = {record["offset"]: record["event"] for record in daemon.export()}
    for report in reports:
        cause = causes[int(report["causation"])]
        assert cause["type"] == "health.vigil.system.clock.v1" and "subject" not in cause
    daemon.assert_replays()


def test_two_hundred_unlisted_medicines_degrade_at_once(web, make_client):
    client = make_client(web)
    ann, bob = Patient("ann"), Patient("bob", practice="B82002", source="urn:other")
    client.accept([ann.registered("1940-06-01", "2024-01-01"),
                   bob.registered("1940-06-01", "2024-01-01")])
    client.accept([unlisted(ann, "2024-03-01", number) for number in range(199)])
    assert system(web, "coverage") == []
    client.accept([unlisted(ann, "2024-03-01", 199)])
    report, = system(web, "coverage")
    assert report["data"]["faults"] == ["none-listed"] and report["data"]["degraded"]
    assert report["data"]["medicines"] == {"accepted": 200, "unread": 200, "textOnly": 0}
    client.accept([bob.prescribed(NAPROXEN, "2024-03-01")])
    page = status(web, lambda page: page["degraded"])
    assert [one["source"] for one in page["unread"]] == [ann.source]
    done = run("replay", "--data", web.data, "--indicators")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert {row["practice"] for row in rows if row.get("watching") is False} == {"A81001"}
    assert not any("watching" in row for row in rows if row["practice"] == "B82002")
    # A day that is read makes it well again.
    client.accept([ann.prescribed(NAPROXEN, "2024-03-05"), clock("2024-03-06T12:00:00Z")])
    status(web, lambda page: not page["degraded"])
    web.assert_replays()


def test_a_flag_that_rests_on_an_absence_says_what_could_not_be_read(daemon, client):
    ann = Patient("ann")
    vtm = ann.prescribed(NAPROXEN, "2024-02-20", medicationCodeableConcept={
        "coding": [{"system": "urn:test:drugs", "code": "1"}]})
    client.accept([
        ann.registered("1940-06-01", "2023-01-01"), text_only(ann, "2023-06-01"), vtm,
        text_only(ann, "2024-02-21"), ann.prescribed(NAPROXEN, "2024-03-01"),
        clock("2024-03-02T12:00:00Z")])
    flag, = flags(daemon)
    assert extension(flag, "unread-medicines")["valueUnsignedInt"] == 2


# Coverage as a setting.


def test_an_absence_is_unknown_until_the_coverage_spans_its_window(
        make_daemon, make_client, tmp_path):
    daemon = configured(make_daemon, tmp_path, coverage=[
        {"practice": "A81001", "kind": "prescription", "from": "2024-01-15"}])
    client = make_client(daemon)
    ann, bob = Patient("ann"), Patient("bob", practice="B82002", source="urn:other")
    for patient in (ann, bob):
        client.accept([patient.registered("1940-06-01", "2023-01-01")])
    client.accept([ann.prescribed(NAPROXEN, "2024-03-01"), bob.prescribed(NAPROXEN, "2024-03-01"),
                   ann.prescribed(WARFARIN, "2024-03-02"), clock("2024-04-14T22:30:00Z")])
    # Elsewhere nothing is set: there absence is evidence; a rule that rests on none is known.
    assert [(event[0], event[1]) for event in told(flags(daemon))] == [
        ("bob", "gi-p3a"), ("ann", "gi-p3d")]
    rows = [json.loads(line) for line in run(
        "replay", "--data", daemon.data, "--indicators").stdout.splitlines()]
    counts = {(row["rule"], row["practice"]): (
        row["denominator"], row["numerator"], row["unknown"]) for row in rows}
    assert counts["gi-p3a", "A81001"] == (0, 0, 1)
    assert counts["gi-p3a", "B82002"] == (1, 1, 0)
    # On 2024-04-15 three months are covered, from the first minute of the day.
    client.accept([clock("2024-04-15T12:00:00Z")])
    raised = flags(daemon)[-1]
    assert told([raised]) == [("ann", "gi-p3a", "raised", "time", "now")]
    assert raised["time"] == "2024-04-14T23:00:00.000Z"
    daemon.assert_replays()


def test_a_flag_stays_open_when_its_absence_becomes_unknown(make_daemon, make_client, tmp_path):
    daemon = configured(make_daemon, tmp_path)
    ann = Patient("ann")
    make_client(daemon).accept([
        ann.registered("1940-06-01", "2023-01-01"), ann.prescribed(NAPROXEN, "2024-03-01"),
        clock("2024-03-02T12:00:00Z")])
    assert daemon.stop() == 0
    (tmp_path / "one.yaml").write_text(yaml.safe_dump({"coverage": [
        {"practice": "A81001", "kind": "prescription", "from": "2024-02-01"}]}))
    daemon.start()
    client = make_client(daemon)
    client.accept([ann.prescribed(METFORMIN, "2024-03-03"), clock("2024-03-04T12:00:00Z")])
    assert told(flags(daemon)) == [("ann", "gi-p3a", "raised", "event", "now")]
    items, _ = client.open(["flag."])
    assert len(items) == 1
    client.accept([ann.prescribed(OMEPRAZOLE, "2024-03-05")])
    assert told(flags(daemon))[1:] == [("ann", "gi-p3a", "resolved", "protection-issued", "now")]
    daemon.assert_replays()


# Budgets, digests, groups.


def test_raises_over_the_budget_of_a_day_wait_for_the_digest(make_daemon, make_client, tmp_path):
    daemon = configured(make_daemon, tmp_path, budgets=[
        {"severity": "moderate", "raisesPerDay": 2},
        {"practice": "B82002", "severity": "moderate", "raisesPerDay": 0}])
    client = make_client(daemon)
    ill = [Patient(f"p{number}") for number in range(4)]
    other = Patient("q", practice="B82002", source="urn:other")
    for patient in [*ill, other]:
        client.accept([patient.registered("1940-06-01", "2023-01-01"),
                       patient.prescribed(WARFARIN, "2024-03-01")])
    client.accept([patient.prescribed(NAPROXEN, "2024-03-01", moment("2024-03-01", "10:00:00"))
                   for patient in [*ill, other]])
    client.accept([ill[3].prescribed(OMEPRAZOLE, "2024-03-01", moment("2024-03-01", "20:00:00")),
                   clock("2024-03-02T00:00:00Z")])
    raised = {(event["subject"], event["rule"]): event["delivery"] for event in flags(daemon)
              if event["type"].endswith("raised.v1")}
    assert {raised[patient.subject, "gi-p3d"] for patient in [*ill, other]} == {"now"}
    assert [raised[patient.subject, "gi-p3a"] for patient in [*ill, other]] == [
        "now", "now", "digest", "digest", "digest"]
    digests = system(daemon, "digest")
    assert [event["data"]["practice"] for event in digests] == ["A81001", "B82002"]
    assert [(one["subject"], one["open"]) for one in digests[0]["data"]["flags"]] == [
        ("p2", True), ("p3", False)]
    assert all(event["sequence"] == "1" for event in digests)
    # Another day has its budget again.
    late = Patient("late")
    client.accept([late.registered("1940-06-01", "2023-01-01"),
                   late.prescribed(NAPROXEN, "2024-03-02"), clock("2024-03-02T12:00:00Z")])
    assert told(flags(daemon))[-1] == ("late", "gi-p3a", "raised", "event", "now")
    daemon.assert_replays()


def test_flags_on_one_medicine_share_a_group(daemon, client):
    ann = Patient("ann")
    client.accept([
        ann.registered("1940-06-01", "2023-01-01"), ann.diagnosed(HEART_FAILURE, "2023-02-01"),
        ann.prescribed(WARFARIN, "2024-02-20"), ann.prescribed(NAPROXEN, "2024-03-01"),
        clock("2024-03-02T12:00:00Z")])
    raised = flags(daemon)
    assert sorted(event["rule"] for event in raised) == ["gi-p3a", "gi-p3d", "hf-p3i"]
    assert {event["group"] for event in raised} == {raised[0]["flagid"]}
    client.accept([ann.review(raised[1], time=moment("2024-03-03"))])
    assert flags(daemon)[-1]["group"] == raised[0]["flagid"]
    daemon.assert_replays()


def with_covers(folder):
    """The bundled pack, in which the anticoagulant's rule stands for that of the age."""
    shutil.copytree(ROOT / "Sources/VigilPacks/Packs/pincer", folder)
    text = (folder / "pack.yaml").read_text()
    mark = "  - id: gi-p3d\n"
    assert mark in text
    (folder / "pack.yaml").write_text(text.replace(mark, mark + "    covers: [gi-p3a]\n"))
    return folder


def test_a_rule_that_another_stands_for_waits_for_the_digest(make_daemon, make_client, tmp_path):
    daemon = make_daemon("covers", arguments=["--pack", str(with_covers(tmp_path / "pack"))])
    client = make_client(daemon)
    ann, bob = Patient("ann"), Patient("bob")
    for patient in (ann, bob):
        client.accept([patient.registered("1940-06-01", "2023-01-01")])
    client.accept([ann.prescribed(WARFARIN, "2024-02-20"), ann.prescribed(NAPROXEN, "2024-03-01"),
                   bob.prescribed(NAPROXEN, "2024-03-01"), clock("2024-03-01T12:00:00Z")])
    raised = {(event["subject"], event["rule"]): event["delivery"] for event in flags(daemon)}
    assert raised == {("ann", "gi-p3d"): "now", ("ann", "gi-p3a"): "digest",
                      ("bob", "gi-p3a"): "now"}
    daemon.assert_replays()


def test_a_rule_cannot_cover_what_is_not_there(tmp_path):
    folder = with_covers(tmp_path / "pack")
    text = (folder / "pack.yaml").read_text()
    (folder / "pack.yaml").write_text(text.replace("[gi-p3a]", "[gi-p3x]"))
    done = run("serve", "--data", tmp_path / "data", "--pack", folder)
    assert done.returncode == 65
    assert "`gi-p3d` covers `gi-p3x`" in done.stderr and "gi-p3" in done.stderr
