"""What the hook asks of the engine: a stack's outputs, and for a new access key an update without questions."""

from pathlib import Path

from mlstack.engine import Pulumi
from mlstack.outcome import News


def output(name: str, stack: str | None, *, show_secrets: bool = False) -> str:
    """A stack output as JSON. Raises MLStackError when there is none, or when it cannot be decrypted."""
    return Pulumi(Path.cwd(), stack).output(name, show_secrets=show_secrets)


def up(stack: str, settings: Path, news: News) -> None:
    """Create or update everything with the settings of that file. Raises MLStackError with what the engine said."""
    Pulumi(Path.cwd(), stack, config_file=str(settings)).up(news)


def is_deployed(stack: str, settings: Path) -> bool:
    """Whether `up` would change nothing. Raises MLStackError when a preview fails."""
    return not Pulumi(Path.cwd(), stack, config_file=str(settings)).preview(lambda _: None).changed
