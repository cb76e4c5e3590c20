# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Reviews of alerts and flags: what ends them early, reminders, the command line, the noise."""

import datetime
import json

import pytest

import daemon as daemons
from events import HEART_FAILURE, NAPROXEN, Patient, clock
from vitals import Chart, alerts, extension, told


@pytest.fixture
def ward(make_daemon, make_client, tmp_path):
    """A daemon with two packs that reminds after a day, and a client of it."""
    config = tmp_path / "config.yaml"
    config.write_text("unreviewed: 24 h\n")
    daemon = make_daemon(arguments=[
        "--pack", "deterioration", "--pack", "pincer", "--config", str(config)])
    return daemon, make_client(daemon)


def ill(client, subject):
    """A patient with a moderate alert, raised at 08:00."""
    chart = Chart(Patient(subject))
    client.accept([chart.patient.registered("1950-01-01", time="2024-05-02T07:00:00Z")])
    client.accept(chart.news2("2024-05-02T08:00:00Z", acvpu="V"))
    return chart


def override(patient, event, time, until="2024-06-01"):
    """A review that overrides."""
    message = patient.review(event, "override", time=time)
    content = json.loads(message.event)
    content["data"]["mitigation"][0]["extension"] += [
        {"url": "urn:vigil:reason", "valueCodeableConcept": {"coding": [
            {"system": "urn:vigil:override-reason", "code": "will-monitor"}]}},
        {"url": "urn:vigil:until", "valueDate": until}]
    return message._replace(event=json.dumps(content).encode())


@pytest.mark.parametrize("worse, expected", [
    (dict(rr=21, spo2=93, hr=95), "2024-05-02T08:30 updated moderate step"),
    (dict(rr=25, spo2=91, sbp=100, hr=118), "2024-05-02T08:30 raised high event")])
def test_a_worse_band_or_severity_ends_an_override(ward, worse, expected):
    daemon, client = ward
    chart = ill(client, "worse")
    raised = alerts(daemon)[-1]
    client.accept([override(chart.patient, raised, "2024-05-02T08:10:00Z")])
    reviewed = alerts(daemon)[-1]
    assert reviewed["type"].endswith("reviewed.v1")
    assert extension(reviewed["data"], "review-state") == "overridden"
    parts = {part["url"]: part for part in extension(reviewed["data"], "mitigation")}
    assert parts["action"]["valueCodeableConcept"]["coding"][0]["code"] == "override"
    assert parts["author"]["valueReference"]["identifier"]["value"] == "2071234"
    client.accept(chart.news2("2024-05-02T08:30:00Z", **worse))
    newest = alerts(daemon)[-1]
    assert extension(newest["data"], "review-state") == "open"
    assert told(daemon)[-1] == expected
    daemon.assert_replays()


def test_a_further_issue_keeps_an_override_and_a_new_diagnosis_ends_it(ward):
    daemon, client = ward
    patient = Patient("diagnosis")
    client.accept([
        patient.registered("1980-01-01", day="2024-05-01"),
        patient.diagnosed(HEART_FAILURE, "2020-01-01", time="2024-05-01T09:01:00Z"),
        patient.prescribed(NAPROXEN, "2024-05-01", time="2024-05-01T09:02:00Z")])

    def flags():
        return [record["event"] for record in daemon.export("--topic", "flag.")]
    client.accept([override(patient, flags()[-1], "2024-05-01T10:00:00Z")])
    client.accept([patient.prescribed(NAPROXEN, "2024-05-08", time="2024-05-08T09:00:00Z")])
    assert extension(flags()[-1]["data"], "review-state") == "overridden"
    client.accept([patient.diagnosed(
        ("42343007", "Congestive heart failure"), "2024-05-09", time="2024-05-09T09:00:00Z")])
    newest = flags()[-1]
    assert newest["reason"] == "evidence"
    assert extension(newest["data"], "review-state") == "open"
    daemon.assert_replays()


