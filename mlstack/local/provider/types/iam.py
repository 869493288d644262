"""IAM: roles and their inline policies. IAM is global: no resource of it has a region."""

import json

from mlstack.local.provider.schema import TAGS, Call, ResourceType, Values, boolean, integer, name, policy, string
from mlstack.local.provider.types.aws import from_pairs, given, pairs, unless_gone

_GONE = "NoSuchEntity"


def _create_role(call: Call, inputs: Values) -> str:
    call.client.create_role(
        RoleName=inputs["name"],
        AssumeRolePolicyDocument=inputs["assumeRolePolicy"],
        Tags=pairs(call.tags),
        **given(
            Path=inputs.get("path"),
            Description=inputs.get("description"),
            MaxSessionDuration=inputs.get("maxSessionDuration"),
            PermissionsBoundary=inputs.get("permissionsBoundary"),
        ),
    )
    return str(inputs["name"])


def _read_role(call: Call, name: str, state: Values) -> Values | None:
    found = unless_gone(lambda: call.client.get_role(RoleName=name), _GONE)
    if found is None:
        return None
    role = found["Role"]
    return {
        "name": name,
        "path": role["Path"],
        "assumeRolePolicy": json.dumps(role["AssumeRolePolicyDocument"]),
        "description": role.get("Description") or None,
        "maxSessionDuration": role.get("MaxSessionDuration"),
        "permissionsBoundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        "tags": from_pairs(role.get("Tags", ())),
        "arn": role["Arn"],
        "uniqueId": role["RoleId"],
        "createDate": role["CreateDate"].isoformat(),
    }


def _update_role(call: Call, name: str, old: Values, new: Values) -> None:
    iam = call.client
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=new["assumeRolePolicy"])
    iam.update_role(
        RoleName=name,
        Description=new.get("description", ""),
        MaxSessionDuration=new.get("maxSessionDuration", 3600),
    )
    if boundary := new.get("permissionsBoundary"):
        iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=boundary)
    elif old.get("permissionsBoundary"):
        iam.delete_role_permissions_boundary(RoleName=name)
    before = from_pairs(iam.list_role_tags(RoleName=name)["Tags"])
    if dropped := sorted(set(before) - set(call.tags)):
        iam.untag_role(RoleName=name, TagKeys=dropped)
    iam.tag_role(RoleName=name, Tags=pairs(call.tags))


def _delete_role(call: Call, name: str, state: Values) -> None:
    if state.get("forceDetachPolicies"):
        unless_gone(lambda: _strip(call, name), _GONE)
    unless_gone(lambda: call.client.delete_role(RoleName=name), _GONE)


def _strip(call: Call, name: str) -> bool:
    for attached in call.client.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        call.client.detach_role_policy(RoleName=name, PolicyArn=attached["PolicyArn"])
    for inline in call.client.list_role_policies(RoleName=name)["PolicyNames"]:
        call.client.delete_role_policy(RoleName=name, PolicyName=inline)
    return True


def _put_policy(call: Call, inputs: Values) -> str:
    call.client.put_role_policy(RoleName=inputs["role"], PolicyName=inputs["name"], PolicyDocument=inputs["policy"])
    return f"{inputs['role']}:{inputs['name']}"


def _read_policy(call: Call, id_: str, state: Values) -> Values | None:
    role, _, name = id_.partition(":")
    found = unless_gone(lambda: call.client.get_role_policy(RoleName=role, PolicyName=name), _GONE)
    return None if found is None else {"role": role, "name": name, "policy": json.dumps(found["PolicyDocument"])}


def _delete_policy(call: Call, id_: str, state: Values) -> None:
    role, _, name = id_.partition(":")
    unless_gone(lambda: call.client.delete_role_policy(RoleName=role, PolicyName=name), _GONE)


TYPES = (
    ResourceType(
        token="aws:iam/role:Role",
        service="iam",
        regional=False,
        properties={
            "name": name(),
            "path": string(default="/", forces_new=True),
            "assumeRolePolicy": policy(required=True),
            "description": string(),
            "maxSessionDuration": integer(default=3600),
            "permissionsBoundary": string(),
            "forceDetachPolicies": boolean(default=False),
            "tags": TAGS,
        },
        outputs=("arn", "uniqueId", "createDate"),
        name="name",
        create=_create_role,
        read=_read_role,
        update=_update_role,
        delete=_delete_role,
        not_returned=("forceDetachPolicies",),
    ),
    ResourceType(
        token="aws:iam/rolePolicy:RolePolicy",
        service="iam",
        regional=False,
        properties={
            "name": name(),
            "role": string(required=True, forces_new=True),
            "policy": policy(required=True),
        },
        outputs=(),
        name="name",
        create=_put_policy,
        read=_read_policy,
        update=lambda call, id_, old, new: (_put_policy(call, new), None)[1],
        delete=_delete_policy,
    ),
)
