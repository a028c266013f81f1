"""One address against a far end that answers as it should, and as it should not."""

from __future__ import annotations

import datetime
import email.utils
import gzip
import io
import socket
import threading
import time
from contextlib import suppress

import pytest

from mipdns.errors import FetchError
from mipdns.fetch.transfer import REDIRECTS_MAX, Answer, Client, Limits
from tests.unit.fetch.far_end import Asked, FarEnd, answer, far_end, read_head

QUICK = Limits(timeout_s=0.3, deadline_s=20.0, attempts=1, bytes_max=1 << 20, unpacked_max=1 << 20)
BODY = b"192.0.2.1\n" * 100


def get(far, limits=QUICK, path="/list", **keys) -> bytes:
    into = io.BytesIO()
    assert Client(limits, sleep=lambda _: None).get(far.url(path), into, **keys).status == 200
    return into.getvalue()


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + end


def stalls(after: bytes):
    def play(asked: Asked, connection: socket.socket) -> None:
        connection.sendall(after)
        with suppress(OSError):
            connection.recv(1)  # until the client has had enough

    return play


def drips(head: bytes, each: bytes, pause_s: float):
    def play(asked: Asked, connection: socket.socket) -> None:
        with suppress(OSError):
            connection.sendall(head)
            for _ in range(200):
                connection.sendall(each)
                time.sleep(pause_s)

    return play


WHOLE = {
    "length": answer(BODY),
    "chunks": chunked(BODY[:10], BODY[10:]),
    "until the end": answer(BODY, length=-1),
    "gzip on the way": answer(gzip.compress(BODY), Content_Encoding="gzip"),
    "two members": answer(gzip.compress(BODY[:70]) + gzip.compress(BODY[70:]), Content_Encoding="x-gzip"),
    "well packed": answer(gzip.compress(BODY * 1000), Content_Encoding="gzip"),
    "identity": answer(BODY, Content_Encoding="identity"),
    "length told twice alike": answer(BODY, Content_Length=str(len(BODY))),
    "empty": answer(b""),
    "empty in gzip": answer(b"", Content_Encoding="gzip"),
    "stays open": stalls(answer(BODY)),
}


@pytest.mark.parametrize("play", WHOLE.values(), ids=WHOLE)
def test_whole_answers_are_taken(play):
    with far_end(play) as far:
        assert get(far) in (BODY, BODY * 1000, b"")


BAD = {
    "shorter than told": (answer(BODY, length=len(BODY) + 7), "ends after 1000 of 1007 bytes"),
    "longer than told": (answer(BODY, length=len(BODY) - 7), "more is sent than the 993 bytes"),
    "length is no number": (answer(BODY, length=-1, Content_Length="many"), "Content-Length"),
    "lengths that differ": (answer(BODY, Content_Length="7"), "Content-Length"),
    "negative length": (answer(BODY, length=-1, Content_Length="-5"), "Content-Length"),
    "a chunk too short": (chunked(BODY, end=b"ff\r\nabc"), "does not speak HTTP"),
    "no last chunk": (chunked(BODY, end=b""), "does not speak HTTP"),
    "unknown transfer coding": (answer(BODY, length=-1, Transfer_Encoding="gzip, chunked"), "Transfer-Encoding"),
    "unknown content coding": (answer(BODY, Content_Encoding="br"), "Content-Encoding 'br'"),
    "gzip cut short": (answer(gzip.compress(BODY)[:-9], Content_Encoding="gzip"), "ends too early"),
    "gzip that is none": (answer(BODY, Content_Encoding="gzip"), "is damaged"),
    "too large, told": (answer(BODY, length=1 << 40), "more than bytes_max"),
    "too large, untold": (answer(b"x" * (2 << 20), length=-1), "more bytes than bytes_max"),
    "a gzip bomb": (answer(gzip.compress(bytes(50 << 20)), Content_Encoding="gzip"), "more bytes than unpacked_max"),
    "no HTTP": (b"220 mail.example ESMTP\r\n\r\n", "does not speak HTTP"),
    "nothing": (stalls(b""), "does not answer in time"),
    "half a head": (stalls(b"HTTP/1.1 200 OK\r\nContent-Le"), "does not answer in time"),
    "half a body": (stalls(answer(BODY, length=5000)), "does not answer in time"),
    "endless headers": (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 5000 + b"\r\n", "does not speak HTTP"),
    "not found": (answer(b"no", 404), "it answers 404"),
    "forbidden": (answer(b"no", 403), "it answers 403"),
    "a part": (answer(BODY, 206), "it answers 206"),
    "no content": (answer(b"", 204), "it answers 204"),
    "not modified, unasked": (answer(b"", 304), "it answers 304"),
    "redirect to nowhere": (answer(b"", 302), "without saying where"),
    "redirect to a file": (answer(b"", 302, Location="file:///etc/passwd"), "cannot be fetched"),
    "redirect to rubbish": (answer(b"", 302, Location="http://[::1"), "cannot be fetched"),
}


