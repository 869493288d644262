"""How what was found really is, in AWS: what can be imported, and which settings leave it as it is."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from mlstack.adoption.found import Found
from mlstack.errors import UsageError

_KEYS_OF_A_USER = 2
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""
_AWS_TAG = "aws:"


@dataclass(kw_only=True)
class Seen:
    """What AWS holds of a stack that was found."""

    imports: dict[str, str] = field(default_factory=dict)
    """Id of each resource that exists, by the end of its name in the program: `artifacts-bucket`."""
    keep: dict[str, str] = field(default_factory=dict)
    """What stays as it was found (mlstack:keep), and why."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Of the `mlstack` namespace, without the names."""


def look(found: Found) -> Seen:
    """Raises UsageError for what is not there, is managed already, or cannot be taken over without being replaced."""
    _client.cache_clear()
    seen = Seen()
    roles = {"access": found.access_role, "execution": found.execution_role, "image-builder-build": found.build_role}
    there = {what: _role(name, found) for what, name in roles.items() if name}
    _bucket(found, seen)
    _repository(found, seen)
    for what, role in there.items():
        seen.imports |= _identity(what, "role", role["RoleName"])
    _same_for_all(there, seen)
    _connector(found, there["access"], seen)
    _build_project(found, seen)
    return seen


@cache
def _client(service: str, region: str) -> Any:
    import boto3

    return boto3.Session().client(service, region_name=region)


def _absent(ask: Callable[[], Any], *codes: str) -> Any:
    """What AWS answers, or None for one of the codes."""
    from botocore.exceptions import ClientError

    try:
        return ask()
    except ClientError as error:
        if error.response["Error"]["Code"] in codes:
            return None
        raise


def _missing(found: Found, what: str) -> UsageError:
    return UsageError(
        f"{found.origin} names the {what}, which account {found.account_id} does not have in {found.region}; "
        "nothing was changed",
        hint="it was deleted since, or the credentials are of another account: aws sts get-caller-identity",
    )


def _bucket(found: Found, seen: Seen) -> None:
    s3, name = _client("s3", found.region), found.bucket
    where = _absent(lambda: s3.get_bucket_location(Bucket=name), "NoSuchBucket", "404", "AccessDenied", "403")
    if where is None:
        raise _missing(found, f"bucket {name}")
    region = where.get("LocationConstraint") or "us-east-1"
    if region != found.region:
        raise UsageError(
            f"bucket {name} is in {region}, and {found.origin} in {found.region}: a stack has one region",
            hint="adopt what is in one region, and set mlstack:artifactStore for the bucket of the other",
        )
    _tags(found, s3, seen)
    seen.imports["artifacts-bucket"] = name
    for part, ask, gone in (
        ("ownership", s3.get_bucket_ownership_controls, "OwnershipControlsNotFoundError"),
        ("public-access", s3.get_public_access_block, "NoSuchPublicAccessBlockConfiguration"),
        ("encryption", s3.get_bucket_encryption, "ServerSideEncryptionConfigurationNotFoundError"),
    ):
        answer = _absent(lambda ask=ask: ask(Bucket=name), gone)  # type: ignore[misc]
        if answer is not None:
            seen.imports[f"artifacts-{part}"] = name
    _encryption(_absent(lambda: s3.get_bucket_encryption(Bucket=name), gone), seen)
    _versions(s3, name, seen)
    if _absent(lambda: s3.get_bucket_policy(Bucket=name), "NoSuchBucketPolicy"):
        seen.keep["bucket-policy"] = "the bucket has a policy, and ours would take its place"
    told = s3.get_bucket_notification_configuration(Bucket=name).keys() - {"ResponseMetadata"}
    if told == {"EventBridgeConfiguration"}:
        seen.imports["artifacts-events"] = name
    elif told:
        seen.keep["bucket-events"] = "the bucket notifies somebody, who would hear no more of it"
    if logs := s3.get_bucket_logging(Bucket=name).get("LoggingEnabled"):
        seen.settings["accessLogs"] = {"mode": "existing", "bucket": logs["TargetBucket"]}
        seen.imports["artifacts-access-logs"] = name


def _tags(found: Found, s3: Any, seen: Seen) -> None:
    answer = _absent(lambda: s3.get_bucket_tagging(Bucket=found.bucket), "NoSuchTagSet") or {"TagSet": ()}
    tags = {each["Key"]: each["Value"] for each in answer["TagSet"]}
    if owner := tags.get("mlstack:environment"):
        raise UsageError(
            f"bucket {found.bucket} is managed already, by environment {owner} of {tags.get('mlstack:project')}",
            hint=f"there is nothing to adopt: mlstack deploy --stack {owner}",
        )
    kept = {key: value for key, value in tags.items() if not key.startswith(_AWS_TAG)}
    if kept:
        seen.settings["tags"] = kept


def _encryption(answer: Any, seen: Seen) -> None:
    seen.settings["encryption"] = {"mode": "aws-managed"}
    for rule in answer["ServerSideEncryptionConfiguration"]["Rules"] if answer else ():
        key = rule.get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID", "")
        if ":key/" in key:
            # What is in the bucket can only be read with it.
            seen.settings["encryption"] = {"mode": "existing", "keyArn": key}


