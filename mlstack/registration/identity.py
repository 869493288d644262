"""Whom the access role has to trust, by what the ZenML server is; and what to do when it does not work."""

from mlstack.contract import MLStackOutputs
from mlstack.registration.objects import Wanted
from mlstack.registration.server import Server

# https://docs.zenml.io/pro/access-management/secrets-stores: "Every ZenML Pro workspace is associated with a particular
# AWS IAM role". Of workspaces that run in an account of the customer's, no page says what they run as.
_PRO_ROLE = "arn:aws:iam::715803424590:role/zenml-{workspace_id}"

_SWITCH = "ZENML_ENABLE_IMPLICIT_AUTH_METHODS"
"""Without this environment variable a server lends its own identity to no connector, and its refusal names it."""
_NO_IDENTITY = "Unable to locate credentials"
"""What botocore says on a machine that has none."""


def pro_principal(server: Server) -> str | None:
    """What a workspace of ZenML Pro works as when ZenML hosts it. None for any other server."""
    return server.workspace_id and _PRO_ROLE.format(workspace_id=server.workspace_id)


def note(server: Server, contract: MLStackOutputs) -> str | None:
    """What to tell whoever registers with a server that may not be the one that the access role trusts."""
    expected = pro_principal(server)
    implicit = any(each.auth_method == "implicit" for each in contract.connectors.values())
    if not implicit or expected is None or contract.principal in (None, expected):
        return None
    return (
        f"this is a ZenML Pro workspace, and the access role trusts {contract.principal}; hosted by ZenML it works as "
        f"{expected}: then set mlstack:connector.principal to that (hosted by yourself: to the role of its server)"
    )


def is_lasting(said: str) -> bool:
    """Whether it is the server that refuses, and trying again would not help."""
    return _SWITCH in said or _NO_IDENTITY in said


def way_out(server: Server, connector: Wanted, said: str) -> str:
    """What to set where, when the server cannot use a connector."""
    with_key = connector.fixed["auth_method"] == "iam-role"
    if _SWITCH in said:
        return (
            f"set {_SWITCH}=true on the server if it runs in AWS; "
            "set mlstack:connector.auth to iam-role if it runs elsewhere, or to none to do without connectors"
        )
    if with_key and any(each in said for each in ("InvalidClientTokenId", "SignatureDoesNotMatch", "AssumeRole")):
        return "the access key is not the stack's, or switched off in IAM: `pulumi up`, then `mlstack rotate-key`"
    if "AssumeRole" in said:
        expected = pro_principal(server)
        which = f", for this ZenML Pro workspace {expected} when ZenML hosts it" if expected else ""
        return f"mlstack:connector.principal must be the identity that the server runs as{which}"
    if _NO_IDENTITY in said:
        return "the server has no AWS identity of its own: set mlstack:connector.auth to iam-role"
    return "run `pulumi up` for this environment; or skip this with --no-verify"
