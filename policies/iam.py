"""Who may do what: grants wider than anybody needs, and trust that others can borrow."""

from collections.abc import Iterator

from pulumi_policy import Severity

from mlstack.iam.conditions import matches
from policies.documents import IDENTITY, TRUST, statements
from policies.rule import Case, rule

_ATTACHED = {
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment": "policyArn",
    "aws:iam/policyAttachment:PolicyAttachment": "policyArn",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "policyArn",
    "aws:iam/userPolicyAttachment:UserPolicyAttachment": "policyArn",
    "aws:iam/role:Role": "managedPolicyArns",
}
_FULL_ACCESS = ("*FullAccess", "*FullAccess-*", "*/AdministratorAccess*", "*/PowerUserAccess")

_GRANTS = (*IDENTITY, *TRUST)
"""A role may hold grants of its own, inline."""

_SOURCES = ("aws:SourceAccount", "aws:SourceArn", "aws:SourceOrgID", "aws:SourceOrgPaths")

_GUIDE = "https://docs.aws.amazon.com/IAM/latest/UserGuide"
_HUB = "https://docs.aws.amazon.com/securityhub/latest/userguide"


@rule(
    name="iam-managed-full-access",
    refuses="A policy of AWS that allows everything of a service reaches far beyond this stack",
    severity=Severity.HIGH,
    remedy="Attach a policy of your own that names the actions and ARNs that are needed (docs/permissions.md)",
    url=f"{_GUIDE}/best-practices.html#grant-least-privilege",
    types=tuple(_ATTACHED),
)
def managed_full_access(case: Case) -> Iterator[str]:
    given = case.value(_ATTACHED[case.resource.resource_type])
    for arn in [given] if isinstance(given, str) else given or ():
        if matches(arn, "arn:*:iam::aws:policy/*") and any(matches(arn, pattern) for pattern in _FULL_ACCESS):
            yield f"{arn.rsplit('/', 1)[1]} is attached"


@rule(
    name="iam-service-trust-without-account",
    refuses="A role that trusts an AWS service without naming the account can be used through anybody's account",
    severity=Severity.HIGH,
    remedy="Add the condition StringEquals aws:SourceAccount with your account id to the trust policy",
    url=f"{_GUIDE}/confused-deputy.html",
    types=tuple(TRUST),
    options={
        "exempt": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Services that send no aws:SourceAccount when they assume a role.",
            "default": ["ec2.amazonaws.com", "lambda.amazonaws.com"],
        }
    },
)
def service_trust(case: Case) -> Iterator[str]:
    exempt = set(case.config.get("exempt", ("ec2.amazonaws.com", "lambda.amazonaws.com")))
    for statement in statements(case, TRUST):
        trusted = sorted(set(statement.principals.get("Service", ())) - exempt)
        if trusted and statement.grants("sts:AssumeRole") and not statement.limited_by(*_SOURCES):
            yield f"{statement.label} trusts {', '.join(trusted)} on behalf of every account"


@rule(
    name="iam-pass-role-without-service",
    refuses="iam:PassRole without iam:PassedToService lets its holder run anything, anywhere, as that role",
    severity=Severity.HIGH,
    remedy="Name the role's ARN and add the condition StringEquals iam:PassedToService with the one service",
    url=f"{_GUIDE}/id_roles_use_passrole.html",
    types=_GRANTS,
)
def pass_role(case: Case) -> Iterator[str]:
    for statement in statements(case, IDENTITY):
        if statement.grants("iam:PassRole"):
            if not statement.limited_by("iam:PassedToService"):
                yield f"{statement.label} passes a role to every service"
            if "*" in statement.resources:
                yield f"{statement.label} passes every role of the account"


@rule(
    name="iam-assume-role-on-everything",
    refuses="sts:AssumeRole on every role makes its holder whoever trusts this account",
    severity=Severity.HIGH,
    remedy="Name the ARNs of the roles that are to be assumed",
    url=f"{_GUIDE}/id_roles_use_permissions-to-switch.html",
    types=_GRANTS,
)
def assume_role(case: Case) -> Iterator[str]:
    for statement in statements(case, IDENTITY):
        wide = [each for each in statement.resources if _is_any_role(each)]
        if wide and statement.grants("sts:AssumeRole"):
            yield f"{statement.label} assumes {wide[0]}"


def _is_any_role(arn: str) -> bool:
    """Every role of an account, or a role of that name in every account."""
    return arn == "*" or arn.endswith((":*", ":role/*", ":role*")) or arn.split(":")[4:5] == ["*"]


@rule(
    name="iam-full-administration",
    refuses="A policy that allows every action on every resource is the account itself",
    severity=Severity.CRITICAL,
    remedy="Name the actions and resources that are needed",
    url=f"{_HUB}/iam-controls.html#iam-1",
    control="IAM.1",
    types=_GRANTS,
)
def full_administration(case: Case) -> Iterator[str]:
    for statement in statements(case, IDENTITY):
        if statement.allows and "*" in statement.resources and ("*" in statement.actions or "*:*" in statement.actions):
            yield f"{statement.label} allows everything"


@rule(
    name="iam-whole-service",
    refuses="All actions of a service include those that delete, open and hand on what it holds",
    severity=Severity.MEDIUM,
    remedy="Name the actions that are needed",
    url=f"{_HUB}/iam-controls.html#iam-21",
    control="IAM.21",
    types=_GRANTS,
)
def whole_service(case: Case) -> Iterator[str]:
    for statement in statements(case, IDENTITY):
        if statement.allows and statement.all_but:
            yield f"{statement.label} allows everything but some actions (NotAction)"
        whole = [each for each in statement.actions if each == "*" or each.endswith(":*")]
        if statement.allows and not statement.all_but and whole:
            yield f"{statement.label} allows {', '.join(whole)}"


@rule(
    name="iam-user-with-policy",
    refuses="What is granted to a user directly is overlooked when the user moves on",
    severity=Severity.LOW,
    remedy="Let a role have the permissions, and the user, or better a service, assume it",
    url=f"{_HUB}/iam-controls.html#iam-2",
    control="IAM.2",
    types=("aws:iam/userPolicy:UserPolicy", "aws:iam/userPolicyAttachment:UserPolicyAttachment"),
)
def user_with_policy(case: Case) -> Iterator[str]:
    yield f"attached to user {case.value('user')}"


@rule(
    name="kms-decrypt-with-every-key",
    refuses="Decryption with every key of the account makes the separation of keys worthless",
    severity=Severity.MEDIUM,
    remedy="Name the ARN of the one key in Resource",
    url=f"{_HUB}/kms-controls.html#kms-2",
    control="KMS.1, KMS.2",
    types=_GRANTS,
    options={
        "conditions": {
            "type": "array",
            "items": {"type": "string"},
            "default": [],
            "description": "Condition keys that name the key as well as an ARN does. AWS's own control counts none.",
        }
    },
)
def decrypt_with_every_key(case: Case) -> Iterator[str]:
    accepted = case.config.get("conditions", ())
    for statement in statements(case, IDENTITY):
        if statement.limited_by(*accepted):
            continue
        wide = [each for each in statement.resources if each == "*" or each.endswith((":*", ":key/*", ":key*"))]
        if wide and (statement.grants("kms:Decrypt") or statement.grants("kms:ReEncryptFrom")):
            yield f"{statement.label} decrypts with {wide[0]}"


RULES = (
    managed_full_access,
    service_trust,
    pass_role,
    assume_role,
    full_administration,
    whole_service,
    user_with_policy,
    decrypt_with_every_key,
)
