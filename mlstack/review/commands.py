"""`mlstack review`."""

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer
from pydantic import ValidationError

from mlstack.errors import UsageError
from mlstack.review.model import Level, Report

if TYPE_CHECKING:
    from mlstack.review.forge.sticky import Comments

GUARD_FAILS = 3
"""Exit code when a guard says no."""
DRIFT = 7
"""Exit code of --drift when something differs."""

_LIMIT = 65536
"""Characters of a comment on GitHub, the smallest but Bitbucket's 32768."""


def review(
    stack: Annotated[str | None, typer.Option("--stack", help="Pulumi stack. Default: the selected one.")] = None,
    config_file: Annotated[
        str | None, typer.Option("--config-file", help="Settings file. Default: Pulumi.<stack>.yaml.")
    ] = None,
    digest: Annotated[
        Path | None, typer.Option("--digest", help="Read this output of `pulumi preview --json` instead of running it.")
    ] = None,
    events: Annotated[
        Path | None, typer.Option("--events", help="Its event log: `PULUMI_DEBUG_COMMANDS=true ... --event-log FILE`.")
    ] = None,
    guard: Annotated[
        list[str] | None, typer.Option("--guard", metavar="NAME=LEVEL", help="off, warn or fail for one guard.")
    ] = None,
    drift: Annotated[bool, typer.Option("--drift", help="Look at what differs in AWS from what was deployed.")] = False,
    beside: Annotated[
        list[Path] | None, typer.Option("--beside", help="Reports of other environments, to be shown side by side.")
    ] = None,
    policy_pack: Annotated[
        list[str] | None, typer.Option("--policy-pack", help="For the preview, as pulumi takes it.")
    ] = None,
    policy_pack_config: Annotated[
        list[str] | None, typer.Option("--policy-pack-config", help="The same for its configuration.")
    ] = None,
    markdown: Annotated[Path | None, typer.Option("--markdown", help="Write the comment to this file.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write a page with a picture to this file.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1000, help="Characters that the comment may have.")] = _LIMIT,
    note: Annotated[str, typer.Option("--note", help="Said below the verdict, such as what it compares with.")] = "",
    source_url: Annotated[
        str | None, typer.Option("--source-url", help="Links lines of code: https://.../blob/<commit>")
    ] = None,
    report_file: Annotated[
        Path | None, typer.Option("--report", help="Read the report that --json wrote, in a job without credentials.")
    ] = None,
    post: Annotated[bool, typer.Option("--post", help="Keep it as the one comment on this pull request.")] = False,
    forge: Annotated[
        str | None, typer.Option("--forge", help="github, gitlab or bitbucket. Default: whose CI this is.")
    ] = None,
    repository: Annotated[str | None, typer.Option("--repository", help="Default: the CI's own.")] = None,
    pull_request: Annotated[int | None, typer.Option("--pull-request", help="Default: the CI's own.")] = None,
    annotate: Annotated[
        bool, typer.Option("--annotate", help="In GitHub Actions: mark the lines of code, and fill the step's summary.")
    ] = False,
    api: Annotated[str | None, typer.Option("--api", help="Of the forge. Default: the CI's own.")] = None,
    refresh_prices: Annotated[
        list[str] | None,
        typer.Option(
            "--refresh-prices", metavar="REGION", help="Only read this region's prices anew from AWS, with credentials."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as one JSON document on stdout.")] = False,
) -> None:
    """What a change will do to the stack, as a comment. Exit code 0; 3 when a guard says no, 1 for a failed preview.

    Examples:  mlstack review --stack dev   |   mlstack review --stack prod --markdown comment.md --guard data-loss=fail
    """
    if refresh_prices:
        from mlstack.review.cost import PRICES_FILE
        from mlstack.review.price_list import refresh

        refresh(PRICES_FILE, refresh_prices, lambda text: typer.echo(text, err=True))
        return
    from mlstack.review.markdown import comment, side_by_side

    place = _place(forge, repository, pull_request, api) if post else None
    made = (
        _read(report_file)
        if report_file
        else _made(
            stack, config_file, digest, events, guard or [], policy_pack or [], policy_pack_config or [], drift=drift
        )
    )
    text = comment(made, limit=limit, source_url=source_url, note=note)
    if beside:
        text = f"{side_by_side([made, *map(_read, beside)])}\n\n{text}"
    if markdown:
        markdown.write_text(text, encoding="utf-8")
    if html:
        from mlstack.review.page import page

        html.write_text(page(made), encoding="utf-8")
    if place:
        typer.echo(_posted(made, place, source_url, note), err=True)
    if annotate:
        _annotate(made, source_url)
    typer.echo(made.model_dump_json() if as_json else text)
    raise typer.Exit(_exit_code(made))


def _made(
    stack: str | None,
    config_file: str | None,
    digest: Path | None,
    events: Path | None,
    guard: list[str],
    policy_pack: list[str],
    policy_pack_config: list[str],
    *,
    drift: bool,
) -> Report:
    from mlstack.review.guards import GUARDS
    from mlstack.review.report import report
    from mlstack.review.rules import rules

    if digest:
        from mlstack.review.preview import read

        preview = read(_text(digest), _text(events) if events else None, origin=str(digest))
    elif events:
        raise UsageError("--events belongs to a --digest of the same run", hint="name both, or neither")
    elif drift:
        from mlstack.review.record import drift as look

        preview = look(stack, config_file, lambda text: typer.echo(text, err=True))
    else:
        from mlstack.review.record import preview as record

        packs = [word for each in policy_pack for word in ("--policy-pack", each)]
        packs += [word for each in policy_pack_config for word in ("--policy-pack-config", each)]
        preview = record(stack, config_file, packs, lambda text: typer.echo(text, err=True))
    kept = rules(Path.cwd(), preview.environment, GUARDS)
    return report(preview, {**kept.guards, **_levels(guard)}, kept.allow, drift=drift)


def _read(file: Path) -> Report:
    try:
        return Report.model_validate_json(_text(file))
    except ValidationError:
        raise UsageError(f"{file} is not what `mlstack review --json` writes") from None


def _place(forge: str | None, repository: str | None, pull_request: int | None, api: str | None) -> "Comments":
    from mlstack.review.forge.place import comments

    return comments(os.environ, forge=forge, repository=repository, pull_request=pull_request, api=api)


def _posted(made: Report, place: "Comments", source_url: str | None, note: str) -> str:
    """Rendered for this forge: its limit and how it counts are its own."""
    from mlstack.review.forge import sticky
    from mlstack.review.forge.marker import Marker
    from mlstack.review.markdown import LEFT_OUT, comment

    plan = None if made.partial else made.plan_hash
    marker = Marker(project=made.project, environment=made.environment, plan=plan)
    text = comment(
        made,
        limit=sticky.room(place, marker),
        source_url=source_url,
        count=partial(sticky.size, place),
        folds=place.style == "html",
        note=note,
    )
    posted = sticky.post(place, marker.model_copy(update={"truncated": LEFT_OUT in text}), text)
    return f"comment {posted.action}: {posted.url}"


def _annotate(made: Report, source_url: str | None) -> None:
    """GitHub reads its commands from either stream; standard output is the report's."""
    from mlstack.review.forge.actions import Annotation, annotations, write_summary
    from mlstack.review.forge.limits import STEP_SUMMARY
    from mlstack.review.markdown import comment

    write_summary(
        os.environ, comment(made, limit=STEP_SUMMARY.maximum // 2, source_url=source_url, count=STEP_SUMMARY.count)
    )
    found = [
        Annotation(
            level="error" if each.level == "fail" else "warning",
            file=each.source.rpartition(":")[0],
            line=int(each.source.rpartition(":")[2]),
            message=each.said,
            title=each.guard,
        )
        for each in made.findings
        if each.source and each.overridden is None
    ]
    typer.echo(annotations(found), err=True, nl=False)


def _exit_code(report: Report) -> int:
    if report.drift and report.changes and not report.partial:
        return DRIFT
    return 1 if report.partial else GUARD_FAILS if report.fails else 0


def _levels(given: list[str]) -> dict[str, Level]:
    levels: dict[str, Level] = {}
    for name, level in _pairs(given, "--guard"):
        if level not in get_args(Level):
            raise UsageError(f"--guard {name}={level}: a level is {', '.join(get_args(Level))}")
        levels[name] = level  # type: ignore[assignment]
    return levels


def _pairs(given: list[str], option: str) -> list[tuple[str, str]]:
    for each in given:
        if not all(each.partition("=")[::2]):
            raise UsageError(f"{option} {each}: it is NAME=..., with something on both sides")
    return [(each.partition("=")[0], each.partition("=")[2]) for each in given]


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {getattr(error, 'strerror', None) or 'it is not text'}") from None
