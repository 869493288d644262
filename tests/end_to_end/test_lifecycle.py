"""From nothing to a stack and back, through the real engine. Proves nothing about what AWS itself would accept."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mlstack.contract import MLStackOutputs
from mlstack.local.cloud import Cloud
from tests.end_to_end.conftest import Deployment

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module", autouse=True)
def deployed(deployment: Deployment) -> dict[str, int]:
    return deployment.up()


def test_everything_is_created_at_once(deployed: dict[str, int]) -> None:
    assert set(deployed) == {"create"}


def test_the_contract_names_what_really_exists(deployment: Deployment, cloud: Cloud) -> None:
    contract = MLStackOutputs.parse(deployment.output("mlstack"), origin="the stack")
    roles = cloud.aws_client("iam").list_roles()["Roles"]
    orchestrator = contract.components["orchestrator"].configuration
    for arn in (orchestrator["execution_role"], orchestrator["scheduler_role"], deployment.output("access_role_arn")):
        assert arn in {role["Arn"] for role in roles}, "an ARN computed from settings is not the one that was made"
    repositories = cloud.aws_client("ecr").describe_repositories()["repositories"]
    assert deployment.output("repository_url") in {repository["repositoryUri"] for repository in repositories}
    buckets = cloud.aws_client("s3").list_buckets()["Buckets"]
    assert deployment.output("bucket") in {bucket["Name"] for bucket in buckets}
    project = contract.components["image_builder"].configuration["code_build_project"]
    assert project in cloud.aws_client("codebuild").list_projects()["projects"]


def test_plain_http_is_refused_and_tls_is_not(deployment: Deployment, cloud: Cloud) -> None:
    s3 = cloud.aws_client("s3")
    bucket = deployment.output("bucket")
    s3.put_object(Bucket=bucket, Key="probe", Body=b"x")

    def without_tls(request: Any, **_: Any) -> None:
        request.headers["X-Mlstack-Secure-Transport"] = "false"

    s3.meta.events.register("before-send.s3", without_tls)
    with pytest.raises(ClientError, match=r"AccessDenied|Forbidden|403"):
        s3.get_object(Bucket=bucket, Key="probe")


def test_a_second_update_changes_nothing(deployment: Deployment) -> None:
    assert set(deployment.up()) == {"same"}
    assert deployment.pulumi("preview", "--expect-no-changes").returncode == 0


def test_what_is_really_there_is_what_was_declared(deployment: Deployment) -> None:
    done = deployment.pulumi("refresh", "--preview-only", "--expect-no-changes", "--diff", check=False)
    assert done.returncode == 0, f"a refresh finds drift that nobody made:\n{done.stdout[-4000:]}"


def test_one_changed_setting_changes_one_resource(deployment: Deployment) -> None:
    deployment.configure(logRetentionDays=60)
    counts = deployment.up()
    assert counts.get("update") == 1
    assert set(counts) == {"same", "update"}


def test_a_switched_off_component_is_taken_away_with_its_rights(deployment: Deployment) -> None:
    deployment.configure(imageBuilder=False)
    counts = deployment.up()
    assert counts.get("delete") == 6, "project, role, policy, log group and their two components"
    contract = MLStackOutputs.parse(deployment.output("mlstack"), origin="the stack")
    assert "image_builder" not in contract.components


def test_a_wrong_setting_stops_the_engine_before_anything_is_touched(deployment: Deployment) -> None:
    before = deployment.run("pulumi", "stack", "export", "--stack", "local").stdout
    deployment.configure(orchestrator="sagemakr")
    refused = deployment.pulumi("up", "--yes", "--skip-preview", check=False)
    deployment.configure(orchestrator="sagemaker")
    assert refused.returncode != 0
    assert "mlstack:orchestrator is 'sagemakr': use sagemaker or local" in refused.stdout
    assert "Traceback" not in refused.stdout + refused.stderr
    assert _resources(deployment.run("pulumi", "stack", "export", "--stack", "local").stdout) == _resources(before)


def test_another_account_is_refused_before_anything_is_touched(deployment: Deployment) -> None:
    deployment.changes["aws:allowedAccountIds"] = ["999999999999"]
    deployment.write()
    refused = deployment.pulumi("preview", check=False)
    del deployment.changes["aws:allowedAccountIds"]
    deployment.write()
    assert refused.returncode != 0
    assert "999999999999" in refused.stdout + refused.stderr or "123456789012" in refused.stdout + refused.stderr


def test_destroy_leaves_nothing(deployment: Deployment, cloud: Cloud) -> None:
    from mlstack.local.aws.inventory import inventory

    deployment.configure(imageBuilder=True)
    deployment.up()
    deployment.pulumi("destroy", "--yes", "--skip-preview")
    state = cloud.state()
    assert state is not None
    ours = [found for found in inventory(state.aws_endpoint) if f"{deployment.name}-local" in str(found)]
    assert ours == []


def _resources(export: str) -> list[str]:
    deployment = json.loads(export)["deployment"]
    return sorted(resource["urn"] for resource in deployment.get("resources", []) if resource.get("custom"))
