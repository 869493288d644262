"""An existing KMS key: usable, and whom its policy lets use it."""

from mlstack.existing.asked import KeyAsked
from mlstack.existing.lack import Change, Lack, Weight
from mlstack.existing.policies import not_let_in, with_added
from mlstack.existing.reading import Aws, RefusedError, decoded
from mlstack.iam.conditions import PolicyError

_SETTING = "mlstack:encryption.keyArn"


def of_key(aws: Aws, asked: KeyAsked) -> list[Lack]:
    def lack(weight: Weight, problem: str, way_out: str, change: Change | None = None) -> Lack:
        resource = f"key {asked.arn}"
        return Lack(weight=weight, setting=_SETTING, resource=resource, problem=problem, way_out=way_out, change=change)

    try:
        answer = aws.ask("kms", "describe_key", KeyId=asked.arn)
        if answer is None:
            return [lack("wrong", "does not exist", "name one that does, or set mode: kms")]
        key = answer["KeyMetadata"]
        if wrong := _unusable(key, asked.arn):
            return [lack("wrong", *wrong)]
        policy = decoded((aws.ask("kms", "get_key_policy", KeyId=asked.arn, PolicyName="default") or {})["Policy"])
        absent = not_let_in(asked.policy, policy, asked.arn, key["AWSAccountId"])
    except RefusedError as error:
        problem = f"cannot be checked: these credentials have no right to {error.operation}"
        return [lack("lacks", problem, "let them, or set mlstack:existingLacks: warn")]
    except PolicyError as error:
        return [lack("advised", f"has a policy that is not understood here: {error}", "compare it yourself")]
    if not absent:
        return []
    names = ", ".join(str(each["Sid"]) for each in absent)
    command = f"aws kms put-key-policy --policy-name default --key-id {asked.arn} --policy file://change.json"
    change = Change(command=command, document=with_added(policy, absent), adds=absent)
    return [
        lack("lacks", f"does not let everybody use it who has to: {names}", "its owner adds to its policy:", change)
    ]


def _unusable(key: dict[str, object], arn: str) -> tuple[str, str] | None:
    state = key["KeyState"]
    if state == "PendingDeletion":
        command = f"aws kms cancel-key-deletion --key-id {arn} && aws kms enable-key --key-id {arn}"
        when = key.get("DeletionDate")
        after = f" on {when:%Y-%m-%d}" if when else ""
        return f"is deleted{after}: what it encrypts is unreadable then", f"name another, or its owner runs: {command}"
    if state != "Enabled":
        return f"is {str(state).lower()}", f"name another, or its owner runs: aws kms enable-key --key-id {arn}"
    if key.get("KeyUsage") != "ENCRYPT_DECRYPT" or key.get("KeySpec", "SYMMETRIC_DEFAULT") != "SYMMETRIC_DEFAULT":
        what = f"is of the kind {key.get('KeySpec')} for {key.get('KeyUsage')}"
        return f"{what}; S3, ECR and SageMaker take only symmetric keys that encrypt", "name another"
    return None
