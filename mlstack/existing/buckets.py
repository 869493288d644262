"""Existing buckets: the one that holds artifacts, and the one that access logs go to."""

from collections.abc import Callable, Mapping
from typing import Any

from mlstack.existing.asked import BucketAsked, LogBucketAsked
from mlstack.existing.lack import Change, Lack, Weight
from mlstack.existing.policies import denied, not_let_in_by_service, with_added
from mlstack.existing.reading import Aws, RefusedError, decoded, or_refused
from mlstack.iam.conditions import PolicyError

_LOGS = "mlstack:accessLogs.bucket"

_TLS = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
_CLOSED = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}

Make = Callable[..., Lack]


def of_bucket(aws: Aws, asked: BucketAsked, account: str, region: str) -> list[Lack]:
    lack = _about(asked.setting, asked.name)
    if wrong := _misplaced(aws, asked.name, account, region, lack):
        return [wrong]
    refused: list[str] = []
    found: list[Lack] = []
    rules = or_refused(lambda: _encryption(aws, asked.name), refused)
    if rules is not None:
        found += _encrypted(aws, asked, rules, lack)
    policy = or_refused(lambda: _policy(aws, asked.name), refused)
    if policy is not None:
        found += _let_in(asked, policy, account, lack)
    versioning = or_refused(lambda: aws.ask("s3", "get_bucket_versioning", Bucket=asked.name), refused)
    if versioning is not None and versioning.get("Status") != "Enabled":
        command = f"aws s3api put-bucket-versioning --bucket {asked.name} --versioning-configuration file://change.json"
        problem = "keeps no old versions: what is overwritten or deleted by mistake is gone"
        found.append(lack("advised", problem, "its owner switches them on:", _whole(command, {"Status": "Enabled"})))
    closed = or_refused(lambda: aws.ask("s3", "get_public_access_block", Bucket=asked.name) or {}, refused)
    if closed is not None and not all(closed.get("PublicAccessBlockConfiguration", {}).get(key) for key in _CLOSED):
        command = f"aws s3api put-public-access-block --bucket {asked.name}"
        command += " --public-access-block-configuration file://change.json"
        problem = "can be opened to the public by a policy or an ACL"
        found.append(lack("advised", problem, "its owner closes it:", _whole(command, _CLOSED)))
    return [*found, *(_unreadable(each, lack) for each in refused)]


def of_log_bucket(aws: Aws, asked: LogBucketAsked, account: str, region: str) -> list[Lack]:
    lack = _about(_LOGS, asked.name)
    if wrong := _misplaced(aws, asked.name, account, region, lack):
        return [wrong]
    refused: list[str] = []
    found: list[Lack] = []
    rules = or_refused(lambda: _encryption(aws, asked.name), refused)
    if rules and rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] != "AES256":
        change = _encrypt(asked.name, {"SSEAlgorithm": "AES256"})
        problem = "is encrypted with a KMS key, and S3 delivers logs only to buckets that it encrypts itself (SSE-S3)"
        found.append(lack("lacks", problem, "its owner changes that, or you name another bucket:", change))
    policy = or_refused(lambda: _policy(aws, asked.name), refused)
    if policy is not None:
        try:
            absent = not_let_in_by_service(asked.deliveries, policy, asked.arn, account)
        except PolicyError as error:
            return [
                *found,
                lack("advised", f"has a policy that is not understood here: {error}", "compare it yourself"),
            ]
        if absent:
            change = _policy_change(asked.name, policy, absent)
            found.append(lack("lacks", "does not let S3 deliver the logs", "its owner adds to its policy:", change))
    return [*found, *(_unreadable(each, lack) for each in refused)]


def _about(setting: str, name: str) -> Make:
    def lack(weight: Weight, problem: str, way_out: str, change: Change | None = None) -> Lack:
        resource = f"bucket {name}"
        return Lack(weight=weight, setting=setting, resource=resource, problem=problem, way_out=way_out, change=change)

    return lack


