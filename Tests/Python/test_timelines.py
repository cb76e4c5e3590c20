# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""Worked timelines: flags are raised and resolved at their exact instants, on an event clock.

Midnight in London is 23:00 UTC of the day before while summer time holds.
"""

import pytest

from events import (HEART_FAILURE, METFORMIN, NAPROXEN, OMEPRAZOLE, WARFARIN, Patient, clock,
                    moment)


def flags(daemon, subject=None):
    """What became of flags: (time, subject, rule, action, reason), in the log's order."""
    events = [record["event"] for record in daemon.export("--topic", "flag.")]
    return [(event["time"], event["subject"], event["rule"], event["type"].split(".")[-2],
             event["reason"])
            for event in events if subject in (None, event["subject"])]


def assert_timeline(daemon, *expected):
    """The flags are exactly these: (time, rule, action, reasons that name it rightly)."""
    found = flags(daemon)
    assert [(time, rule, action) for time, _, rule, action, _ in found] == [
        (time, rule, action) for time, rule, action, _ in expected]
    for (*_, reason), (*_, reasons) in zip(found, expected):
        assert reason in reasons.split("|")
    daemon.assert_replays()


def test_a_birthday_raises_and_the_window_resolves(daemon, client):
    patient = Patient("t1")
    client.accept([
        patient.registered("1959-04-10"), patient.prescribed(NAPROXEN, "2024-03-01"),
        clock("2024-07-01T00:00:00Z")])
    assert_timeline(
        daemon,
        ("2024-04-09T23:00:00.000Z", "gi-p3a", "raised", "time"),
        ("2024-06-01T23:00:00.000Z", "gi-p3a", "resolved", "hazard-ended"))


@pytest.mark.parametrize("steps", ["day by day", "in one leap"])
def test_the_window_of_a_leap_day_ends_after_the_last_of_may(daemon, client, steps):
    patient = Patient("t15")
    client.accept([
        patient.registered("1940-01-15"), patient.prescribed(NAPROXEN, "2024-02-29")])
    if steps == "day by day":
        client.accept([clock(f"2024-{month:02}-{day:02}T12:00:00Z")
                       for month in (3, 4, 5) for day in range(1, 31)])
    client.accept([clock("2024-06-02T00:00:00Z")])
    assert_timeline(
        daemon,
        ("2024-02-29T09:10:00.000Z", "gi-p3a", "raised", "event|time"),
        ("2024-05-31T23:00:00.000Z", "gi-p3a", "resolved", "hazard-ended"))


def test_a_lapsed_ppi_raises_by_time_alone(daemon, client):
    patient = Patient("lapse")
    client.accept([
        patient.registered("1950-06-01"), patient.prescribed(OMEPRAZOLE, "2024-01-12"),
        patient.prescribed(NAPROXEN, "2024-03-29"), clock("2024-07-10T00:00:00Z")])
    assert_timeline(
        daemon,
        ("2024-04-12T23:00:00.000Z", "gi-p3a", "raised", "time"),
        ("2024-06-29T23:00:00.000Z", "gi-p3a", "resolved", "hazard-ended"))


def test_a_ppi_resolves_at_once(daemon, client):
    patient = Patient("protected")
    client.accept([
        patient.registered("1950-06-01"), patient.prescribed(NAPROXEN, "2024-03-29"),
        patient.prescribed(OMEPRAZOLE, "2024-04-18", moment("2024-04-18", "09:31:08"))])
    assert_timeline(
        daemon,
        ("2024-03-29T09:10:00.000Z", "gi-p3a", "raised", "event|time"),
        ("2024-04-18T09:31:08.000Z", "gi-p3a", "resolved", "protection-issued"))


def test_an_nsaid_beside_an_anticoagulant_raises_at_once(daemon, client):
    patient = Patient("d")
    client.accept([
        patient.registered("1974-05-05"), patient.prescribed(WARFARIN, "2024-03-01"),
        patient.prescribed(METFORMIN, "2024-03-05"), patient.prescribed(NAPROXEN, "2024-03-10"),
        clock("2024-07-01T00:00:00Z")])
    assert_timeline(
        daemon,
        ("2024-03-10T09:00:00.000Z", "gi-p3d", "raised", "event"),
        ("2024-06-01T23:00:00.000Z", "gi-p3d", "resolved", "hazard-ended|condition-ended"))


