"""What stands in the way of destroying a stack is said at once, before anything is touched."""

import pytest

from mlstack.deployment.data import Held, left_behind, refuse
from mlstack.errors import UsageError


def test_all_that_is_protected_is_named_with_the_setting() -> None:
    held = [
        Held(kind="bucket", name="artifacts", protected=True, emptied=False),
        Held(kind="key", name="key", protected=True, emptied=True),
    ]
    with pytest.raises(UsageError) as refused:
        refuse(held, None, "prod")
    assert refused.value.message.splitlines() == [
        "bucket artifacts is protected",
        "key key is protected",
        "nothing was changed",
    ]
    assert str(refused.value.hint).startswith("set mlstack:protect: false in Pulumi.prod.yaml")


def test_what_nobody_knows_to_be_full_is_left_to_aws() -> None:
    refuse([Held(kind="bucket", name="artifacts", protected=False, emptied=False)], None, "prod")


def test_copies_of_base_images_are_said_to_stay() -> None:
    rule = {
        "type": "aws:ecr/pullThroughCacheRule:PullThroughCacheRule",
        "inputs": {"ecrRepositoryPrefix": "mlstack-dev.ecr-public"},
    }
    bucket = {"type": "aws:s3/bucket:Bucket", "inputs": {"bucket": "artifacts"}}
    assert left_behind([bucket, rule]) == ["copies of base images in repositories mlstack-dev.ecr-public/*"]
    assert left_behind([bucket]) == []