def _versions(s3: Any, name: str, seen: Seen) -> None:
    if s3.get_bucket_versioning(Bucket=name).get("Status"):
        seen.imports["artifacts-versioning"] = name
        seen.keep["bucket-lifecycle"] = "the bucket has old versions, which our rule would delete after a while"
    if _absent(lambda: s3.get_bucket_lifecycle_configuration(Bucket=name), "NoSuchLifecycleConfiguration"):
        seen.keep["bucket-lifecycle"] = "the bucket has lifecycle rules, and ours would take their place"


def _repository(found: Found, seen: Seen) -> None:
    if found.repository is None:
        return
    ecr, name = _client("ecr", found.region), found.repository
    if _absent(lambda: ecr.describe_repositories(repositoryNames=[name]), "RepositoryNotFoundException") is None:
        raise _missing(found, f"repository {name}")
    seen.imports["registry-repository"] = name
    seen.keep["image-encryption"] = "ECR cannot change it: the repository would be replaced, with all its images"
    seen.keep["image-lifecycle"] = "our rules would delete images that are there: untagged ones, and the oldest"


def _role(name: str, found: Found) -> Any:
    answer = _absent(lambda: _client("iam", found.region).get_role(RoleName=name), "NoSuchEntity")
    if answer is None:
        raise _missing(found, f"role {name}")
    return answer["Role"]


def _identity(what: str, kind: str, name: str) -> dict[str, str]:
    """A role or a user, and what others let it do: imported so that the preview shows what is taken away."""
    iam, by_name = _client("iam", "us-east-1"), {f"{kind.capitalize()}Name": name}
    imports = {f"{what}-{kind}": name}
    if getattr(iam, f"list_{kind}_policies")(**by_name)["PolicyNames"]:
        imports[f"{what}-only-permissions"] = name
    if getattr(iam, f"list_attached_{kind}_policies")(**by_name)["AttachedPolicies"]:
        imports[f"{what}-no-attachments"] = name
    return imports


def _same_for_all(roles: dict[str, Any], seen: Seen) -> None:
    """The path, which cannot be changed, and the boundary stand once in our settings."""
    said: dict[str, Any] = {"exclusive": True}
    paths = {role["RoleName"]: role["Path"] for role in roles.values()}
    if len(set(paths.values())) > 1:
        several = ", ".join(f"{path}{name}" for name, path in paths.items())
        raise UsageError(
            f"the roles have several paths ({several}), and a path cannot be changed; nothing was changed",
            hint="mlstack gives all roles one path (mlstack:roles.path): make roles of one path first",
        )
    if (path := next(iter(paths.values()))) != "/":
        said["path"] = path
    boundaries = {role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn") for role in roles.values()}
    if len(boundaries) == 1 and (boundary := boundaries.pop()):
        said["permissionsBoundary"] = boundary
    seen.settings["roles"] = said


def _connector(found: Found, role: Any, seen: Seen) -> None:
    """How ZenML gets its credentials: with the key of a user, or as whom the access role trusts."""
    session = {} if role["MaxSessionDuration"] == 3600 else {"sessionSeconds": role["MaxSessionDuration"]}
    if found.user is not None:
        seen.settings["connector"] = {"auth": "iam-role", "keys": _keys(found, found.user, seen), **session}
        return
    principals = _principals(role["AssumeRolePolicyDocument"])
    if len(principals) != 1 or not principals[0].startswith("arn:") or principals[0].endswith(":root"):
        raise UsageError(
            f"role {role['RoleName']} trusts {', '.join(principals) or 'nobody'}; nothing was changed",
            hint="let it trust the one role or user that your ZenML server works as, then run the same command again",
        )
    seen.settings["connector"] = {"principal": principals[0], **session}


def _keys(found: Found, user: str, seen: Seen) -> list[int]:
    """Generations of the user's key. ZenML's own is the first; its secret is not to be had, so that there is a second.

    Both work until `mlstack rotate-key` removes the first.
    """
    iam = _client("iam", found.region)
    if _absent(lambda: iam.get_user(UserName=user), "NoSuchEntity") is None:
        raise _missing(found, f"user {user}")
    seen.imports |= _identity("zenml", "user", user)
    keys = [each["AccessKeyId"] for each in iam.list_access_keys(UserName=user)["AccessKeyMetadata"]]
    if len(keys) >= _KEYS_OF_A_USER:
        raise UsageError(
            f"user {user} has two access keys, {' and '.join(keys)}, and AWS allows no third; nothing was changed",
            hint="delete the one that ZenML does not work with: aws iam get-access-key-last-used says which; "
            f"aws iam delete-access-key --user-name {user} --access-key-id ...",
        )
    if not keys:
        return [1]
    seen.imports["zenml-key-1"] = keys[0]
    return [1, 2]


def _principals(document: Any) -> list[str]:
    statements = document["Statement"] if not isinstance(document, str) else json.loads(document)["Statement"]
    named: list[str] = []
    for each in statements if isinstance(statements, list) else [statements]:
        principal = each.get("Principal")
        given = principal.get("AWS", []) if isinstance(principal, dict) else [principal]
        named += given if isinstance(given, list) else [given]
    return named


def _build_project(found: Found, seen: Seen) -> None:
    if found.build_project is None:
        seen.settings["imageBuilder"] = False
        return
    name = found.build_project
    projects = _client("codebuild", found.region).batch_get_projects(names=[name])["projects"]
    if not projects:
        raise _missing(found, f"CodeBuild project {name}")
    seen.imports["image-builder-project"] = projects[0]["arn"]
    group = f"/aws/codebuild/{name}"
    logs = _client("logs", found.region).describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    if any(each["logGroupName"] == group for each in logs):
        seen.imports["image-builder-logs"] = group
