"""IAM: managed policies and their attachment to roles."""

import json

from mlstack.local.provider.schema import TAGS, Call, ResourceType, Values, name, policy, string
from mlstack.local.provider.types.aws import from_pairs, given, pairs, unless_gone

_GONE = "NoSuchEntity"


def _create(call: Call, inputs: Values) -> str:
    made = call.client.create_policy(
        PolicyName=inputs["name"],
        PolicyDocument=inputs["policy"],
        Tags=pairs(call.tags),
        **given(Path=inputs.get("path"), Description=inputs.get("description")),
    )
    return str(made["Policy"]["Arn"])


def _read(call: Call, arn: str, state: Values) -> Values | None:
    answer = unless_gone(lambda: call.client.get_policy(PolicyArn=arn), _GONE)
    if answer is None:
        return None
    found = answer["Policy"]
    version = call.client.get_policy_version(PolicyArn=arn, VersionId=found["DefaultVersionId"])["PolicyVersion"]
    return {
        "name": found["PolicyName"],
        "path": found["Path"],
        "description": found.get("Description") or None,
        "policy": json.dumps(version["Document"]),
        "tags": from_pairs(call.client.list_policy_tags(PolicyArn=arn)["Tags"]),
        "arn": arn,
        "policyId": found["PolicyId"],
        "attachmentCount": found["AttachmentCount"],
    }


def _old_versions(call: Call, arn: str) -> list[str]:
    versions = call.client.list_policy_versions(PolicyArn=arn)["Versions"]
    return [each["VersionId"] for each in versions if not each["IsDefaultVersion"]]


def _update(call: Call, arn: str, old: Values, new: Values) -> None:
    iam = call.client
    # AWS keeps five versions at most; only the one in force is of use here.
    for version in _old_versions(call, arn):
        iam.delete_policy_version(PolicyArn=arn, VersionId=version)
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=new["policy"], SetAsDefault=True)
    before = from_pairs(iam.list_policy_tags(PolicyArn=arn)["Tags"])
    if dropped := sorted(set(before) - set(call.tags)):
        iam.untag_policy(PolicyArn=arn, TagKeys=dropped)
    if call.tags:
        iam.tag_policy(PolicyArn=arn, Tags=pairs(call.tags))


def _delete(call: Call, arn: str, state: Values) -> None:
    for version in unless_gone(lambda: _old_versions(call, arn), _GONE) or ():
        call.client.delete_policy_version(PolicyArn=arn, VersionId=version)
    unless_gone(lambda: call.client.delete_policy(PolicyArn=arn), _GONE)


def _attach(call: Call, inputs: Values) -> str:
    call.client.attach_role_policy(RoleName=inputs["role"], PolicyArn=inputs["policyArn"])
    return f"{inputs['role']}/{inputs['policyArn']}"


def _read_attachment(call: Call, id_: str, state: Values) -> Values | None:
    role, _, arn = id_.partition("/")
    found = unless_gone(lambda: call.client.list_attached_role_policies(RoleName=role), _GONE)
    attached = {each["PolicyArn"] for each in found["AttachedPolicies"]} if found else set()
    return {"role": role, "policyArn": arn} if arn in attached else None


def _detach(call: Call, id_: str, state: Values) -> None:
    role, _, arn = id_.partition("/")
    unless_gone(lambda: call.client.detach_role_policy(RoleName=role, PolicyArn=arn), _GONE)


TYPES = (
    ResourceType(
        token="aws:iam/policy:Policy",
        service="iam",
        regional=False,
        properties={
            "name": name(),
            "path": string(default="/", forces_new=True),
            "description": string(forces_new=True),
            "policy": policy(required=True),
            "tags": TAGS,
        },
        outputs=("arn", "policyId", "attachmentCount"),
        name="name",
        create=_create,
        read=_read,
        update=_update,
        delete=_delete,
    ),
    ResourceType(
        token="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        service="iam",
        regional=False,
        properties={
            "role": string(required=True, forces_new=True),
            "policyArn": string(required=True, forces_new=True),
        },
        outputs=(),
        name="role",
        create=_attach,
        read=_read_attachment,
        delete=_detach,
    ),
)
