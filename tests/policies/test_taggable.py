"""The list of types that can carry tags is what pulumi_aws says of each type that is in it or that we declare."""

import re

import pulumi_aws

from mlstack.local.provider.types import TABLE
from policies.taggable import TAGGABLE
from tools.security.plan import TYPES


def test_the_list_of_taggable_types_is_true() -> None:
    for token in {*TYPES, *TABLE, *TAGGABLE}:
        _, module, name = re.fullmatch(r"(\w+):(\w+)/\w+:(\w+)", token).groups()  # type: ignore[union-attr]
        cls = getattr(getattr(pulumi_aws, module), name)
        assert ("tags" in cls._internal_init.__annotations__) == (token in TAGGABLE), token
