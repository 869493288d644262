"""One comment per environment on each forge, whatever else is there and whoever else is posting."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from mlstack.errors import MLStackError
from mlstack.review.forge import marker
from mlstack.review.forge.limits import BITBUCKET, GITHUB, GITLAB
from mlstack.review.forge.marker import Marker
from mlstack.review.forge.sticky import post, read, room, size
from tests.review.forge.stand_in import SOMEBODY, US, Failure, StandIn, serving

PROD = Marker(project="mlstack", environment="prod", plan="ab12")
DEV = Marker(project="mlstack", environment="dev", plan="cd34")


def texts(forge: StandIn) -> list[str]:
    return [body.replace("\r\n", "\n").split("\n\n", 1)[-1] for _, _, body in forge.shown]


def ours(forge: StandIn, text: str, data: Marker = PROD) -> str:
    return f"{marker.write(data, forge.client().style)}\n\n{text}"


def test_a_comment_is_created_then_brought_up_to_date_in_place(forge: StandIn) -> None:
    assert post(forge.client(), PROD, "first").action == "created"
    again = post(forge.client(), PROD.model_copy(update={"plan": "ff"}), "second")
    assert again.action == "updated"
    assert again.url.endswith("1")
    assert texts(forge) == ["second"]
    found = marker.find(forge.shown[0][2])
    assert found
    assert found.plan == "ff"


def test_a_comment_that_says_it_already_is_left_alone(forge: StandIn) -> None:
    post(forge.client(), PROD, "the same\nin two lines\n")
    assert post(forge.client(), PROD, "the same\nin two lines\n").action == "unchanged"
    assert forge.count("POST") == 1
    assert forge.count("PUT") + forge.count("PATCH") == 0


def test_each_environment_and_each_project_has_its_own(forge: StandIn) -> None:
    other = Marker(project="other", environment="prod")
    for _ in range(2):
        for data in (PROD, DEV, other):
            post(forge.client(), data, data.project + data.environment)
    assert texts(forge) == ["mlstackprod", "mlstackdev", "otherprod"]


def test_it_is_found_on_the_last_of_many_pages(forge: StandIn) -> None:
    forge.page = 3
    for n in range(10):
        forge.says(f"looks good {n}", SOMEBODY)
    forge.says(ours(forge, "old"))
    assert post(forge.client(), PROD, "new").action == "updated"
    assert texts(forge)[-1] == "new"
    assert len(forge.shown) == 11


def test_a_long_conversation_is_read_a_hundred_comments_at_a_time(forge: StandIn) -> None:
    for n in range(250):
        forge.says(f"looks good {n}", SOMEBODY)
    assert read(forge.client(), "mlstack", "prod") is None
    assert sum("/7/" in path for _, path in forge.requests) == 3


def test_the_marker_of_somebody_else_is_never_touched(forge: StandIn) -> None:
    forge.says(ours(forge, "forged"), SOMEBODY)
    post(forge.client(), PROD, "one")
    post(forge.client(), PROD, "two")
    assert texts(forge) == ["forged", "two"]
    assert not [path for method, path in forge.requests if method in ("PUT", "PATCH", "DELETE") and path.endswith("/1")]


def test_a_marker_within_the_text_changes_nothing(forge: StandIn) -> None:
    """A plan shows names that people chose: one of them may look like the marker of another environment."""
    post(forge.client(), PROD, f"a diff\n{marker.write(DEV, forge.client().style)}")
    assert post(forge.client(), DEV, "dev").action == "created"
    assert len(forge.shown) == 2


def test_two_jobs_at_once_leave_one_comment_the_oldest(forge: StandIn) -> None:
    forge.together = threading.Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        actions = {pool.submit(post, forge.client(), PROD, text): text for text in ("one", "two")}
        done = sorted(future.result().action for future in actions)
    assert done == ["created", "updated"]
    assert [id_ for id_, _, _ in forge.shown] == [1]
    assert texts(forge)[0] in ("one", "two")


def test_many_jobs_at_once_leave_one_comment(forge: StandIn) -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda n: post(forge.client(), PROD, f"job {n}"), range(12)))
    assert len(forge.shown) == 1, forge.shown


def test_two_that_remained_become_one_at_the_next_run(forge: StandIn) -> None:
    for text in ("old", "left over"):
        forge.says(ours(forge, text))
    assert post(forge.client(), PROD, "new").action == "updated"
    assert [(id_, text) for (id_, _, _), text in zip(forge.shown, texts(forge), strict=True)] == [(1, "new")]


@pytest.mark.parametrize(("face", "who"), [("github", 200), ("github", 403), ("bitbucket", 401), ("bitbucket", 403)])
def test_where_the_forge_does_not_tell_who_the_token_is_there_is_still_one(
    face: str, who: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving(face) as forge:
        forge.tells_who, forge.who_status = False, who
        forge.says(ours(forge, "forged"), SOMEBODY)
        for text in ("one", "two", "three"):
            post(forge.client(), PROD, text)
        assert texts(forge) == ["forged", "three"]
        assert read(forge.client(), "mlstack", "prod") is None


def test_a_creation_whose_answer_was_lost_is_not_repeated(forge: StandIn) -> None:
    for failure in (
        Failure("POST", status=502, carried_out=True),
        Failure("POST", hang_up=True, carried_out=True),
    ):
        forge.comments.clear()
        forge.failures.append(failure)
        post(forge.client(), PROD, "text")
        assert texts(forge) == ["text"]
    assert forge.count("POST") == 2


def test_a_creation_that_did_not_happen_is_tried_again_and_given_up_with_nothing_posted(forge: StandIn) -> None:
    forge.failures.append(Failure("POST", status=503, times=2))
    assert post(forge.client(), PROD, "text").action == "created"
    forge.comments.clear()
    forge.failures.append(Failure("POST", status=503, times=3))
    with pytest.raises(MLStackError, match="answers 503 when asked to write a comment"):
        post(forge.client(), PROD, "text")
    assert not forge.shown


def test_a_comment_deleted_meanwhile_is_written_anew(forge: StandIn) -> None:
    forge.says(ours(forge, "old"))
    change = "PATCH" if forge.face == "github" else "PUT"
    forge.failures.append(Failure(change, status=404))
    assert post(forge.client(), PROD, "new").action in ("created", "updated")
    assert texts(forge) == ["new"]


def test_a_comment_that_may_not_be_edited_is_one_message_and_no_second_comment(forge: StandIn) -> None:
    forge.says(ours(forge, "old"))
    change = "PATCH" if forge.face == "github" else "PUT"
    forge.failures.append(Failure(change, status=403, body='{"message": "no"}'))
    with pytest.raises(MLStackError) as caught:
        post(forge.client(), PROD, "new")
    assert "may not be edited with this token" in caught.value.message
    assert "delete the comment" in str(caught.value.hint)
    assert texts(forge) == ["old"]


def test_what_is_too_long_is_refused_before_anything_is_asked(forge: StandIn) -> None:
    client = forge.client()
    space = room(client, PROD)
    with pytest.raises(MLStackError, match="the limit is"):
        post(client, PROD, "x" * (space + 1))
    assert not forge.requests
    assert post(client, PROD, "x" * space).action == "created"


@pytest.mark.parametrize("truncated", [True, False])
def test_a_text_that_fills_the_room_is_taken(forge: StandIn, truncated: bool) -> None:
    """The room is asked for before it is known whether something has to be left out."""
    client = forge.client()
    space = room(client, PROD.model_copy(update={"truncated": True}))
    text = "/é\n" * (space // 6)
    assert size(client, text) <= space
    text += "x" * (space - size(client, text))
    assert post(client, PROD.model_copy(update={"truncated": truncated}), text).action == "created"


def test_the_comment_that_was_approved_is_read_back_from_our_own_alone(forge: StandIn) -> None:
    forge.says(ours(forge, "forged", PROD.model_copy(update={"plan": "00"})), SOMEBODY)
    assert read(forge.client(), "mlstack", "prod") is None
    post(forge.client(), PROD, "text")
    found = read(forge.client(), "mlstack", "prod")
    assert found
    assert found[0] == PROD
    assert str(US) in found[1].author


def test_bitbucket_gets_no_html_which_it_would_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving("bitbucket") as forge:
        post(forge.client(), PROD, "text")
        assert "<!--" not in forge.shown[0][2]
        assert marker.find(forge.shown[0][2]) == PROD


def test_a_deleted_comment_of_bitbucket_is_listed_and_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving("bitbucket") as forge:
        post(forge.client(), PROD, "old")
        forge.comments[0]["deleted"] = True
        assert read(forge.client(), "mlstack", "prod") is None
        assert post(forge.client(), PROD, "new").action == "created"
        assert forge.count("PUT") == 0


def test_no_line_of_a_note_is_a_quick_action_of_gitlab(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving("gitlab") as forge:
        post(forge.client(), PROD, "/merge\n  /approve\r/close\n/ and a/b")
        assert texts(forge) == ["\\/merge\n  \\/approve\n\\/close\n/ and a/b"]
        assert post(forge.client(), PROD, "/merge\n  /approve\r/close\n/ and a/b").action == "unchanged"


def test_each_limit_counts_what_its_forge_counts() -> None:
    assert GITHUB.fits("🌈" * 65_536)
    assert not GITHUB.fits("x" * 65_537)
    assert not GITLAB.fits("x" * 1_000_001)
    assert not BITBUCKET.fits("é" * 16_385)
    assert BITBUCKET.fits("é" * 16_384)
