"""One comment per environment: found by its marker and its author, brought up to date in place, never doubled."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from mlstack.errors import MLStackError
from mlstack.review.forge import marker
from mlstack.review.forge.connection import GoneError, RefusedError, UncertainError
from mlstack.review.forge.limits import Limit
from mlstack.review.forge.marker import Marker

_TRIES = 3
"""Creations whose outcome nobody told, before giving up."""


@dataclass(frozen=True, kw_only=True)
class Comment:
    id: int
    """Grows with time on every forge."""
    author: str
    """The forge's own identifier of the account, which unlike a name is never given away again."""
    body: str
    url: str


class Comments(Protocol):
    """The comments of one pull or merge request. Every method raises `ForgeError`."""

    @property
    def style(self) -> marker.Style: ...
    @property
    def limit(self) -> Limit: ...
    def finished(self, text: str) -> str:
        """The text as this forge must get it, so that it is only shown and triggers nothing."""

    def author(self) -> str | None:
        """Who the token is; None when the forge does not tell a token of this kind."""

    def all(self) -> Iterator[Comment]:
        """Those of the conversation, over all pages."""

    def create(self, body: str) -> Comment: ...
    def update(self, comment: Comment, body: str) -> Comment: ...
    def delete(self, comment: Comment) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Posted:
    action: Literal["created", "updated", "unchanged"]
    url: str


def room(comments: Comments, data: Marker) -> int:
    """How much the marker leaves for the text, in the units of `comments.limit`, whether it is truncated or not."""
    longer = data.model_copy(update={"truncated": False})
    return comments.limit.maximum - comments.limit.count(_body(comments, longer, ""))


def size(comments: Comments, text: str) -> int:
    """What a text takes of the room, with what `finished` adds to it."""
    return comments.limit.count(comments.finished(text))


def post(comments: Comments, data: Marker, text: str) -> Posted:
    """Make the comment of `data`'s project and environment say `text`.

    Two jobs at once: each looks again after it created a comment, and the oldest stays. Where a list lags behind and
    both remain, the next run removes the younger one. A comment that another account wrote is never touched, whatever
    its marker says. A text that is too long is refused and nothing is posted.
    """
    body = _body(comments, data, text)
    if not comments.limit.fits(body):
        raise MLStackError(
            f"the comment has {comments.limit.count(body):,} {comments.limit.unit}, the limit is"
            f" {comments.limit.maximum:,}",
            hint="render it for this forge, which leaves out what matters least",
        )
    author = comments.author()
    mine = _matching(comments, data, author)  # and nothing is written where the look afterwards would fail
    while mine:
        try:
            posted = _say(comments, mine[0], body)
        except GoneError:  # deleted since it was listed
            del mine[0]
            continue
        for younger in mine[1:]:
            _delete(comments, younger)
        return posted
    created = _create(comments, data, body, author)
    ours = _matching(comments, data, created.author)
    oldest = min([created, *ours], key=lambda comment: comment.id)
    if oldest.id == created.id:
        return Posted(action="created", url=created.url)
    try:
        return _say(comments, oldest, body)
    except GoneError:
        return Posted(action="created", url=created.url)
    finally:
        for younger in [created, *ours]:
            if younger.id != oldest.id:
                _delete(comments, younger)


def read(comments: Comments, project: str, environment: str) -> tuple[Marker, Comment] | None:
    """The comment that this token wrote for an environment, and what its marker says; None if there is none.

    None as well when the forge does not tell who the token is: then nobody's word counts.
    """
    author = comments.author()
    mine = _matching(comments, Marker(project=project, environment=environment), author) if author else []
    found = marker.find(mine[0].body) if mine else None
    return (found, mine[0]) if found else None


def _body(comments: Comments, data: Marker, text: str) -> str:
    # The empty line: what follows an HTML comment directly is taken for HTML, and not rendered.
    return f"{marker.write(data, comments.style)}\n\n{comments.finished(text)}"


def _matching(comments: Comments, data: Marker, author: str | None) -> list[Comment]:
    """Ours for this environment, the oldest first."""
    found = (c for c in comments.all() if c.author == author and (m := marker.find(c.body)) and m.same_place(data))
    return sorted(found, key=lambda comment: comment.id)


def _say(comments: Comments, comment: Comment, body: str) -> Posted:
    if _plain(comment.body) == _plain(body):
        return Posted(action="unchanged", url=comment.url)
    try:
        return Posted(action="updated", url=comments.update(comment, body).url)
    except RefusedError as error:
        raise RefusedError(
            f"the comment {comment.url} may not be edited with this token: {error.message}",
            hint=f"{error.hint}; or delete the comment, and the next run writes a new one",
        ) from None


def _create(comments: Comments, data: Marker, body: str, author: str | None) -> Comment:
    for attempt in range(_TRIES):
        try:
            return comments.create(body)
        except UncertainError:
            # Otherwise the look after the creation finds the one that did arrive.
            if author and (mine := _matching(comments, data, author)):
                return mine[-1]
            if attempt == _TRIES - 1:
                raise
    raise AssertionError("unreachable")


def _delete(comments: Comments, comment: Comment) -> None:
    with contextlib.suppress(GoneError):  # another job was faster
        comments.delete(comment)


def _plain(body: str) -> str:
    """Forges change line ends and the space around a text."""
    return body.replace("\r\n", "\n").strip()
