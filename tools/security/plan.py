"""Pulumi resources as a Terraform plan in JSON: checkov reads Terraform and knows nothing of Pulumi.

What AWS computes (identifiers, the ARN of a key) is left out of a plan and referred to instead, as Terraform does; a
value that the recording cannot compute, such as the ARN of a log group, is missing altogether.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pulumi.runtime import rpc

from tests.recording import COMPUTED, Registered

TYPES = {
    "aws:cloudwatch/logGroup:LogGroup": "aws_cloudwatch_log_group",
    "aws:codebuild/project:Project": "aws_codebuild_project",
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": "aws_default_security_group",
    "aws:ec2/flowLog:FlowLog": "aws_flow_log",
    "aws:ec2/routeTable:RouteTable": "aws_route_table",
    "aws:ec2/routeTableAssociation:RouteTableAssociation": "aws_route_table_association",
    "aws:ec2/securityGroup:SecurityGroup": "aws_security_group",
    "aws:ec2/subnet:Subnet": "aws_subnet",
    "aws:ec2/vpc:Vpc": "aws_vpc",
    "aws:ec2/vpcEndpoint:VpcEndpoint": "aws_vpc_endpoint",
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": "aws_ecr_lifecycle_policy",
    "aws:ecr/pullThroughCacheRule:PullThroughCacheRule": "aws_ecr_pull_through_cache_rule",
    "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration": "aws_ecr_registry_scanning_configuration",
    "aws:ecr/repository:Repository": "aws_ecr_repository",
    "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate": "aws_ecr_repository_creation_template",
    "aws:ecr/repositoryPolicy:RepositoryPolicy": "aws_ecr_repository_policy",
    "aws:iam/accessKey:AccessKey": "aws_iam_access_key",
    "aws:iam/role:Role": "aws_iam_role",
    "aws:iam/rolePolicy:RolePolicy": "aws_iam_role_policy",
    "aws:iam/rolePoliciesExclusive:RolePoliciesExclusive": "aws_iam_role_policies_exclusive",
    "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive": (
        "aws_iam_role_policy_attachments_exclusive"
    ),
    "aws:iam/user:User": "aws_iam_user",
    "aws:iam/userPolicy:UserPolicy": "aws_iam_user_policy",
    "aws:iam/userPoliciesExclusive:UserPoliciesExclusive": "aws_iam_user_policies_exclusive",
    "aws:iam/userPolicyAttachmentsExclusive:UserPolicyAttachmentsExclusive": (
        "aws_iam_user_policy_attachments_exclusive"
    ),
    "aws:kms/alias:Alias": "aws_kms_alias",
    "aws:kms/key:Key": "aws_kms_key",
    "aws:s3/bucket:Bucket": "aws_s3_bucket",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": "aws_s3_bucket_lifecycle_configuration",
    "aws:s3/bucketLogging:BucketLogging": "aws_s3_bucket_logging",
    "aws:s3/bucketNotification:BucketNotification": "aws_s3_bucket_notification",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": "aws_s3_bucket_ownership_controls",
    "aws:s3/bucketPolicy:BucketPolicy": "aws_s3_bucket_policy",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "aws_s3_bucket_public_access_block",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        "aws_s3_bucket_server_side_encryption_configuration"
    ),
    "aws:s3/bucketVersioning:BucketVersioning": "aws_s3_bucket_versioning",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": "aws_vpc_security_group_egress_rule",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": "aws_vpc_security_group_ingress_rule",
}
"""Written out, not derived: a type under a name that checkov does not know would pass every check unseen."""

MAPS = frozenset({"tags", "tagsAll"})
"""Inputs whose keys are the user's, not names of attributes."""

NAMED_BY = {
    "bucket": ("aws_s3_bucket", "bucket"),
    "target_bucket": ("aws_s3_bucket", "bucket"),
    "group_name": ("aws_cloudwatch_log_group", "name"),
    "repository": ("aws_ecr_repository", "name"),
    "role": ("aws_iam_role", "name"),
    "user": ("aws_iam_user", "name"),
}
"""Attributes that hold the name of another resource, and the attribute of that resource which they hold."""


class UnknownTypeError(LookupError):
    """The program declares a type that has no Terraform name here."""


