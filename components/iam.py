"""IAM as data: statements that say why they are there, and the one place that turns them into a document."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from components.names import Names
from mlstack.errors import UsageError

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: characters without white space.
ROLE_POLICY_LIMIT = 10_240
TRUST_POLICY_LIMIT = 2_048
MANAGED_POLICY_LIMIT = 6_144
# Of all inline policies of a user together.
USER_POLICY_LIMIT = 2_048
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html: 20 KB
BUCKET_POLICY_LIMIT = 20_480
# https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html
KEY_POLICY_LIMIT = 32_768
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html (Policy)
SESSION_POLICY_LIMIT = 2_048

# https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-limits-endpoints.html
ENDPOINT_POLICY_LIMIT = 20_480

# `kms:*` without any use of the key: whoever administers it reads nothing. Not in it: importing foreign key material.
KEY_ADMINISTRATION = (
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListAliases",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:RevokeGrant",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
)

Conditions = Mapping[str, Mapping[str, str | tuple[str, ...]]]
Principals = Mapping[Literal["AWS", "Service", "Federated"], str] | Literal["*"]


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One IAM statement. `docs/permissions.md` is made from these."""

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ()
    """Empty only in a trust policy, where the role itself is the resource."""
    why: str
    """What stops working without it. For resource `*`: which API knows no resource-level permission."""
    source: str
    """Who makes the call, or AWS's page that asks for it."""
    effect: Literal["Allow", "Deny"] = "Allow"
    principals: Principals | None = None
    conditions: Conditions = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9]+", self.sid):
            raise ValueError(f"statement id {self.sid!r}: IAM allows letters and digits only")
        if list(self.actions) != sorted(set(self.actions)):
            raise ValueError(f"statement {self.sid}: actions are sorted, each once")
        if self.effect == "Allow" and any("*" in action for action in self.actions):
            raise ValueError(f"statement {self.sid}: an allowed action is written in full, without a wildcard")
        if not (self.why and self.source):
            raise ValueError(f"statement {self.sid}: says neither why nor by whom it is needed")

    def as_json(self) -> dict[str, object]:
        document: dict[str, object] = {"Sid": self.sid, "Effect": self.effect}
        if self.principals is not None:
            document["Principal"] = self.principals if self.principals == "*" else dict(self.principals)
        document["Action"] = _one_or_many(self.actions)
        if self.resources:
            document["Resource"] = _one_or_many(self.resources)
        if self.conditions:
            document["Condition"] = {
                operator: {key: _one_or_many(_values(value)) for key, value in keys.items()}
                for operator, keys in self.conditions.items()
            }
        return document


_SHORTEN = "shorten mlstack:name, or switch a component off"


def document(statements: Iterable[Statement], *, limit: int, what: str, hint: str = _SHORTEN) -> str:
    """The statements as a policy document in AWS's JSON, without white space.

    Raises UsageError when it is longer than `limit` characters, which AWS would refuse only at `pulumi up`.
    """
    listed = list(statements)
    sids = [statement.sid for statement in listed]
    twice = {sid for sid in sids if sids.count(sid) > 1}
    if twice:
        raise ValueError(f"{what}: statement ids are unique in a document: {', '.join(sorted(twice))}")
    text = json.dumps(
        {"Version": "2012-10-17", "Statement": [statement.as_json() for statement in listed]}, separators=(",", ":")
    )
    if len(text) > limit:
        raise UsageError(
            f"{what} is {len(text)} characters long, AWS allows {limit}",
            hint=hint,
        )
    return text


def service_trust(service: str, account_id: str, source: str) -> Statement:
    """Lets an AWS service assume the role, for this account's resources only (no confused deputy)."""
    return Statement(
        sid="ServiceTrust",
        actions=("sts:AssumeRole",),
        principals={"Service": service},
        conditions={"StringEquals": {"aws:SourceAccount": account_id}},
        why=f"{service} works with this role, and only on behalf of this account",
        source=source,
    )


_INTERFACES = "https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html"


def network_interfaces(
    names: Names, service: str, *, existing: Iterable[str], made: Iterable[str], tagged: Mapping[str, str]
) -> tuple[Statement, ...]:
    """Lets a role put network interfaces of `service` into subnets, with security groups.

    `existing`: ARNs of those that are known. `made`: patterns of those whose ids AWS makes up, which carry `tagged`.
    """
    interfaces = names.arn("ec2", "network-interface/*")
    # Only SageMaker is documented to take a permission back by itself; CodeBuild's goes with the interface.
    takes_back = ("ec2:DeleteNetworkInterfacePermission",) if service.startswith("sagemaker") else ()
    existing, made = tuple(existing), tuple(made)
    by_tag: Conditions = {"StringEquals": {f"aws:ResourceTag/{tag}": value for tag, value in tagged.items()}}
    return (
        *(
            Statement(
                sid=sid,
                actions=("ec2:CreateNetworkInterface",),
                resources=where,
                conditions=conditions,
                why="a network interface is made in these subnets and with these security groups only",
                source=_INTERFACES,
            )
            for sid, where, conditions in (
                ("InterfacesWhere", existing, {}),
                ("InterfacesGroup" if existing else "InterfacesWhere", made, by_tag),
            )
            if where
        ),
        Statement(
            sid="Interfaces",
            actions=("ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", *takes_back),
            resources=(interfaces,),
            why="the interface itself; it has no tags when it is made",
            source=_INTERFACES,
        ),
        Statement(
            sid="InterfacesHandOver",
            actions=("ec2:CreateNetworkInterfacePermission",),
            resources=(interfaces,),
            # SageMaker may hand over to its own account instead of to a service; only CodeBuild's way is documented.
            conditions={"StringEquals": {"ec2:AuthorizedService": service}} if service.startswith("codebuild") else {},
            why=f"the interface is handed over to {service}",
            source="https://docs.aws.amazon.com/codebuild/latest/userguide/auth-and-access-control-iam-identity-based-access-control.html",
        ),
        Statement(
            sid="InterfacesFind",
            actions=(
                "ec2:DescribeDhcpOptions",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcs",
            ),
            resources=("*",),
            why="ec2:Describe* knows no resource-level permission",
            source=_INTERFACES,
        ),
    )


_PRACTICES = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html"


def tls_only(bucket_arn: str) -> tuple[Statement, ...]:
    """Of a bucket policy: nothing in the clear, nothing over broken TLS."""
    return (
        Statement(
            sid="TlsOnly",
            effect="Deny",
            actions=("s3:*",),
            resources=(bucket_arn, f"{bucket_arn}/*"),
            principals="*",
            conditions={"Bool": {"aws:SecureTransport": "false"}},
            why="artifacts and credentials never cross a network in the clear",
            source=_PRACTICES,
        ),
        Statement(
            sid="ModernTls",
            effect="Deny",
            actions=("s3:*",),
            resources=(bucket_arn, f"{bucket_arn}/*"),
            principals="*",
            conditions={"NumericLessThan": {"s3:TlsVersion": "1.2"}},
            why="TLS below 1.2 is broken",
            source=_PRACTICES,
        ),
    )


def pass_role(sid: str, role_arn: str | tuple[str, ...], service: str, why: str, source: str) -> Statement:
    """Lets the holder hand exactly this role, or these, to exactly this service."""
    return Statement(
        sid=sid,
        actions=("iam:PassRole",),
        resources=_values(role_arn),
        conditions={"StringEquals": {"iam:PassedToService": service}},
        why=why,
        source=source,
    )


def _one_or_many(values: tuple[str, ...]) -> str | list[str]:
    return values[0] if len(values) == 1 else list(values)


def _values(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value
