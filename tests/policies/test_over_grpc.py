"""The pack as a process of its own: what the engine asks it and what it answers."""

import subprocess
import sys
from pathlib import Path

from pulumi.runtime.proto import analyzer_pb2
from ruamel.yaml import YAML

from policies import s3
from policies.pack import RULES
from tests.policies.conftest import Pack
from tests.policies.samples.iam import grant
from tests.policies.samples.s3 import ALL, UNNAMED, computed
from tests.policies.samples.stack import AWS_KEY
from tests.policies.shown import UNKNOWN, Given

ROOT = Path(__file__).parents[2]
SECRET = "1b47061264138c4ac30d75fd1eb44270"
SIGNATURE = "4dabf18193072939515e22adb298388d"


def marked(value: str) -> dict[str, str]:
    return {SIGNATURE: SECRET, "value": value}


def test_the_pack_introduces_itself_with_every_rule(running: Pack) -> None:
    info = running.info()
    assert info.name == "mlstack"
    assert [policy.name for policy in info.policies] == [rule.name for rule in RULES]
    for policy in info.policies:
        assert policy.severity != analyzer_pb2.POLICY_SEVERITY_UNSPECIFIED
        assert policy.description and policy.remediation_steps and policy.url and policy.framework.name
        assert policy.enforcementLevel == analyzer_pb2.ADVISORY, "a level comes from a configuration"
    required = {policy.name: policy for policy in info.policies}["stack-missing-tags"].configSchema
    assert "required" in required.properties


def test_the_level_of_a_finding_comes_from_the_configuration(running: Pack) -> None:
    everything = grant("*")
    assert running.analyze(everything)["iam-full-administration"].enforcementLevel == analyzer_pb2.ADVISORY
    running.configure(iam_full_administration=("MANDATORY", {}), iam_whole_service=("DISABLED", {}))
    found = running.analyze(everything)
    assert found["iam-full-administration"].enforcementLevel == analyzer_pb2.MANDATORY
    assert "iam-whole-service" not in found


def test_a_finding_says_what_is_wrong_and_what_to_do(running: Pack) -> None:
    message = running.analyze(grant("*"))["iam-full-administration"].message
    assert message == (
        "[IAM.1] A policy that allows every action on every resource is the account itself\n"
        "it: statement 1 allows everything. Name the actions and resources that are needed"
    )


def test_options_reach_the_rule(running: Pack) -> None:
    group = Given("aws:cloudwatch/logGroup:LogGroup", {"retentionInDays": 30})
    assert "365 are asked for" in running.analyze(group)["logs-short-retention"].message
    running.configure(logs_short_retention=("MANDATORY", {"days": 30}))
    assert "logs-short-retention" not in running.analyze(group)


def test_what_is_not_known_before_the_deployment_is_advice_even_where_the_rule_is_mandatory(running: Pack) -> None:
    running.configure(iam_full_administration=("MANDATORY", {}))
    said = running.analyze(Given("aws:iam/policy:Policy", {"policy": UNKNOWN}))["iam-full-administration"]
    assert said.enforcementLevel == analyzer_pb2.ADVISORY
    assert "it could not be checked before the deployment, because policy is not known yet" in said.message


def test_a_bucket_and_its_settings_are_found_through_what_they_were_computed_from(running: Pack) -> None:
    found = running.analyze_stack(UNNAMED, computed(s3.PUBLIC_ACCESS, **ALL))
    assert "s3-public-access-not-blocked" not in found
    assert "s3-without-versions" in found


def test_a_secret_that_is_exported_as_one_is_told_from_plain_text(running: Pack) -> None:
    def stack(value: object) -> Given:
        return Given("pulumi:pulumi:Stack", {"key": value}, name="stack")

    assert "stack-secret-in-output" not in running.analyze_stack(stack(marked(AWS_KEY)))
    assert "stack-secret-in-output" not in running.analyze_stack(stack(marked(UNKNOWN)))
    (plain,) = running.analyze_stack(stack(AWS_KEY))["stack-secret-in-output"]
    assert "key looks like a secret access key" in plain.message
    assert AWS_KEY not in plain.message, "the finding repeats the secret"


def test_a_secret_of_a_resource_is_recognised_in_an_output(running: Pack) -> None:
    key = Given("aws:iam/accessKey:AccessKey", {"secret": marked("not-of-any-known-shape")}, name="key")
    stack = Given("pulumi:pulumi:Stack", {"login": "me:not-of-any-known-shape"}, name="stack")
    (found,) = running.analyze_stack(key, stack)["stack-secret-in-output"]
    assert "login holds what is marked as secret elsewhere" in found.message
    assert "not-of-any-known-shape" not in found.message


def test_the_folder_tells_the_official_cli_how_to_start_it() -> None:
    project = YAML(typ="safe").load((ROOT / "policies" / "PulumiPolicy.yaml").read_text(encoding="utf-8"))
    assert project["runtime"] == {"name": "python", "options": {"toolchain": "pip", "virtualenv": "../.venv"}}
    assert (ROOT / "policies" / project["runtime"]["options"]["virtualenv"]).resolve() == ROOT / ".venv"
    assert project["description"] and project["version"]
    locked = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert "\npulumi-policy==" in locked, "what `make setup` installs does not run the pack"


def test_the_folder_starts_as_the_language_host_of_the_cli_starts_it() -> None:
    """In the folder, by its path. That the official CLI does so is taken from its source, not run here."""
    command = [
        sys.executable,
        "-u",
        "-m",
        "pulumi.policy",
        "127.0.0.1:1",
        str(ROOT / "policies"),
    ]
    started = subprocess.Popen(command, cwd=ROOT / "policies", stdout=subprocess.PIPE)
    assert started.stdout is not None
    try:
        assert int(started.stdout.readline()) > 0
    finally:
        started.terminate()
        started.wait(10)


def test_no_rule_has_a_remediation_that_would_change_what_the_program_says(running: Pack) -> None:
    request = analyzer_pb2.AnalyzeRequest(type="aws:s3/bucket:Bucket", urn="urn:pulumi:d::m::t::b", name="b")
    assert len(running.stub.Remediate(request).remediations) == 0
