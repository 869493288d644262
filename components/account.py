"""Whose account the credentials are of, asked before anything is declared."""

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env

from components.settings import Settings


def refuse_another(settings: Settings) -> None:
    """Ends the program unless the credentials, after `aws:assumeRoles`, are of the account that the settings name.

    The aws plugin refuses too, but with as many messages as there are resources, and in its own words. Nobody is asked
    with `aws:skipRequestingAccountId`, which says that there is nobody to ask.
    """
    from pulumi_aws import get_caller_identity

    if {**get_config_env(), **CONFIG.get()}.get("aws:skipRequestingAccountId", "").lower() == "true":
        return
    wanted, file = settings.account_id, f"Pulumi.{settings.environment}.yaml"
    try:
        found = get_caller_identity().account_id
    except Exception as error:
        said = " ".join(str(error).rpartition("returned an error: ")[2].split())
        # The aws plugin knows aws:allowedAccountIds itself, and refuses to answer for any other.
        another = "not allowed" in said.lower() or "allowedAccountIds" in said
        what = "these credentials are of another account" if another else "AWS does not say whose credentials these are"
    else:
        if found == wanted:
            return
        what, said = "these credentials are of another account", f"they are of {found}"
    raise pulumi.RunError(
        f"{what}: aws:allowedAccountIds in {file} names {wanted}; nothing was changed\n  {said}\n"
        "  use credentials of that account (AWS_PROFILE), or a role in it: "
        f"pulumi config set --path 'aws:assumeRoles[0].roleArn' <its ARN> --stack {settings.environment}"
    ) from None
