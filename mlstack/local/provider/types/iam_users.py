"""IAM: users, their inline policies and access keys. Only where ZenML's server runs outside AWS."""

import json

from mlstack.local.provider.schema import TAGS, Call, ResourceType, Values, boolean, name, policy, string
from mlstack.local.provider.types.aws import from_pairs, given, or_undone, pairs, unless_gone

_GONE = "NoSuchEntity"


def _create_user(call: Call, inputs: Values) -> str:
    boundary = inputs.get("permissionsBoundary")
    call.client.create_user(
        UserName=inputs["name"], Tags=pairs(call.tags), **given(Path=inputs.get("path"), PermissionsBoundary=boundary)
    )
    return str(inputs["name"])


def _read_user(call: Call, name: str, state: Values) -> Values | None:
    found = unless_gone(lambda: call.client.get_user(UserName=name), _GONE)
    if found is None:
        return None
    user = found["User"]
    return {
        "name": name,
        "path": user["Path"],
        "permissionsBoundary": user.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        "tags": from_pairs(call.client.list_user_tags(UserName=name)["Tags"]),
        "arn": user["Arn"],
        "uniqueId": user["UserId"],
    }


def _update_user(call: Call, name: str, old: Values, new: Values) -> None:
    iam = call.client
    if old.get("path", "/") != new.get("path", "/"):
        iam.update_user(UserName=name, NewPath=new.get("path", "/"))
    before = from_pairs(iam.list_user_tags(UserName=name)["Tags"])
    if dropped := sorted(set(before) - set(call.tags)):
        iam.untag_user(UserName=name, TagKeys=dropped)
    if call.tags:
        iam.tag_user(UserName=name, Tags=pairs(call.tags))


def _delete_user(call: Call, name: str, state: Values) -> None:
    if state.get("forceDestroy"):
        for key in (unless_gone(lambda: call.client.list_access_keys(UserName=name), _GONE) or {}).get(
            "AccessKeyMetadata", ()
        ):
            call.client.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    unless_gone(lambda: call.client.delete_user(UserName=name), _GONE)


def _put_policy(call: Call, inputs: Values) -> str:
    call.client.put_user_policy(UserName=inputs["user"], PolicyName=inputs["name"], PolicyDocument=inputs["policy"])
    return f"{inputs['user']}:{inputs['name']}"


def _read_policy(call: Call, id_: str, state: Values) -> Values | None:
    user, _, name = id_.partition(":")
    found = unless_gone(lambda: call.client.get_user_policy(UserName=user, PolicyName=name), _GONE)
    return None if found is None else {"user": user, "name": name, "policy": json.dumps(found["PolicyDocument"])}


def _delete_policy(call: Call, id_: str, state: Values) -> None:
    user, _, name = id_.partition(":")
    unless_gone(lambda: call.client.delete_user_policy(UserName=user, PolicyName=name), _GONE)


def _create_key(call: Call, inputs: Values) -> tuple[str, Values]:
    key = call.client.create_access_key(UserName=inputs["user"])["AccessKey"]
    id_ = key["AccessKeyId"]
    if inputs.get("status") == "Inactive":
        with or_undone(lambda: call.client.delete_access_key(UserName=inputs["user"], AccessKeyId=id_)):
            call.client.update_access_key(UserName=inputs["user"], AccessKeyId=id_, Status="Inactive")
    return id_, {"secret": key["SecretAccessKey"]}


def _read_key(call: Call, id_: str, state: Values) -> Values | None:
    # On import nothing but the id is known.
    user = state.get("user") or call.client.get_access_key_last_used(AccessKeyId=id_)["UserName"]
    found = unless_gone(lambda: call.client.list_access_keys(UserName=user), _GONE) or {"AccessKeyMetadata": []}
    for key in found["AccessKeyMetadata"]:
        if key["AccessKeyId"] == id_:
            created = key["CreateDate"].isoformat()
            # AWS tells the secret only when it makes the key.
            return {"user": user, "status": key["Status"], "createDate": created, "secret": state.get("secret")}
    return None


def _update_key(call: Call, id_: str, old: Values, new: Values) -> None:
    call.client.update_access_key(UserName=new["user"], AccessKeyId=id_, Status=new.get("status", "Active"))


def _delete_key(call: Call, id_: str, state: Values) -> None:
    unless_gone(lambda: call.client.delete_access_key(UserName=state["user"], AccessKeyId=id_), _GONE)


TYPES = (
    ResourceType(
        token="aws:iam/user:User",
        service="iam",
        regional=False,
        properties={
            # The real plugin renames a user in place; here another name is another user.
            "name": name(),
            "path": string(default="/"),
            "permissionsBoundary": string(forces_new=True),
            "forceDestroy": boolean(default=False),
            "tags": TAGS,
        },
        outputs=("arn", "uniqueId"),
        name="name",
        create=_create_user,
        read=_read_user,
        update=_update_user,
        delete=_delete_user,
        not_returned=("forceDestroy",),
    ),
    ResourceType(
        token="aws:iam/userPolicy:UserPolicy",
        service="iam",
        regional=False,
        properties={
            "name": name(),
            "user": string(required=True, forces_new=True),
            "policy": policy(required=True),
        },
        outputs=(),
        name="name",
        create=_put_policy,
        read=_read_policy,
        update=lambda call, id_, old, new: (_put_policy(call, new), None)[1],
        delete=_delete_policy,
    ),
    ResourceType(
        token="aws:iam/accessKey:AccessKey",
        service="iam",
        regional=False,
        properties={
            "user": string(required=True, forces_new=True),
            "status": string(default="Active", choices=("Active", "Inactive")),
        },
        outputs=("createDate", "secret"),
        secret_outputs=("secret",),
        name=None,
        create=_create_key,
        read=_read_key,
        update=_update_key,
        delete=_delete_key,
    ),
)