def plan(resources: Iterable[Registered]) -> dict[str, Any]:
    """The Terraform plan that creates `resources`. Raises UnknownTypeError naming every type it has no name for."""
    custom = [resource for resource in resources if resource.custom and not resource.type.startswith("pulumi:")]
    unknown = sorted({resource.type for resource in custom} - TYPES.keys())
    if unknown:
        raise UnknownTypeError(
            f"no Terraform name for {', '.join(unknown)}: add it to TYPES in tools/security/plan.py, else checkov "
            "would not look at it"
        )
    references = _References(custom)
    planned, changes, configured = [], [], []
    for resource in custom:
        kind = TYPES[resource.type]
        head = {"address": _address(resource), "mode": "managed", "type": kind, "name": resource.name}
        block = _block(resource.inputs, partial(references.find, own=_address(resource)))
        planned.append({**head, "provider_name": "registry.terraform.io/hashicorp/aws", "values": block.values})
        change = {"actions": ["create"], "before": None, "after": block.values, "after_unknown": block.unknown}
        changes.append({**head, "change": change})
        configured.append({**head, "provider_config_key": "aws", "expressions": block.expressions})
    return {
        "format_version": "1.2",
        "terraform_version": "1.9.0",
        "planned_values": {"root_module": {"resources": planned}},
        "resource_changes": changes,
        "configuration": {"root_module": {"resources": configured}},
    }


def _address(resource: Registered) -> str:
    return f"{TYPES[resource.type]}.{resource.name}"


@dataclass(frozen=True)
class _Reference:
    address: str
    attribute: str
    computed: bool
    """Known after the apply only, and so no value of a plan."""

    def expression(self) -> list[str]:
        return [f"{self.address}.{self.attribute}", self.address]


class _References:
    """Finds the resource that a value came from: the engine's record keeps values, not where they are from."""

    def __init__(self, resources: Iterable[Registered]) -> None:
        self._computed: dict[str, list[_Reference]] = {}
        self._named: dict[tuple[str, str, str], _Reference] = {}
        for resource in resources:
            address, kind = _address(resource), TYPES[resource.type]
            for attribute, value in {"id": f"{resource.name}-id", **COMPUTED.get(resource.type, {})}.items():
                found = _Reference(address, _snake(attribute), computed=True)
                self._computed.setdefault(value, []).append(found)
            for attribute in ("bucket", "name"):
                if isinstance(name := resource.inputs.get(attribute), str):
                    self._named[kind, attribute, name] = _Reference(address, attribute, computed=False)

    def find(self, key: str, value: object, own: str) -> _Reference | None:
        """The resource that `value` of the attribute `key` names, unless that is `own` or more than one."""
        if not isinstance(value, str):
            return None
        found = self._computed.get(value, [])
        if len(found) == 1:
            return found[0]
        named = self._named.get((*NAMED_BY[key], value)) if key in NAMED_BY else None
        return named if named is not None and named.address != own else None


@dataclass(frozen=True)
class _Block:
    values: dict[str, Any] = field(default_factory=dict)
    unknown: dict[str, Any] = field(default_factory=dict)
    expressions: dict[str, Any] = field(default_factory=dict)


def _block(inputs: Mapping[str, Any], find: Callable[[str, object], _Reference | None]) -> _Block:
    block = _Block()
    for name, given in inputs.items():
        key, value = _snake(name), rpc.unwrap_rpc_secret(given)
        if value is None:
            continue
        if name in MAPS:
            block.values[key] = value
            block.expressions[key] = {"constant_value": value}
            continue
        if isinstance(value, Mapping):
            value = [value]  # Terraform writes a single nested object as a list of one block
        elif isinstance(value, list) and any(isinstance(each, Mapping) for each in value):
            key = _singular(key)
        if isinstance(value, list) and value and all(isinstance(each, Mapping) for each in value):
            inner = [_block(each, find) for each in value]
            block.values[key] = [each.values for each in inner]
            block.expressions[key] = [each.expressions for each in inner]
            if any(each.unknown for each in inner):
                block.unknown[key] = [each.unknown for each in inner]
            continue
        found = [reference for each in _listed(value) if (reference := find(key, each))]
        if found:
            block.expressions[key] = {"references": [text for each in found for text in each.expression()]}
        else:
            block.expressions[key] = {"constant_value": _plain(value)}
        if any(reference.computed for reference in found):
            block.unknown[key] = True
        else:
            block.values[key] = _plain(value)
    return block


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _plain(value: Any) -> Any:
    """Whole numbers as such: the engine sends every number as a float."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _singular(key: str) -> str:
    """Pulumi names a list of blocks in the plural (`rules`), Terraform names each block (`rule`)."""
    return key[:-1] if key.endswith("s") and not key.endswith("ss") else key
