"""Whose account the credentials are of, asked before anything is declared."""

import pulumi
from pulumi.runtime.config import get_config_env

from components.settings import Settings


def refuse_another(settings: Settings) -> None:
    """Ends the program unless the credentials, after `aws:assumeRoles`, are of the account that the settings name.

    The aws plugin refuses too, but once for each resource and in its own words. Not asked with
    `aws:skipRequestingAccountId`, which says that there is nobody to ask.
    """
    from pulumi_aws import get_caller_identity

    wanted, file = settings.account_id, f"Pulumi.{settings.environment}.yaml"
    if get_config_env().get("aws:skipRequestingAccountId", "").lower() == "true":
        return
    try:
        found = get_caller_identity().account_id
    except Exception as error:
        said = " ".join(
            str(error).replace("invoke of aws:index/getCallerIdentity:getCallerIdentity failed:", "").split()
        )
        raise pulumi.RunError(
            f"AWS does not say whose credentials these are, and {file} is about account {wanted}; nothing was changed\n"
            f"  {said}\n  {_WAY_OUT}"
        ) from None
    if found != wanted:
        raise pulumi.RunError(
            f"these credentials are of AWS account {found}, and aws:allowedAccountIds in {file} names {wanted}; "
            f"nothing was changed\n  {_WAY_OUT}"
        )


_WAY_OUT = (
    "use credentials of that account (AWS_PROFILE), or a role in it: "
    "pulumi config set --path 'aws:assumeRoles[0].roleArn' arn:aws:iam::<account>:role/<role>"
)
