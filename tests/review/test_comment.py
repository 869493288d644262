"""Properties that every comment has, however large the preview and whatever stands in it."""

import json
import re
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mlstack.errors import UsageError
from mlstack.review.guards import GUARDS
from mlstack.review.markdown import comment, side_by_side
from mlstack.review.model import Report
from mlstack.review.preview import read
from mlstack.review.report import report
from mlstack.review.rules import Allowance, rules
from tests.review.test_recorded import of

URN = "urn:pulumi:prod::shop::mlstack:index:MLStack$mlstack:index:Part{part}$aws:s3/bucket:Bucket::b{number}"


def step(number: int, **more: Any) -> dict[str, Any]:
    inputs = {"bucket": f"b{number}", "tags": {"team": "vision"}}
    return {
        "op": "update",
        "urn": URN.format(part=number % 40, number=number),
        "oldState": {"inputs": inputs},
        "newState": {"inputs": {**inputs, "tags": {"team": "audio"}}, "sourcePosition": "project:///components/b.py#7"},
        **more,
    }


def made(*steps: dict[str, Any], diagnostics: Any = ()) -> Report:
    return report(read(json.dumps({"steps": list(steps), "diagnostics": list(diagnostics)})), {})


@pytest.mark.parametrize("limit", [1500, 4000, 32768, 65536, 1_000_000])
def test_it_is_never_longer_than_the_limit_and_never_without_a_guard(limit: int) -> None:
    steps = [step(number) for number in range(300)]
    steps += [step(1000 + number, op="delete", newState=None) for number in range(10)]
    whole = made(*steps)
    text = comment(whole, limit=limit)
    assert len(text) <= limit
    assert text.count("**data-loss**") == 10
    assert ("Left out to fit" in text) == (len(comment(whole, limit=10_000_000)) > limit)


def test_two_thousand_changes_are_rendered_in_a_moment() -> None:
    text = json.dumps({"steps": [step(number) for number in range(2000)]})
    begun = time.process_time()
    assert comment(report(read(text), {}), limit=65536)
    assert time.process_time() - begun < 1.5


def test_two_thousand_changes_take_less_than_two_hundred_megabytes(tmp_path: Path) -> None:
    digest = tmp_path / "digest.json"
    digest.write_text(json.dumps({"steps": [step(number) for number in range(2000)]}), encoding="utf-8")
    program = (
        "import sys; from mlstack.cli import main; sys.argv[0] = 'mlstack'\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        # Not ru_maxrss: that one remembers what the process was before it was this program.
        "peak = next(line for line in open('/proc/self/status') if line.startswith('VmHWM:'))\n"
        "print(peak.split()[1], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "review", "--digest", str(digest), "--html", str(tmp_path / "page.html")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "2000 to update" in done.stdout
    assert int(done.stderr.split()[-1]) < 200 * 1024, "kilobytes, of the whole process"


def test_an_operation_that_nobody_knows_yet_counts_as_a_change() -> None:
    assert made(step(1, op="transmogrify")).counts == {"transmogrify": 1}


def test_the_two_halves_of_a_replacement_are_one_change() -> None:
    steps = [step(1, op=each) for each in ("create-replacement", "replace", "delete-replaced")]
    assert made(*steps).counts == {"replace": 1}


def test_a_secret_is_never_shown() -> None:
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "hunter2"}
    text = comment(made(step(1, newState={"inputs": {"token": secret}})), limit=65536)
    assert "hunter2" not in text
    assert "[secret]" in text


def test_nobody_is_called_and_no_tag_is_opened() -> None:
    text = comment(
        made(step(1), diagnostics=[{"severity": "error", "message": "```\n<script> @somebody"}]), limit=65536
    )
    assert "````\n```\n<script> @somebody\n````" in text, "it stands in a fence that it cannot end"


def test_what_is_not_known_yet_says_what_it_waits_for() -> None:
    unknown = {
        "inputs": {"bucket": "04da6b54-80e4-46f7-96ec-b56ff0331ba9"},
        "propertyDependencies": {"bucket": [URN.format(part=2, number=2)]},
    }
    text = comment(made(step(1, newState=unknown), step(2)), limit=65536)
    assert "`b1.bucket`: known after apply, from `b2`" in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not what `pulumi preview --json` prints"),
        ('{"steps": [{"op":', "or not all of it"),
        ('{"name": "something else"}', "is JSON, but not of a preview"),
        ("[1, 2]", "is not what `pulumi preview --json` prints"),
    ],
)
def test_what_is_no_preview_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        read(text, origin="digest.json")
    assert said in str(refused.value)