@pytest.mark.parametrize(("play", "words"), BAD.values(), ids=BAD)
def test_what_is_not_whole_is_refused(play, words):
    with far_end(play) as far, pytest.raises(FetchError) as told:
        get(far)
    assert words in str(told.value)


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nX: ", answer(b"", length=1000)])
def test_a_far_end_that_drips_is_left_at_the_deadline(head):
    with far_end(drips(head, b"H", 0.05)) as far, pytest.raises(FetchError) as told:
        get(far, QUICK._replace(deadline_s=0.4))
    assert "deadline_s" in str(told.value) or "does not answer in time" in str(told.value)


def test_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(FetchError, match="the connection fails: Connection refused") as told:
        Client(QUICK).get(f"http://127.0.0.1:{port}/", io.BytesIO())
    assert told.value.passing


def test_what_was_written_by_a_failed_try_is_gone():
    with far_end(answer(b"long, long ago", length=100), answer(b"new")) as far:
        assert get(far, QUICK._replace(attempts=2)) == b"new"


PASSING = [answer(b"", status) for status in (408, 425, 429, 500, 502, 503, 504)] + [answer(BODY, length=5000), b"?"]


@pytest.mark.parametrize("play", PASSING)
def test_what_may_pass_is_tried_again(play):
    pauses: list[float] = []
    with far_end(play, play, answer(BODY)) as far:
        into = io.BytesIO()
        Client(QUICK._replace(attempts=3), sleep=pauses.append, chance=lambda: 1.0).get(far.url(), into)
    assert (into.getvalue(), pauses) == (BODY, [1.0, 2.0])


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 501])
def test_what_will_not_pass_is_asked_once(status):
    with far_end(answer(b"", status)) as far:
        with pytest.raises(FetchError, match=f"it answers {status}$"):
            get(far, QUICK._replace(attempts=4))
        assert len(far.asked) == 1


def test_pauses_grow_and_are_bounded_and_random():
    pauses: list[float] = []
    with far_end(answer(b"", 500)) as far, pytest.raises(FetchError, match="it answers 500, after 8 tries"):
        limits = QUICK._replace(attempts=8, deadline_s=1000)
        Client(limits, sleep=pauses.append, chance=lambda: 0.5).get(far.url(), io.BytesIO())
    assert pauses == [0.5, 1, 2, 4, 8, 15, 15]


def test_retry_after_is_kept():
    pauses: list[float] = []
    with far_end(answer(b"", 429, Retry_After="7"), answer(BODY)) as far:
        Client(QUICK._replace(attempts=2), sleep=pauses.append).get(far.url(), io.BytesIO())
    assert pauses == [7.0]


def in_an_hour() -> str:
    return email.utils.format_datetime(datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1), usegmt=True)


@pytest.mark.parametrize(
    ("told", "least", "most"), [("3600", 3600, 3600), (in_an_hour, 3000, 3600), ("9" * 400, 86400, 86400)]
)
def test_a_long_retry_after_ends_the_try_and_is_handed_on(told, least, most):
    with far_end(answer(b"", 503, Retry_After=told() if callable(told) else told)) as far:
        with pytest.raises(FetchError) as fault:
            get(far, QUICK._replace(attempts=4))
        assert len(far.asked) == 1
    assert fault.value.wait_s is not None
    assert least <= fault.value.wait_s <= most


@pytest.mark.parametrize("told", ["soon", "-5", "1.5", "Fri, 99 Nov 2026 99:99:99 GMT", ""])
def test_a_retry_after_without_sense_counts_as_none(told):
    pauses: list[float] = []
    with far_end(answer(b"", 429, Retry_After=told), answer(BODY)) as far:
        Client(QUICK._replace(attempts=2), sleep=pauses.append, chance=lambda: 1.0).get(far.url(), io.BytesIO())
    assert pauses == [1.0]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed(status):
    with far_end(answer(b"", status, Location="/else where/ü?a=%20"), answer(BODY)) as far:
        assert get(far) == BODY
        assert [asked.target for asked in far.asked] == ["/list", "/else%20where/%FC?a=%20"]


