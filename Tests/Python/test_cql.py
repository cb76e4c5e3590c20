# Vigil, the prescribing safety daemon.
# SPDX-License-Identifier: Apache-2.0
"""`vigil cql`: values, errors with their place, streams, and a patient of a log at a moment."""

import json
import subprocess

import pytest

from daemon import binary, run
from events import NAPROXEN, OMEPRAZOLE, WARFARIN, Patient, clock, moment

AT = ("--at", "2024-03-01T10:30:00.250Z")


def cql(*arguments, input=None):
    """Runs `vigil cql`."""
    return run("cql", *arguments, input=input)


def stream(lines, *arguments):
    """The answers to expressions, one a line."""
    done = cql(*arguments, "-", input="".join(line + "\n" for line in lines))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


# One of each kind of value: the specification's answers, and the type beside them.
VALUES = [
    ("1 + 1", "2", "Integer"),
    ("1 / 3", "0.33333333", "Decimal"),
    ("2 * 3L", "6L", "Long"),
    ("null as Integer", "null", "Integer"),
    ("1 < null", "null", "Boolean"),
    ("'tab\\tand \\u0022'", "'tab\\tand \"'", "String"),
    ("5 'mg' + 0.5 'g'", "505 'mg'", "Quantity"),
    ("@2012-02-29 + 1 year", "@2013-02-28", "Date"),
    ("@2024-03-31T01:30:00+01:00 - 1 hour", "@2024-03-31T00:30:00+01:00", "DateTime"),
    ("@T23:30 - 45 minutes", "@T22:45", "Time"),
    ("Now()", "@2024-03-01T10:30:00.250Z", "DateTime"),
    ("Today()", "@2024-03-01", "Date"),
    ("Interval[1, 5) intersect Interval[3, 9]", "Interval[3, 4]", "Interval<Integer>"),
    ("{1, null, 2.5}", "{1.0, null, 2.5}", "List<Decimal>"),
    ("Tuple { a: 1, b: {'x'} }.b", "{'x'}", "List<String>"),
    ("({3, 1, 2}) X where X > 1 return X * X sort desc", "{9, 4}", "List<Integer>"),
    ("Code { code: 'a', system: 's' } ~ Code { code: 'a', system: 's' }", "true", "Boolean"),
    ("1:2 ~ 2:4", "true", "Boolean"),
    ("Message(7, true, '100', 'Warning', 'careful')", "7", "Integer"),
    ("convert '2014-01' to Date", "@2014-01", "Date"),
    ("years between @2000-02-29 and @2024-02-28", "23", "Integer"),
]

# Code, column, and something that the sentence names.
ERRORS = [
    ("1 +", "invalid", 4, "end"),
    ("Nobody + 1", "invalid", 1, "Nobody"),
    ("1 = 'a'", "invalid", 3, "String"),
    ("  2147483648", "invalid", 3, "2147483647"),
    ("@2024-02-30", "invalid", 1, "calendar"),
    ("'unclosed", "invalid", 1, "end"),
    ("1 + ?", "invalid", 5, "?"),
    ("SplitOnMatches('a', 'b')", "unsupported", 1, "SplitOnMatches"),
    ("1 + 5 'frobs'", "unsupported", 5, "frobs"),
    ("null as Choice<Integer, String>", "unsupported", 9, "Choice"),
    ("days between DateTime(2014, 1, 15) and DateTime(2014, 2)", "unsupported", 1, "range"),
    ("2 + Message(1, true, '400', 'Error', 'wrong')", "runtime", 5, "wrong"),
    ("singleton from {1, 2}", "runtime", 1, "2"),
    ("DateTime(10000)", "runtime", 1, "calendar"),
    ("width of Interval[@2024-01-01, @2024-01-02]", "runtime", 1, "duration"),
    ("", "invalid", 1, "expression"),
]


def test_an_expression_has_its_value_and_type():
    answers = stream([row[0] for row in VALUES], *AT)
    for (expression, value, type), answer in zip(VALUES, answers, strict=True):
        assert answer == {"value": value, "type": type}, expression


def test_an_error_names_its_code_and_column():
    answers = stream([row[0] for row in ERRORS], *AT)
    for (expression, code, column, mention), answer in zip(ERRORS, answers, strict=True):
        assert set(answer) == {"error"}, (expression, answer)
        error = answer["error"]
        assert set(error) == {"code", "message", "column"}
        assert (error["code"], error["column"]) == (code, column), (expression, error)
        assert mention in error["message"], (expression, error)


