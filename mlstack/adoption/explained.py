"""Why each change after the import is made, and what switches it off."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mlstack.outcome import Step


@dataclass(frozen=True)
class Explanation:
    why: str
    off: str
    """What leaves it out, in the settings file."""


NEEDED = "(needed)"
"""Of what is no hardening: without it the resource would not be the program's, or not do what it is for."""


def _keep(what: str, why: str) -> Explanation:
    return Explanation(why, f"mlstack:keep: [{what}]")


_TAGS = Explanation("the two tags by which mlstack knows what is its own", NEEDED)
_PERMISSIONS = Explanation("what the role is for, in one policy, no more", NEEDED)
_EXCLUSIVE = Explanation(
    "takes away what was given more than needed, once the role has its own policy", "mlstack:roles: {exclusive: false}"
)
_LOGS = Explanation("who read and wrote artifacts", 'mlstack:accessLogs: {mode: "off"}')
_ENCRYPTION = _keep("bucket-encryption", "new objects are encrypted, and never with a key of the client's")
_KEY = Explanation("a key of your own, whose use you see and limit", "mlstack:encryption: {mode: aws-managed}")
_PUBLIC = _keep("public-access", "nobody can make the bucket public, by an ACL or by a policy")
_PROJECT = _keep(
    "build-project", "builds run in an image of AWS's own, not a stranger's that may push into the repository"
)

_BY_TYPE: Mapping[str, Explanation] = {
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _PUBLIC,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _PUBLIC,
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _ENCRYPTION,
    "aws:s3/bucketVersioning:BucketVersioning": _keep("versioning", "what is overwritten or deleted can be had back"),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _keep(
        "bucket-lifecycle",
        "old versions, unfinished uploads and build contexts go after a while; nothing else that is there does",
    ),
    "aws:s3/bucketPolicy:BucketPolicy": _keep("bucket-policy", "nothing crosses a network in the clear"),
    "aws:s3/bucketNotification:BucketNotification": _keep("bucket-events", "what happens in it goes to EventBridge"),
    "aws:s3/bucketLogging:BucketLogging": _LOGS,
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": _keep("image-lifecycle", "untagged and oldest images go"),
    "aws:iam/rolePolicy:RolePolicy": _PERMISSIONS,
    "aws:iam/userPolicy:UserPolicy": Explanation("the user may assume the one role", NEEDED),
    "aws:iam/rolePoliciesExclusive:RolePoliciesExclusive": _EXCLUSIVE,
    "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive": _EXCLUSIVE,
    "aws:iam/userPoliciesExclusive:UserPoliciesExclusive": _EXCLUSIVE,
    "aws:iam/userPolicyAttachmentsExclusive:UserPolicyAttachmentsExclusive": _EXCLUSIVE,
    "aws:iam/accessKey:AccessKey": Explanation(
        "a second key, for the secret of the first is not to be had; `mlstack rotate-key` removes the first",
        "mlstack:connector: {auth: implicit, principal: ...}",
    ),
    "aws:kms/key:Key": _KEY,
    "aws:kms/alias:Alias": _KEY,
    "aws:cloudwatch/logGroup:LogGroup": Explanation(
        "build logs end after mlstack:logRetentionDays", "mlstack:logRetentionDays: 3653"
    ),
}

_BY_PROPERTY: Mapping[tuple[str, str], Explanation] = {
    ("Repository", "imageTagMutability"): _keep("tag-mutability", "a tag that was pushed always means the same image"),
    ("Repository", "imageTagMutabilityExclusionFilters"): _keep(
        "tag-mutability", "but those that ZenML pushes again on every build"
    ),
    ("Repository", "imageScanningConfiguration"): _keep("image-scanning", "ECR looks for known holes in new images"),
    ("Role", "assumeRolePolicy"): _keep("trust", "the same one as before may assume it, for what it is meant for"),
    ("Role", "description"): Explanation("says what the role is for", NEEDED),
    ("Role", "maxSessionDuration"): Explanation("as the connector's", "mlstack:connector: {sessionSeconds: ...}"),
    ("Project", "environment"): _PROJECT,
    ("Project", "buildTimeout"): _PROJECT,
    ("Project", "description"): _PROJECT,
    ("Project", "encryptionKey"): _PROJECT,
    ("Project", "source"): Explanation("where ZenML uploads build contexts", NEEDED),
    ("Project", "serviceRole"): Explanation("the same role", NEEDED),
    ("Project", "logsConfig"): Explanation("the same log group", NEEDED),
}

_PROTECTED = Explanation("what holds data cannot be deleted by mistake", "mlstack:protect: false")


@dataclass(frozen=True, kw_only=True)
class Explained:
    """One change after the import."""

    operation: str
    type: str
    name: str
    properties: tuple[str, ...]
    """What differs, of an update."""
    reasons: tuple[Explanation, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def explained(step: Step) -> Explained:
    """Nothing here is guessed: a change that has no explanation says that it is as the settings ask."""
    # The second is what AWS holds after the first.
    differing = tuple(each for each in step.differing if each != "tagsAll" or "tags" not in step.differing)
    kind = step.type.rpartition(":")[2]
    found = [
        _TAGS
        if name in ("tags", "tagsAll")
        else _BY_PROPERTY.get((kind, name)) or _BY_TYPE.get(step.type) or UNEXPLAINED
        for name in differing
    ]
    if not differing:
        fallback = _NEW_PART.get(_part_of(step)) if step.operation == "create" else _PROTECTED
        found = [_of_a_new_part(step) or _BY_TYPE.get(step.type) or fallback or UNEXPLAINED]
    return Explained(
        operation=step.operation,
        type=step.type,
        name=step.name,
        properties=differing,
        reasons=tuple(dict.fromkeys(found)),
    )


UNEXPLAINED = Explanation("as the settings ask", "see docs/adoption.md")

_NEW_PART: Mapping[str, Explanation] = {
    "AccessLogs": _LOGS,
    "EncryptionKey": _KEY,
    "Orchestrator": Explanation(
        "the role of scheduled runs, which may start pipelines and nothing else", "mlstack:orchestrator: local"
    ),
    "ImageBuilder": Explanation("images are built by CodeBuild", "mlstack:imageBuilder: false"),
    "ServerUser": Explanation("whom ZenML works as", "mlstack:connector: {auth: implicit, principal: ...}"),
    "Network": Explanation("jobs run in a network of their own", "mlstack:network: {mode: public}"),
}


def _part_of(step: Step) -> str:
    parents = step.urn.split("::")[2].split("$")
    return parents[1].rpartition(":")[2] if len(parents) > 1 else ""


def _of_a_new_part(step: Step) -> Explanation | None:
    """All of the log bucket is for the logs, all of the scheduler for schedules."""
    part = _part_of(step)
    if step.type.startswith("mlstack:"):
        return Explanation("a part of the program, nothing in AWS", NEEDED)
    return _NEW_PART.get(part) if part in ("AccessLogs", "EncryptionKey", "Orchestrator", "Network") else None