def test_the_events_of_another_run_are_refused() -> None:
    other = {"resourcePreEvent": {"metadata": {"op": "create", "urn": "urn:pulumi:dev::other::a:b:C::d"}}}
    with pytest.raises(UsageError, match="two different runs"):
        read(json.dumps({"steps": [step(1)]}), json.dumps(other))


def test_a_guard_may_be_overridden_with_a_reason_that_is_shown() -> None:
    preview = read(json.dumps({"steps": [step(1, op="delete", newState=None)]}))
    moved = Allowance(
        guard="data-loss", reason="the bucket was copied, see ticket 7", until=date(2099, 1, 1), resource="b1"
    )
    allowed = report(preview, {}, [moved])
    assert not allowed.fails
    assert "allowed: the bucket was copied, see ticket 7 (until 2099-01-01)" in comment(allowed, limit=65536)
    assert report(preview, {}, [moved.model_copy(update={"resource": "another"})]).fails
    assert report(preview, {"data-loss": "warn"}).fails is False
    assert report(preview, {}).fails
    with pytest.raises(UsageError, match="did you mean data-loss"):
        report(preview, {"dataloss": "off"})


def test_levels_and_allowances_are_kept_in_a_file_by_environment(tmp_path: Path) -> None:
    (tmp_path / "review.yaml").write_text(
        """
        all: {guards: {iam-broadened: fail, force-destroy: "off"}}
        prod:
          guards: {force-destroy: fail}
          allow:
            - {guard: data-loss, reason: moved to another account, until: 2099-01-01}
            - {guard: iam-opened, reason: it was, until: 2020-01-01}
        """
    )
    prod, dev = rules(tmp_path, "prod", GUARDS), rules(tmp_path, "dev", GUARDS)
    assert prod.guards == {"iam-broadened": "fail", "force-destroy": "fail"}
    assert dev.guards == {"iam-broadened": "fail", "force-destroy": "off"}
    assert [each.guard for each in prod.allow] == ["data-loss"], "the other one has ended"
    assert rules(tmp_path / "elsewhere", "prod", GUARDS).guards == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prod: {guards: {dataloss: off}}", "there is no guard 'dataloss': did you mean data-loss?"),
        ("prod: {guards: {data-loss: maybe}}", "review.yaml, prod: guards.data-loss"),
        ("prod: {allow: [{guard: data-loss, until: 2099-01-01}]}", "allow.0.reason: Field required"),
        ("prod: {allowed: []}", "allowed: Extra inputs are not permitted"),
        ("- a", "is not a mapping of environments"),
        ("a: [", "review.yaml cannot be read"),
    ],
)
def test_a_wrong_file_is_one_message(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "review.yaml").write_text(text)
    with pytest.raises(UsageError) as refused:
        rules(tmp_path, "prod", GUARDS)
    assert said in str(refused.value)


def test_another_major_release_of_a_provider_is_said() -> None:
    def provided(release: str) -> str:
        return f"urn:pulumi:prod::shop::pulumi:providers:aws::default_{release}::id"

    one = step(1)
    one["oldState"]["provider"], one["newState"]["provider"] = provided("6_9_0"), provided("7_51_1")
    (finding,) = made(one).findings
    assert finding.said.startswith("provider aws 6 becomes aws 7")
    one["oldState"]["provider"] = provided("7_2_0")
    assert made(one).findings == ()


def test_environments_side_by_side() -> None:
    table = side_by_side([made(step(1)), made()])
    assert "| `prod` | ✅ nothing that a guard minds | 1 to update |" in table
    assert table.count("\n") == 3


def test_where_a_forge_takes_no_html_there_is_none() -> None:
    text = comment(of("new-key"), limit=65536, folds=False)
    assert not re.search(r"</?(details|summary|br|sub)>", text)
    assert "### EncryptionKey: 2 changes" in text


def test_what_has_to_be_known_of_a_preview_is_never_cut() -> None:
    text = comment(made(*[step(number) for number in range(300)]), limit=1500, note="compared with nothing")
    assert text.split("\n\n")[2] == "_compared with nothing_"
