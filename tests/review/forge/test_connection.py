"""Failures of a forge: repeated where that is safe, and otherwise one message that says the way out."""

import email.utils
import json
import socket
import ssl
import time
import traceback
import urllib.error
import urllib.request

import pytest

from mlstack.errors import MLStackError, UsageError
from mlstack.review.forge import gitlab
from mlstack.review.forge.connection import ForgeError
from mlstack.review.forge.marker import Marker
from mlstack.review.forge.sticky import post
from tests.review.forge.stand_in import TOKEN, Failure, StandIn

PROD = Marker(project="mlstack", environment="prod", plan="ab12")


def failing(forge: StandIn, *failures: Failure, patience: float = 180.0) -> MLStackError:
    """The error of posting, which shows neither the token nor a half-done comment."""
    forge.failures.extend(failures)
    with pytest.raises(MLStackError) as caught:
        post(forge.client(patience=patience), PROD, "text")
    assert TOKEN not in "".join(traceback.format_exception(caught.value))
    assert caught.value.hint
    assert not forge.shown
    return caught.value


@pytest.mark.parametrize("status", [502, 503, 504])
def test_an_overloaded_forge_is_asked_again(forge: StandIn, status: int) -> None:
    forge.failures.append(Failure("GET", "comments" if forge.face != "gitlab" else "notes", status=status, times=2))
    assert post(forge.client(), PROD, "text").action == "created"
    assert len(forge.waits) == 2
    assert all(0 < wait <= 30 for wait in forge.waits)


def test_it_waits_as_long_as_it_is_asked_to(forge: StandIn) -> None:
    date = email.utils.formatdate(time.time() + 20, usegmt=True)
    forge.failures += [
        Failure("POST", status=429, headers={"Retry-After": "7"}),
        Failure("POST", status=429, headers={"Retry-After": date}),
    ]
    assert post(forge.client(), PROD, "text").action == "created"
    assert forge.waits[0] == 7
    assert 15 < forge.waits[1] <= 20
    assert len(forge.shown) == 1


def test_a_secondary_rate_limit_is_waited_out_for_the_minute_that_github_asks_for(forge: StandIn) -> None:
    limit = '{"message": "You have exceeded a secondary rate limit. Please wait."}'
    forge.failures += [Failure("POST", status=403, body=limit), Failure("POST", status=429)]
    assert post(forge.client(), PROD, "text").action == "created"
    assert forge.waits == [60, 60]


def test_a_spent_rate_limit_is_waited_out_until_it_is_reset(forge: StandIn) -> None:
    reset = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 40)}
    forge.failures.append(Failure("POST", status=403, headers=reset))
    assert post(forge.client(), PROD, "text").action == "created"
    assert 30 < forge.waits[0] <= 40


def test_a_wait_beyond_the_patience_is_an_error_at_once(forge: StandIn) -> None:
    error = failing(forge, Failure("POST", status=429, headers={"Retry-After": "3600"}))
    assert "asks to wait 3600 s" in str(error.hint)
    assert not forge.waits


def test_a_forge_that_stays_overloaded_is_given_up(forge: StandIn) -> None:
    error = failing(forge, Failure("GET", "/7/", status=503, times=99))
    assert "answers 503 when asked to list the comments" in error.message
    assert len(forge.waits) == 5


def test_an_error_whose_text_breaks_off_is_one_message_too(forge: StandIn) -> None:
    error = failing(forge, Failure("GET", "/7/", status=500, headers={"Content-Length": "999"}, broken=True, times=9))
    assert "broke off when asked to list the comments" in error.message


def test_a_token_that_is_not_accepted_names_its_variable(forge: StandIn) -> None:
    error = failing(forge, Failure("GET", status=401, body='{"message": "Bad credentials"}', times=9))
    assert "401" in error.message
    assert f"{forge.face.upper()}_TOKEN" in str(error.hint)


