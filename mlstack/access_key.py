"""The stack output `connector_key`: the access key of the user that ZenML's server works as, with iam-role.

Secret as a whole, and the only secret of a stack; the contract beside it says which generation it has to be.
"""

import json
from typing import Self

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

OUTPUT = "connector_key"
"""Name of the stack output."""


class AccessKey(BaseModel):
    """One access key of AWS and the generations that exist beside it. Printing it shows no secret."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    access_key_id: str
    """No secret: AWS shows it in its logs."""
    secret_access_key: SecretStr
    generation: int
    generations: tuple[int, ...]
    """All that exist at AWS, this one among them."""

    def as_json(self) -> str:
        """With the secret, as the stack output holds it."""
        return json.dumps(
            {
                **self.model_dump(mode="json", exclude={"secret_access_key"}),
                "secret_access_key": self.secret_access_key.get_secret_value(),
            },
            sort_keys=True,
        )

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """None for anything else, such as the `[secret]` that stands where a secret was not asked for."""
        try:
            return cls.model_validate_json(text)
        except ValidationError:
            return None
