"""IAM: identity providers whose tokens are accepted (OpenID Connect)."""

from mlstack.local.provider.schema import TAGS, Call, ResourceType, Values, string, strings
from mlstack.local.provider.types.aws import from_pairs, given, pairs, unless_gone

_GONE = "NoSuchEntity"


def _create(call: Call, inputs: Values) -> str:
    made = call.client.create_open_id_connect_provider(
        Url=inputs["url"],
        ClientIDList=inputs["clientIdLists"],
        Tags=pairs(call.tags),
        **given(ThumbprintList=inputs.get("thumbprintLists")),
    )
    return str(made["OpenIDConnectProviderArn"])


def _read(call: Call, arn: str, state: Values) -> Values | None:
    found = unless_gone(lambda: call.client.get_open_id_connect_provider(OpenIDConnectProviderArn=arn), _GONE)
    if found is None:
        return None
    return {
        # IAM keeps the address without its scheme.
        "url": f"https://{found['Url'].removeprefix('https://')}",
        "clientIdLists": found["ClientIDList"],
        "thumbprintLists": found.get("ThumbprintList", []),
        "tags": from_pairs(call.client.list_open_id_connect_provider_tags(OpenIDConnectProviderArn=arn)["Tags"]),
        "arn": arn,
    }


def _update(call: Call, arn: str, old: Values, new: Values) -> None:
    iam = call.client
    held = set(iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ClientIDList"])
    wanted = set(new["clientIdLists"])
    for audience in sorted(wanted - held):
        iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID=audience)
    for audience in sorted(held - wanted):
        iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID=audience)
    if thumbprints := new.get("thumbprintLists"):
        iam.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=arn, ThumbprintList=thumbprints)
    before = from_pairs(iam.list_open_id_connect_provider_tags(OpenIDConnectProviderArn=arn)["Tags"])
    if dropped := sorted(set(before) - set(call.tags)):
        iam.untag_open_id_connect_provider(OpenIDConnectProviderArn=arn, TagKeys=dropped)
    if call.tags:
        iam.tag_open_id_connect_provider(OpenIDConnectProviderArn=arn, Tags=pairs(call.tags))


def _delete(call: Call, arn: str, state: Values) -> None:
    unless_gone(lambda: call.client.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn), _GONE)


TYPES = (
    ResourceType(
        token="aws:iam/openIdConnectProvider:OpenIdConnectProvider",
        service="iam",
        regional=False,
        properties={
            "url": string(required=True, forces_new=True),
            "clientIdLists": strings(required=True, unordered=True),
            # AWS finds out by itself for issuers that it knows.
            "thumbprintLists": strings(computed=True, unordered=True),
            "tags": TAGS,
        },
        outputs=("arn",),
        name="url",
        create=_create,
        read=_read,
        update=_update,
        delete=_delete,
    ),
)