def test_a_permission_that_is_missing_is_named(forge: StandIn) -> None:
    error = failing(forge, Failure("POST", status=403, body='{"message": "Resource not accessible by integration"}'))
    assert "Resource not accessible" in error.message
    wanted = {"github": "pull-requests: write", "gitlab": "scope `api`", "bitbucket": "pullrequest:write"}
    assert wanted[forge.face] in str(error.hint)


def test_a_pull_request_that_is_not_there_is_named_with_the_variables_that_say_so(forge: StandIn) -> None:
    error = failing(forge, Failure("GET", "/7/", status=404))
    assert "there is no" in error.message
    assert "request 7 of" in error.message
    variable = {"github": "GITHUB_REPOSITORY", "gitlab": "CI_PROJECT_ID", "bitbucket": "BITBUCKET_WORKSPACE"}
    assert variable[forge.face] in str(error.hint)


def test_the_words_of_the_server_are_one_short_line_without_the_token(forge: StandIn) -> None:
    body = json.dumps({"message": f"no:\n\x1b[31m::error::{TOKEN} {'x' * 999}"})
    error = failing(forge, Failure("POST", status=422, body=body))
    assert "422" in error.message
    assert "***" in error.message
    assert error.message.isprintable()
    assert len(error.message) < 400


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_the_token_is_not_sent_where_a_redirect_points(forge: StandIn, status: int) -> None:
    headers = {"Location": f"{forge.url}/stolen"}
    error = failing(forge, Failure("GET", "/7/", status=status, headers=headers))
    assert "points to another address" in error.message
    assert not [path for _, path in forge.requests if "stolen" in path]


def test_an_answer_that_is_not_the_api_is_an_error(forge: StandIn) -> None:
    page = failing(forge, Failure("GET", "/7/", status=200, body="<html>Please log in</html>"))
    assert "did not answer in JSON" in page.message
    odd = failing(forge, Failure("GET", "/7/", status=200, body='{"values": [{"id": "one"}]}'))
    assert "something else than documented" in odd.message
    empty = failing(forge, Failure("GET", "/7/", status=200, body=""))
    assert "something else than documented" in empty.message


def test_a_connection_that_breaks_off_is_tried_again(forge: StandIn) -> None:
    forge.failures.append(Failure("GET", "/7/", hang_up=True))
    assert post(forge.client(), PROD, "text").action == "created"
    assert len(forge.waits) == 1


def test_a_server_that_cannot_be_reached_is_one_message(forge: StandIn) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        forge.url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        error = failing(forge)
    assert "cannot be reached at 127.0.0.1" in error.message
    assert "refused" in error.message
    assert isinstance(error, ForgeError)


def test_the_token_goes_out_in_its_header_alone(forge: StandIn) -> None:
    post(forge.client(), PROD, "text")
    assert forge.authorization == {TOKEN if forge.face == "gitlab" else f"Bearer {TOKEN}"}
    assert TOKEN not in repr(forge.client())
    assert not [path for _, path in forge.requests if TOKEN in path]


def test_a_certificate_that_is_not_trusted_is_said_at_once(forge: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise urllib.error.URLError(ssl.SSLCertVerificationError("self-signed certificate"))

    monkeypatch.setattr(urllib.request.OpenerDirector, "open", refuse)
    error = failing(forge)
    assert "self-signed certificate" in error.message
    assert "SSL_CERT_FILE" in str(error.hint)
    assert not forge.waits


@pytest.mark.parametrize(
    "api",
    [
        "http://gitlab.acme.test/api/v4",
        "http://127.0.0.1.acme.test/api/v4",
        "ftp://x",
        "gitlab.acme.test",
        "file:///etc/passwd",
        "https://",
        "https://x:port/",
        "https://x/api v4",
        "https://x/?a=b",
        f"https://user:{TOKEN}@x/api/v4",
    ],
)
def test_the_token_is_sent_over_https_alone(api: str) -> None:
    environment = {"GITLAB_TOKEN": TOKEN, "CI_PROJECT_ID": "5", "CI_MERGE_REQUEST_IID": "7", "CI_API_V4_URL": api}
    with pytest.raises(UsageError, match="over https alone") as caught:
        gitlab.from_environment(environment)
    assert TOKEN not in str(caught.value)