def test_a_redirect_loop_ends():
    with far_end(answer(b"", 302, Location="/list")) as far:
        with pytest.raises(FetchError, match="it redirects more than 5 times"):
            get(far)
        assert len(far.asked) == REDIRECTS_MAX + 1


def test_conditions_and_not_modified():
    with far_end(answer(b"", 304, ETag='"2"')) as far:
        told = Client(QUICK).get(far.url(), io.BytesIO(), headers={"If-None-Match": '"1"'})
        assert (told, far.asked[0].headers["if-none-match"]) == (Answer(304, '"2"', ""), '"1"')


def test_who_asks_is_told():
    with far_end(answer(BODY)) as far:
        get(far, QUICK._replace(contact="noc@example.net"))
        asked = far.asked[0].headers
    assert asked["user-agent"].startswith("mipdns/")
    assert asked["user-agent"].endswith("(list fetcher; noc@example.net)")
    assert (asked["accept-encoding"], asked["connection"], asked["host"]) == ("gzip", "close", f"127.0.0.1:{far.port}")


def test_https_with_a_certificate_that_is_trusted(server_tls, client_tls):
    with far_end(answer(BODY), tls=server_tls) as far:
        into = io.BytesIO()
        Client(QUICK._replace(timeout_s=5), tls=client_tls).get(far.url(), into, authorization="Key abc")
        assert (into.getvalue(), far.asked[0].headers["authorization"]) == (BODY, "Key abc")


def test_https_with_a_certificate_that_is_not(server_tls):
    with (
        far_end(answer(BODY), tls=server_tls) as far,
        pytest.raises(FetchError, match="its certificate is not good") as told,
    ):
        Client(QUICK._replace(timeout_s=5)).get(far.url(), io.BytesIO())
    assert not told.value.passing


def test_a_redirect_from_https_to_http_is_refused(server_tls, client_tls):
    with far_end(answer(BODY)) as plain, far_end(answer(b"", 302, Location=plain.url()), tls=server_tls) as far:
        with pytest.raises(FetchError, match="it redirects from https to http://127"):
            Client(QUICK._replace(timeout_s=5), tls=client_tls).get(far.url(), io.BytesIO(), authorization="Key abc")
        assert plain.asked == []


def test_a_secret_is_not_taken_elsewhere(server_tls, client_tls):
    with (
        far_end(answer(BODY), tls=server_tls) as other,
        far_end(answer(b"", 302, Location=other.url()), tls=server_tls) as far,
    ):
        Client(QUICK._replace(timeout_s=5), tls=client_tls).get(far.url(), io.BytesIO(), authorization="Key abc")
        assert far.asked[0].headers["authorization"] == "Key abc"
        assert "authorization" not in other.asked[0].headers


def test_a_proxy_of_the_environment(monkeypatch):
    with far_end(answer(BODY)) as proxy, far_end(answer(b"direct")) as far:
        monkeypatch.setenv("http_proxy", f"http://me:p%40ss@127.0.0.1:{proxy.port}")
        assert get(far) == BODY
        assert proxy.asked[0].target == far.url()
        assert proxy.asked[0].headers["proxy-authorization"] == "Basic bWU6cEBzcw=="
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert get(far) == b"direct"


def pipe(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def tunnels_to(far: FarEnd):
    def play(asked: Asked, connection: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", far.port), 5) as beyond:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=pipe, args=(beyond, connection), daemon=True)
            back.start()
            pipe(connection, beyond)
            back.join(5)

    return play


def test_a_tunnel_through_a_proxy(monkeypatch, server_tls, client_tls):
    with far_end(answer(BODY), tls=server_tls) as far, far_end(tunnels_to(far)) as proxy:
        monkeypatch.setenv("https_proxy", f"127.0.0.1:{proxy.port}")
        into = io.BytesIO()
        Client(QUICK._replace(timeout_s=5), tls=client_tls).get(far.url(), into, authorization="Key abc")
        assert into.getvalue() == BODY
        assert (proxy.asked[0].method, proxy.asked[0].target) == ("CONNECT", f"localhost:{far.port}")
        assert "authorization" not in proxy.asked[0].headers


def test_a_proxy_that_refuses(monkeypatch, client_tls):
    with far_end(answer(b"no", 407)) as proxy:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(FetchError, match="the proxy refuses a tunnel: 407"):
            Client(QUICK, tls=client_tls).get("https://localhost:1/", io.BytesIO())


def test_a_head_is_read_whole():
    """The far end of these tests itself: a request in pieces is one request."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for piece in (b"GET / HT", b"TP/1.1\r\nHost: x\r\n", b"\r\n"):
            ours.sendall(piece)
        assert read_head(theirs) == Asked("/", {"host": "x"})
