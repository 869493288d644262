"""What the emulator takes and then does not give back, although AWS does.

Without this a refresh would find a drift that nobody made. For exactly these properties the value that was written
last stands for what AWS would return. `[]` in a path stands for every item of a list.
"""

from collections.abc import Mapping
from typing import Any, Final

from mlstack.local.provider.schema import Values

GAPS: Final[Mapping[str, Mapping[str, str]]] = {
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": {
        "rules[].noncurrentVersionExpiration.newerNoncurrentVersions": "is dropped",
    },
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": {
        "rules[].blockedEncryptionTypes": "is dropped",
    },
    "aws:kms/key:Key": {
        "rotationPeriodInDays": "only whether the key rotates comes back",
    },
    "aws:codebuild/project:Project": {
        "encryptionKey": "is alias/aws/s3 whatever was set",
        "queuedTimeout": "is 0 when none was set, where AWS has 480",
        "concurrentBuildLimit": "is dropped",
    },
    "aws:ec2/vpcEndpoint:VpcEndpoint": {
        "privateDnsEnabled": "stays what it was made with",
    },
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": {
        "description": "is dropped from a rule about a group or a prefix list",
    },
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": {
        "description": "is dropped from a rule about a group or a prefix list",
    },
}


def filled(token: str, found: Values, written: Values) -> Values:
    """`found`, with what the emulator lost taken from `written`."""
    for path in GAPS.get(token, ()):
        found = _with(found, written, path.replace("[]", ".[]").split("."))
    return found


def _with(found: Any, written: Any, path: list[str]) -> Any:
    step, rest = path[0], path[1:]
    if step == "[]":
        if not isinstance(found, list) or not isinstance(written, list) or len(found) != len(written):
            return found
        return [_with(mine, theirs, rest) for mine, theirs in zip(found, written, strict=True)]
    if not isinstance(found, dict) or not isinstance(written, dict):
        return found
    if rest:
        return {**found, step: _with(found[step], written.get(step), rest)} if found.get(step) else found
    kept = {key: value for key, value in found.items() if key != step}
    return {**kept, step: written[step]} if written.get(step) is not None else kept