def test_an_nsaid_in_heart_failure_raises_at_once(daemon, client):
    patient = Patient("i")
    client.accept([
        patient.registered("1974-05-05"), patient.diagnosed(HEART_FAILURE, "2024-03-05"),
        patient.prescribed(NAPROXEN, "2024-03-10"), clock("2024-07-01T00:00:00Z")])
    assert_timeline(
        daemon,
        ("2024-03-10T09:00:00.000Z", "hf-p3i", "raised", "event"),
        ("2024-06-10T23:00:00.000Z", "hf-p3i", "resolved", "hazard-ended"))


def test_heart_failure_coded_after_the_nsaid_raises_too(daemon, client):
    patient = Patient("late")
    client.accept([
        patient.registered("1974-05-05"), patient.prescribed(NAPROXEN, "2024-03-10"),
        patient.diagnosed(HEART_FAILURE, "2024-03-05", moment("2024-04-01")),
        clock("2024-04-02T00:00:00Z")])
    assert_timeline(
        daemon, ("2024-04-01T09:00:00.000Z", "hf-p3i", "raised", "event"))


def test_a_ppi_within_settling_raises_nothing_also_between_other_patients(daemon, client):
    covered, bare = Patient("covered"), Patient("bare")
    client.accept([
        covered.registered("1940-01-01"), bare.registered("1940-01-01"),
        covered.prescribed(NAPROXEN, "2024-03-01", moment("2024-03-01", "09:00:00")),
        bare.prescribed(NAPROXEN, "2024-03-01", moment("2024-03-01", "09:01:00")),
        covered.prescribed(OMEPRAZOLE, "2024-03-01", moment("2024-03-01", "09:03:00")),
        clock("2024-03-01T10:00:00Z")])
    assert flags(daemon, "covered") == []
    assert [(time, rule, action) for time, _, rule, action, _ in flags(daemon)] == [
        ("2024-03-01T09:11:00.000Z", "gi-p3a", "raised")]
    daemon.assert_replays()


def test_under_age_unknown_age_and_protected_patients_are_left_alone(daemon, client):
    young, protected, near = Patient("young"), Patient("protected"), Patient("near")
    client.accept([
        young.registered("1990-01-01"), young.prescribed(NAPROXEN, "2024-03-01"),
        protected.registered("1940-01-01"), protected.prescribed(OMEPRAZOLE, "2024-03-01"),
        protected.prescribed(NAPROXEN, "2024-03-01"),
        near.registered("1959-06-02"), near.prescribed(NAPROXEN, "2024-03-01"),
        clock("2024-06-02T12:00:00Z")])
    # Near turns 65 on the day on which the NSAID has left the window.
    assert flags(daemon) == []
    daemon.assert_replays()


def test_an_order_entered_in_error_withdraws_its_flag(daemon, client):
    patient = Patient("error")
    client.accept([
        patient.registered("1940-01-01"), patient.prescribed(NAPROXEN, "2024-03-01", id="rx-1"),
        clock("2024-03-01T12:00:00Z"),
        patient.prescribed(
            NAPROXEN, "2024-03-01", moment("2024-03-02"), action="updated", id="rx-1",
            status="entered-in-error")])
    assert_timeline(
        daemon,
        ("2024-03-01T09:10:00.000Z", "gi-p3a", "raised", "event|time"),
        ("2024-03-02T09:00:00.000Z", "gi-p3a", "resolved", "corrected"))
    last = daemon.export("--topic", "flag.")[-1]["event"]
    assert last["data"]["status"] == "entered-in-error"


def test_a_stopped_plan_ends_exposure_that_day(daemon, client):
    patient = Patient("t16")
    plan = {"basedOn": [{"reference": "CarePlan/plan-1"}]}
    issues = [patient.prescribed(NAPROXEN, day, id=f"rx-{day}", **plan)
              for day in ("2024-03-01", "2024-03-29", "2024-04-26")]
    stopped = patient.prescribed(
        NAPROXEN, "2024-04-26", moment("2024-04-30"), action="updated", id="rx-2024-04-26",
        status="stopped", **plan)
    client.accept([patient.registered("1940-01-01"), *issues, stopped])
    assert_timeline(
        daemon,
        ("2024-03-01T09:10:00.000Z", "gi-p3a", "raised", "event|time"),
        ("2024-04-30T09:00:00.000Z", "gi-p3a", "resolved", "hazard-stopped"))