def test_a_snooze_of_an_alert_ends_by_the_clock(ward):
    daemon, client = ward
    chart = ill(client, "snooze")
    message = chart.patient.review(
        alerts(daemon)[-1], "snooze", time="2024-05-02T08:10:00Z")
    content = json.loads(message.event)
    content["data"]["mitigation"][0]["extension"].append(
        {"url": "urn:vigil:until", "valueDate": "2024-05-03"})
    client.accept([message._replace(event=json.dumps(content).encode())])
    client.accept([clock("2024-05-03T12:00:00Z")])
    assert told(daemon)[2:] == [
        "2024-05-02T20:00 updated moderate stale", "2024-05-02T23:00 updated moderate snooze-ended"]


def test_nobody_reviewed_a_high_alert_for_a_day(ward):
    daemon, client = ward
    charts = {}
    for subject in ("forgotten", "seen"):
        charts[subject] = Chart(Patient(subject))
        client.accept([
            charts[subject].patient.registered("1950-01-01", time="2024-05-02T07:00:00Z")])
        client.accept(charts[subject].news2("2024-05-02T08:00:00Z", rr=25, spo2=91, sbp=100))
    client.accept([charts["seen"].patient.review(
        alerts(daemon, "seen")[-1], "accept", time="2024-05-02T09:00:00Z")])
    client.accept([clock("2024-05-03T10:00:00Z")])
    assert told(daemon, rule="unreviewed") == ["2024-05-03T08:00 raised high time"]
    reminder = alerts(daemon, rule="unreviewed")[0]
    first = alerts(daemon, "forgotten")[0]
    assert reminder["subject"] == "forgotten"
    assert reminder["data"]["basis"][0]["identifier"]["value"] == first["flagid"]
    newest = [event for event in alerts(daemon, "forgotten", "news2")][-1]
    client.accept([charts["forgotten"].patient.review(
        newest, "accept", time="2024-05-03T11:00:00Z")])
    assert told(daemon, rule="unreviewed")[1:] == [
        "2024-05-03T11:00 resolved high condition-ended"]
    daemon.assert_replays()


