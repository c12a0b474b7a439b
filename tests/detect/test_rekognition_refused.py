"""What stops a run at once: permissions, credentials, endpoints, regions; and that no secret is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from labelplan.errors import AnswersPending, AwsRefused
from tests.detect.asking import DEER, opened
from tests.detect.wire import error

if TYPE_CHECKING:
    from tests.detect.wire import Wire


@pytest.mark.parametrize(
    ("code", "todo"),
    [
        ("AccessDeniedException", "rekognition:DetectLabels"),
        ("UnrecognizedClientException", "aws sts get-caller-identity"),
        ("InvalidSignatureException", "wrong clock"),
        ("ExpiredTokenException", "aws sso login"),
        ("ValidationException", ""),
        ("", ""),
        ("SomethingNewException", ""),
    ],
)
def test_what_would_stop_every_image_stops_the_run_at_once_and_says_what_to_do(
    wire: Wire, code: str, todo: str
) -> None:
    wire.play(error(code, "No."))
    with opened() as detector, pytest.raises(AwsRefused, match=f"{code}: No.") as caught:
        detector.detect(DEER)
    assert todo in caught.value.advice
    assert len(wire.requests) == 1


def test_a_wrong_signature_does_not_show_the_session_token(wire: Wire) -> None:
    wire.play(
        error("InvalidSignatureException", "It does not match.\n\nThe Canonical String:\nx-amz-security-token:SECRET")
    )
    with opened() as detector, pytest.raises(AwsRefused) as caught:
        detector.detect(DEER)
    assert caught.value.what == "Rekognition said InvalidSignatureException: It does not match."


@pytest.mark.parametrize("name", ["AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID"])
def test_a_line_break_in_the_credentials_is_told_and_they_are_not_shown(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "SECRET\nSECRET")
    with opened() as detector, pytest.raises(AwsRefused, match="hold a line break") as caught:
        detector.detect(DEER)
    assert "SECRET" not in caught.value.what + caught.value.advice
    assert wire.requests == []


def test_what_python_says_about_a_request_is_not_shown(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_kwargs: object) -> None:
        raise TypeError("SECRET")

    monkeypatch.setattr("http.client.HTTPConnection.putheader", refuse)
    with opened() as detector, pytest.raises(AnswersPending, match="TypeError") as caught:
        detector.detect(DEER)
    assert "SECRET" not in caught.value.what
    assert wire.requests == []


@pytest.mark.parametrize(
    "url", ["http://user:hunter2@127.0.0.1:1", "http://user:hunter2@x@127.0.0.1:1", "http://hunter2@127.0.0.1:1/a?b"]
)
@pytest.mark.parametrize("region", ["eu-west-1", "mars-north-1"])
@pytest.mark.usefixtures("wire")
def test_a_password_in_the_endpoint_is_not_shown(url: str, region: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", url)
    with opened(region=region) as detector, pytest.raises((AnswersPending, AwsRefused)) as caught:
        detector.detect(DEER)
    assert '"http://127.0.0.1:1/' in caught.value.what
    assert "hunter2" not in caught.value.what


@pytest.mark.parametrize(
    "url", ["user:hunter2@127.0.0.1:1", "http://user:hunter2/@127.0.0.1:1", "http://hunter2:99999"]
)
def test_an_endpoint_that_is_no_url_is_refused_and_not_shown(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", url)
    with pytest.raises(AwsRefused, match=r"endpoint .* is no URL") as caught, opened():
        pass
    assert "hunter2" not in caught.value.what
    assert "AWS_ENDPOINT_URL_REKOGNITION" in caught.value.advice


def test_without_credentials_the_run_stops_before_any_call(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with opened() as detector, pytest.raises(AwsRefused, match="credentials") as caught:
        detector.detect(DEER)
    assert "aws sso login" in caught.value.advice
    assert wire.requests == []


def test_a_profile_that_does_not_exist_is_refused(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(AwsRefused, match="nobody"), opened():
        pass
    assert wire.requests == []


def test_a_region_that_cannot_be_one_is_refused(wire: Wire) -> None:
    with pytest.raises(AwsRefused, match="us east!") as caught, opened(region="us east!"):
        pass
    assert "region" in caught.value.advice
    assert wire.requests == []


@pytest.mark.parametrize(("region", "kind"), [("mars-north-1", AwsRefused), ("eu-west-1", AnswersPending)])
def test_an_endpoint_out_of_reach_means_a_wrong_region_only_where_there_is_no_rekognition(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, region: str, kind: type[Exception]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", "http://127.0.0.1:1")
    with opened(region=region) as detector, pytest.raises(kind):
        detector.detect(DEER)
    assert wire.requests == []