def stop(patient, medicine, day, name, at, **more):
    """The event by which an order is stopped."""
    return patient.prescribed(
        medicine, day, moment(at), action="updated", id=name, status="stopped", **more)


RAISED = ("2024-03-01T09:10:00.000Z", "gi-p3a", "raised", "event|time")


def test_the_stop_of_one_medicine_of_a_form_leaves_the_others(daemon, client):
    patient = Patient("form")
    form = {"groupIdentifier": {"value": "form-1"}}
    client.accept([
        patient.registered("1940-01-01"),
        patient.prescribed(NAPROXEN, "2024-03-01", id="a", **form),
        patient.prescribed(METFORMIN, "2024-03-01", id="b", **form),
        stop(patient, METFORMIN, "2024-03-01", "b", "2024-03-10", **form),
        clock("2024-07-01T00:00:00Z")])
    assert_timeline(
        daemon, RAISED, ("2024-06-01T23:00:00.000Z", "gi-p3a", "resolved", "hazard-ended"))


def test_what_took_the_place_of_a_stopped_order_goes_on(daemon, client):
    patient = Patient("replaced")
    client.accept([
        patient.registered("1940-01-01"),
        patient.prescribed(NAPROXEN, "2024-03-01", id="a"),
        patient.prescribed(NAPROXEN, "2024-03-10", id="b",
                           priorPrescription={"reference": "MedicationRequest/a"}),
        stop(patient, NAPROXEN, "2024-03-01", "a", "2024-03-11"),
        clock("2024-07-01T00:00:00Z")])
    assert_timeline(
        daemon, RAISED, ("2024-06-10T23:00:00.000Z", "gi-p3a", "resolved", "hazard-ended"))


def test_a_plan_first_seen_as_stopped_ends_its_course(daemon, client):
    patient = Patient("plan")
    plan = {"basedOn": [{"reference": "MedicationRequest/plan"}]}
    client.accept([
        patient.registered("1940-01-01"),
        *(patient.prescribed(NAPROXEN, day, id=day, **plan)
          for day in ("2024-03-01", "2024-03-29", "2024-04-26")),
        stop(patient, NAPROXEN, "2024-03-01", "plan", "2024-04-30", intent="plan"),
        clock("2024-08-01T00:00:00Z")])
    assert_timeline(
        daemon, RAISED, ("2024-04-30T09:00:00.000Z", "gi-p3a", "resolved", "hazard-stopped"))


def test_due_instants_are_worked_off_in_their_order_when_the_clock_leaps(daemon, client):
    people = [Patient(f"p{number:02}") for number in range(10)]
    client.accept([message for number, patient in enumerate(people) for message in (
        # The later in the list, the earlier the birthday.
        patient.registered(f"1959-04-{29 - number:02}"),
        patient.prescribed(NAPROXEN, "2024-03-01"))])
    client.accept([clock("2027-01-01T00:00:00Z")])
    found = flags(daemon)
    assert len(found) == 20
    assert [time for time, *_ in found] == sorted(time for time, *_ in found)
    assert [subject for _, subject, _, action, _ in found if action == "raised"] == [
        patient.subject for patient in reversed(people)]
    daemon.assert_replays()


def test_a_new_issue_after_the_episode_is_a_new_flag(daemon, client):
    patient = Patient("again")
    client.accept([
        patient.registered("1940-01-01"), patient.prescribed(NAPROXEN, "2024-03-01"),
        patient.prescribed(NAPROXEN, "2024-03-20"), clock("2024-08-01T00:00:00Z"),
        patient.prescribed(NAPROXEN, "2024-09-01"), clock("2024-09-02T00:00:00Z")])
    assert_timeline(
        daemon,
        ("2024-03-01T09:10:00.000Z", "gi-p3a", "raised", "event|time"),
        ("2024-06-20T23:00:00.000Z", "gi-p3a", "resolved", "hazard-ended"),
        ("2024-09-01T09:10:00.000Z", "gi-p3a", "raised", "event|time"))
    first, _, second = [record["event"]["flagid"] for record in daemon.export("--topic", "flag.")]
    assert first != second