def _misplaced(aws: Aws, name: str, account: str, region: str, lack: Make) -> Lack | None:
    try:
        head = aws.ask("s3", "head_bucket", Bucket=name, ExpectedBucketOwner=account)
    except RefusedError:
        problem = (
            f"belongs to another account than {account}, or these credentials have no right to s3:ListBucket on it"
        )
        return lack("wrong", problem, "name a bucket of the account, or let these credentials see it")
    if head is None:
        return lack("wrong", "does not exist", "name one that does, or set mode: create")
    where = head["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region", region)
    if where != region:
        way_out = f"name a bucket in {region}, or set aws:region: {where} if everything is to be there"
        return lack("wrong", f"is in {where}, and this environment in {region}", way_out)
    return None


def _encryption(aws: Aws, name: str) -> list[Mapping[str, Any]]:
    answer = aws.ask("s3", "get_bucket_encryption", Bucket=name)
    return answer["ServerSideEncryptionConfiguration"]["Rules"] if answer else []


def _encrypted(aws: Aws, asked: BucketAsked, rules: list[Mapping[str, Any]], lack: Make) -> list[Lack]:
    by = rules[0].get("ApplyServerSideEncryptionByDefault", {}) if rules else {}
    key = by.get("KMSMasterKeyID")
    if asked.key_arn:
        if key == asked.key_arn:
            return []
        change = _encrypt(asked.name, {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": asked.key_arn})
        problem = f"is encrypted by {key or 'S3 itself'}, not by the key of mlstack:encryption.keyArn"
        return [lack("lacks", problem, "its owner changes the default encryption:", change)]
    if key is None or key.endswith("alias/aws/s3"):
        if asked.key_alias is None:
            return []
        change = _encrypt(asked.name, {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": asked.key_alias})
        problem = "is encrypted by S3 itself, not by the key of this stack"
        return [lack("advised", problem, "once the key exists, its owner may change that:", change)]
    own = aws.ask("kms", "describe_key", KeyId=asked.key_alias) if asked.key_alias else None
    if own and key in (own["KeyMetadata"]["Arn"], own["KeyMetadata"]["KeyId"], asked.key_alias):
        return []
    problem = f"is encrypted by {key}, which no role of this stack may use"
    return [lack("wrong", problem, f"set mlstack:encryption to mode: existing and keyArn: {key}")]


def _let_in(asked: BucketAsked, policy: Mapping[str, Any], account: str, lack: Make) -> list[Lack]:
    found = []
    try:
        for role, action, why in denied(asked.users, policy, asked.arn, account) if policy else ():
            way_out = "its owner excepts the role from that statement"
            found.append(lack("lacks", f"refuses {action} to {role}: {why}", way_out))
    except PolicyError as error:
        found.append(lack("advised", f"has a policy that is not understood here: {error}", "compare it yourself"))
    statements = policy.get("Statement", [])
    statements = statements if isinstance(statements, list) else [statements]
    if not any(each.get("Effect") == "Deny" and "SecureTransport" in str(each.get("Condition")) for each in statements):
        tls = {"Sid": "TlsOnly", **_TLS, "Resource": [asked.arn, f"{asked.arn}/*"]}
        change = _policy_change(asked.name, policy, [tls])
        found.append(lack("advised", "can be read without TLS", "its owner adds to its policy:", change))
    return found


def _policy(aws: Aws, name: str) -> Mapping[str, Any]:
    answer = aws.ask("s3", "get_bucket_policy", Bucket=name)
    return decoded(answer["Policy"]) if answer else {}


def _policy_change(name: str, policy: Mapping[str, Any], adds: list[Any]) -> Change:
    command = f"aws s3api put-bucket-policy --bucket {name} --policy file://change.json"
    return Change(command=command, document=with_added(policy or None, adds), adds=adds)


def _encrypt(name: str, by: dict[str, str]) -> Change:
    rule = {"ApplyServerSideEncryptionByDefault": by, "BucketKeyEnabled": by["SSEAlgorithm"] == "aws:kms"}
    command = f"aws s3api put-bucket-encryption --bucket {name}"
    return _whole(f"{command} --server-side-encryption-configuration file://change.json", {"Rules": [rule]})


def _whole(command: str, document: dict[str, Any]) -> Change:
    return Change(command=command, document=document, adds=document)


def _unreadable(operation: str, lack: Make) -> Lack:
    problem = f"cannot be checked: these credentials have no right to {operation}"
    return lack("lacks", problem, "let them, or set mlstack:existingLacks: warn")
