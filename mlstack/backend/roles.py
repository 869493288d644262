"""The roles that preview with, and deploy to, the state of one environment."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from mlstack.backend.aws import Clients, found
from mlstack.backend.documents import permissions_text, trust_text
from mlstack.backend.part import Part
from mlstack.backend.place import TAG, Place, Trusted

POLICY = "state"
"""Name of the inline policy. Others that the role has are left alone."""


class Roles:
    """Two for each environment, made when it is said who may assume them. Trust changes only when it is said anew."""

    def __init__(self, place: Place, trusted: Trusted, aws: Clients) -> None:
        self._place = place
        self._trusted = trusted
        self._iam = aws.iam

    def parts(self, key_arn: str) -> Iterator[Part]:
        for environment in self._place.environments:
            for purpose, principals in self._trusted.by_purpose.items():
                name = self._place.role(environment, purpose)
                role = _in(found(partial(self._iam.get_role, RoleName=name), "NoSuchEntity"), "Role")
                if role or principals:
                    yield from self._of_one(environment, purpose, role, key_arn)

    def arns(self) -> dict[str, dict[str, str]]:
        """Of those that are there, by environment and purpose."""
        there: dict[str, dict[str, str]] = {}
        for environment in self._place.environments:
            for purpose in self._trusted.by_purpose:
                name = self._place.role(environment, purpose)
                role = _in(found(partial(self._iam.get_role, RoleName=name), "NoSuchEntity"), "Role")
                if role:
                    there.setdefault(environment, {})[purpose] = role["Arn"]
        return there

    def _of_one(self, environment: str, purpose: str, role: dict[str, Any] | None, key_arn: str) -> Iterator[Part]:
        name = self._place.role(environment, purpose)
        what, principals, iam = f"role {name}", self._trusted.by_purpose[purpose], self._iam
        yield Part(
            what=what,
            found=role and "there",
            wanted="there",
            mend=partial(self._make, name, environment, purpose),
        )
        if role and principals:
            trust = trust_text(purpose, principals)
            yield Part(
                what=f"{what}: who may assume it",
                found=role["AssumeRolePolicyDocument"],
                wanted=trust,
                mend=partial(iam.update_assume_role_policy, RoleName=name, PolicyDocument=trust),
            )
        if role and (boundary := self._trusted.boundary):
            yield Part(
                what=f"{what}: permissions boundary",
                found=(role.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn"),
                wanted=boundary,
                mend=partial(iam.put_role_permissions_boundary, RoleName=name, PermissionsBoundary=boundary),
            )
        permissions = permissions_text(self._place, environment, purpose, key_arn)
        asked = role and found(partial(iam.get_role_policy, RoleName=name, PolicyName=POLICY), "NoSuchEntity")
        yield Part(
            what=f"{what}: permissions",
            found=_in(asked, "PolicyDocument"),
            wanted=permissions,
            mend=partial(iam.put_role_policy, RoleName=name, PolicyName=POLICY, PolicyDocument=permissions),
        )

    def _make(self, name: str, environment: str, purpose: str) -> None:
        boundary = self._trusted.boundary
        self._iam.create_role(
            RoleName=name,
            Description=f"Pulumi's state of {self._place.project}, {environment}: {purpose}",
            AssumeRolePolicyDocument=trust_text(purpose, self._trusted.by_purpose[purpose]),
            Tags=[{"Key": TAG, "Value": self._place.name}],
            **({"PermissionsBoundary": boundary} if boundary else {}),
        )


def _in(answer: dict[str, Any] | None, name: str) -> Any:
    return None if answer is None else answer[name]