def test_one_expression_prints_its_value_alone():
    done = cql(*AT, "1 + 1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "2\n", "")
    done = cql(*AT, "--json", "1 + 1")
    assert json.loads(done.stdout) == {"value": "2", "type": "Integer"}


def test_one_expression_without_a_value_fails_in_a_sentence():
    done = cql("1 +")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("vigil: invalid CQL at column 4:")
    assert len(done.stderr.splitlines()) == 1
    done = cql("--json", "1 +")
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["column"] == 4


def test_each_line_has_its_answer_whatever_the_others_are():
    deep = "(" * 5000 + "1" + ")" * 5000
    lines = ["1", deep, "-" * 20000 + "1", "1" + " + 1" * 20000, "not " * 20000 + "true",
             "{" * 400, "'" + "x" * 200000 + "'", "expand Interval[1, 2000000000]",
             "Power(10.0, 1000000000.0)", "\u00e9\u4e2d = 1", "2"]
    answers = stream(lines, *AT)
    assert len(answers) == len(lines)
    assert answers[0] == {"value": "1", "type": "Integer"}
    assert answers[-1] == {"value": "2", "type": "Integer"}
    for line, answer in zip(lines[1:-1], answers[1:-1], strict=True):
        assert "error" in answer or len(line) > 100000, (line[:40], answer)


def test_the_last_line_needs_no_end():
    done = cql("-", input="1 + 1")
    assert json.loads(done.stdout) == {"value": "2", "type": "Integer"}


def test_each_answer_comes_at_once():
    process = subprocess.Popen(
        [binary(), "cql", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        for number in range(3):
            process.stdin.write(f"{number} + 1\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["value"] == str(number + 1)
        process.stdin.close()
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.stdout.close()


def test_a_moment_is_read_as_it_is_written():
    assert cql("--at", "2024-02-29", "Now()").stdout == "@2024-02-29T00:00:00.000Z\n"
    assert cql("--at", "2024-02-29T00:30:00+01:00", "Today()").stdout == "@2024-02-28\n"
    done = cql("--at", "yesterday", "1")
    assert done.returncode == 64
    assert "yesterday" in done.stderr


@pytest.fixture
def log(daemon, client):
    """The folder of a log with a patient who was given NSAIDs and, later, their protection."""
    patient = Patient("ann")
    other = Patient("bob")
    client.accept([
        patient.registered("1950-06-15"),
        other.registered("2001-01-01"),
        patient.prescribed(NAPROXEN, "2024-03-01"),
        patient.prescribed(WARFARIN, "2024-04-10"),
        other.prescribed(OMEPRAZOLE, "2024-04-11"),
        patient.prescribed(NAPROXEN, "2024-05-02"),
        patient.prescribed(OMEPRAZOLE, "2024-06-01"),
        clock(moment("2024-07-01"))])
    return daemon


NSAIDS = '[MedicationRequest: "nsaid"]'


def asked(data, subject, expressions, *arguments):
    """The values of expressions on a patient of a log."""
    answers = stream(expressions, "--data", str(data), "--subject", subject, *arguments)
    for expression, answer in zip(expressions, answers, strict=True):
        assert "value" in answer, (expression, answer)
    return [answer["value"] for answer in answers]


def test_a_patient_of_a_log_is_asked_as_of_a_moment(log):
    expressions = [
        "Today()", f"Count({NSAIDS})", f"exists {NSAIDS}",
        f"({NSAIDS}) N return Vigil.ClinicalDate(N)", f"Vigil.ClinicalDate(Last({NSAIDS}))",
        "AgeInYears()", "Patient.birthDate",
        f"exists ({NSAIDS}) N where Vigil.ClinicalDate(N) 3 months or less before Today()"]
    assert asked(log.data, "ann", expressions) == [
        "@2024-07-01", "2", "true", "{@2024-03-01, @2024-05-02}", "@2024-05-02", "74",
        "@1950-06-15", "true"]
    assert asked(log.data, "ann", expressions, "--at", "2024-04-20") == [
        "@2024-04-20", "1", "true", "{@2024-03-01}", "@2024-03-01", "73", "@1950-06-15", "true"]
    assert asked(log.data, "ann", expressions[:3], "--at", "2024-12-01") == [
        "@2024-12-01", "2", "true"]
    assert asked(log.data, "bob", [f"exists {NSAIDS}", "AgeInYears()"]) == ["false", "23"]


def test_it_works_beside_the_daemon_and_after_it(log):
    question = [f"Count({NSAIDS})"]
    assert asked(log.data, "ann", question) == ["2"]
    assert log.stop() == 0
    assert asked(log.data, "ann", question) == ["2"]


def test_what_the_log_does_not_have_is_named(log):
    done = cql("--data", log.data, "--subject", "nobody", "1")
    assert (done.returncode, done.stdout) == (66, "")
    assert "nobody" not in done.stderr, "a subject is a patient's, and no text for others"
    before = cql("--data", log.data, "--subject", "ann", "--at", "2023-01-01", "1")
    assert before.returncode == 66
    unknown = stream(['exists [Condition: "No such list"]'], "--data", str(log.data),
                     "--subject", "ann")
    assert unknown[0]["error"]["code"] == "invalid"
    assert "No such list" in unknown[0]["error"]["message"]


def test_the_folder_and_the_options_are_checked(tmp_path):
    missing = tmp_path / "nothing-here"
    done = cql("--data", missing, "--subject", "ann", "1")
    assert (done.returncode, done.stdout) == (66, "")
    assert "nothing-here" in done.stderr
    assert not missing.exists()
    for arguments in (["--data", tmp_path, "1"], ["--subject", "ann", "1"], []):
        done = cql(*arguments)
        assert done.returncode == 64, (arguments, done.stderr)
        assert done.stdout == ""