def test_reviews_from_the_command_line_and_the_noise_report(ward):
    daemon, client = ward
    charts = {name: ill(client, name) for name in ("one", "two", "three", "four")}
    places = ["--ingest", daemon.endpoints["ingest"], "--history", daemon.endpoints["history"]]
    flag = {event["subject"]: event["flagid"] for event in alerts(daemon)}

    def review(subject, *arguments):
        return daemons.run("review", flag[subject], *arguments, *places, "--author",
                           "https://fhir.hl7.org.uk/Id/gphc-number|2071234")
    done = review("one", "accept", "--date", "2024-05-02T08:30:00Z")
    assert done.returncode == 0, done.stderr
    assert "accepted at offset" in done.stdout
    done = review("two", "override", "--reason", "tolerated-before", "--until", "2024-05-20",
                  "--date", "2024-05-02T09:00:00Z", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["status"] == "accepted"
    done = review("three", "override", "--reason", "other", "--date", "2024-05-02T09:00:00Z")
    assert done.returncode == 64 and "--text" in done.stderr
    done = review("three", "snooze", "--until", "2024-05-02", "--date", "2024-05-02T09:00:00Z")
    assert done.returncode == 65 and "refused" in done.stderr
    done = review("three", "snooze", "--date", "2024-05-02T09:00:00Z")
    assert done.returncode != 0 and "--until" in done.stderr
    done = daemons.run("review", "nosuchflag", "accept", *places, "--author", "x")
    assert done.returncode == 66 and "vigil open" in done.stderr
    done = daemons.run("review", flag["one"], "accept", *places)
    assert done.returncode == 64 and "VIGIL_AUTHOR" in done.stderr
    before = daemon.export_text()
    done = review("four", "accept")
    assert done.returncode == 64 and "--date" in done.stderr and "event clock" in done.stderr
    assert daemon.export_text() == before
    client.accept(charts["four"].news2("2024-05-02T10:00:00Z"))
    done = daemons.run("report", "noise", "--data", daemon.data, "--json")
    assert done.returncode == 0, done.stderr
    row = next(row for row in map(json.loads, done.stdout.splitlines())
               if row["rule"] == "news2")
    assert row == {
        "rule": "news2", "practice": "A81001", "raised": 4, "resolvedByItself": 1, "accepted": 1,
        "acted": 0, "snoozed": 0, "overridden": 1, "overrideReasons": {"tolerated-before": 1},
        "reviewed": 2, "medianReviewMilliseconds": 30 * 60_000,
        "p90ReviewMilliseconds": 60 * 60_000}
    done = daemons.run("report", "noise", "--data", daemon.data)
    assert "overridden most: news2 (1 of 2 reviewed)" in done.stdout


def test_on_a_wall_clock_a_review_is_of_now(make_daemon, make_client):
    daemon = make_daemon(clock="wall")
    today = datetime.datetime.now(datetime.timezone.utc)
    day, time = today.strftime("%Y-%m-%d"), today.strftime("%Y-%m-%dT%H:%M:%SZ")
    patient = Patient("now")
    make_client(daemon).accept([
        patient.registered("1940-01-01", time=time),
        patient.diagnosed(HEART_FAILURE, "2020-01-01", time=time),
        patient.prescribed(NAPROXEN, day, time=time)])
    raised = daemon.export("--topic", "flag.")[0]["event"]
    done = daemons.run(
        "review", raised["flagid"], "accept", "--author", "x", "--ingest",
        daemon.endpoints["ingest"], "--history", daemon.endpoints["history"])
    assert done.returncode == 0, done.stderr
    review = daemon.export("--topic", "review.")[0]["event"]
    assert review["data"]["mitigation"][0]["date"] == review["time"]
    assert time[:19] <= review["time"][:19]


def test_a_review_said_twice_is_one_and_another_of_the_same_moment_is_another(ward):
    daemon, client = ward
    ill(client, "one")
    flag = alerts(daemon)[0]["flagid"]

    def review(*arguments):
        done = daemons.run(
            "review", flag, *arguments, "--author", "x", "--date", "2024-05-02T08:30:00Z",
            "--json", "--ingest", daemon.endpoints["ingest"], "--history",
            daemon.endpoints["history"])
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["status"]

    snooze, later = (["snooze", "--until", f"2024-05-{day}"] for day in ("03", "04"))
    assert [review(*said) for said in (snooze, later, snooze, ["accept"], later)] == [
        "accepted", "accepted", "duplicate", "accepted", "duplicate"]
    assert review("accept", "--author-name", "Dr X") == "accepted"
    ids = [record["event"]["id"] for record in daemon.export("--topic", "review.")]
    assert len(set(ids)) == 4 and all(len(id) <= 64 for id in ids)


@pytest.mark.parametrize("arguments, says", [
    (["act", "--performed", "foo"], "--performed is stopped-hazard, added-protection"),
    (["override", "--reason", "foo"], "--reason is will-monitor, tolerated-before"),
    (["override", "--reason", "data-wrong", "--until", "2024-5-1"], "YYYY-MM-DD"),
    (["snooze", "--until", "2024-02-30"], "--until is a day of the calendar"),
    (["accept", "--date", "2024-05-01"], "--date is a time as RFC 3339"),
    (["accept", "--seen", "abc"], "--seen"),
    (["accept", "--performed", "dose-changed"], "accept takes no --performed."),
    (["reopen", "--until", "2024-05-09"], "reopen takes no --until."),
    (["act", "--performed", "other", "--text", "a"], "act takes no --text, but --performed."),
    (["hand-over", "--to", "Dr X", "--reason", "data-wrong"], "hand-over takes no --reason"),
    (["shrug"], "ACTION is accept, act,")])
def test_what_is_wrong_with_a_review_is_told_without_the_daemon(arguments, says):
    done = daemons.run(
        "review", "f", *arguments, "--author", "x", "--history", "ipc:///nowhere/at/all")
    assert done.returncode == 64 and says in done.stderr, done.stderr
    assert len(done.stderr.splitlines()) == 1
