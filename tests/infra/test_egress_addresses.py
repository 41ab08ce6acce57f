"""Which addresses are refused, and what a URL really names."""

from __future__ import annotations

import pytest

from app.core.errors import StageError
from app.infra.egress_addresses import is_number_host, read_address, read_target, refused_block

# The first and the last address of every block of contract 06.
REFUSED = """
0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255 127.0.0.0 127.255.255.255
169.254.0.0 169.254.169.254 169.254.255.255 172.16.0.0 172.31.255.255 192.0.0.0 192.0.0.255
192.0.2.0 192.0.2.255 192.88.99.0 192.88.99.255 192.168.0.0 192.168.255.255 198.18.0.0
198.19.255.255 198.51.100.0 198.51.100.255 203.0.113.0 203.0.113.255 224.0.0.0 239.255.255.255
240.0.0.0 255.255.255.255 :: ::1 64:ff9b:1:: 64:ff9b:1:ffff:ffff:ffff:ffff:ffff 100:: 100::ffff
2001:: 2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff 2001:db8:: 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff
2002:: 2002:ffff::1 fc00:: fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff fe80:: fe80::1%eth0
febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff fec0:: feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ff00::
ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ::ffff:127.0.0.1 ::ffff:a00:1 64:ff9b::10.0.0.1
64:ff9b::7f00:1
""".split()

# The neighbours of the blocks, and carried addresses that are public.
PERMITTED = """
1.0.0.0 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 169.253.255.255
169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.0.3.0 192.88.98.255 192.88.100.0
192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 198.51.99.255 198.51.101.0 203.0.112.255
203.0.114.0 223.255.255.255 2001:200:: 2001:db7:: 2001:db9:: 2003:: 2620:fe::fe 64:ff9b:2::
fbff:: ::ffff:9.9.9.9 64:ff9b::9.9.9.9
""".split()


@pytest.mark.parametrize("address", REFUSED)
def test_address_of_a_refused_block_is_refused(address):
    assert refused_block(read_address(address)) is not None


@pytest.mark.parametrize("address", PERMITTED)
def test_address_beside_the_refused_blocks_is_permitted(address):
    assert refused_block(read_address(address)) is None


@pytest.mark.parametrize(
    "host", ["127.1", "0x7f000001", "2130706433", "017700000001", "0x7f.1", "a.0x1", "127.1."]
)
def test_name_that_ends_in_a_number_is_a_number_host(host):
    assert is_number_host(host)


@pytest.mark.parametrize("host", ["example.com", "9.9.9.9", "::1", "1.example", "0x.example", ""])
def test_plain_name_or_address_is_no_number_host(host):
    assert not is_number_host(host)


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("HTTPS://EXAMPLE.com.:443/", "https://example.com/"),
        ("http://example.com", "http://example.com/"),
        ("http://example.com:8080/a/../b?c#d", "http://example.com:8080/b?c"),
        ("http://bücher.example/ä", "http://xn--bcher-kva.example/%C3%A4"),
        ("https://[2620:00fe:0:0::fe]:8443/", "https://[2620:fe::fe]:8443/"),
        ("http://9.9.9.9/", "http://9.9.9.9/"),
        (" http://example.com/a b ", "http://example.com/a%20b"),
        (r"http://example.com/?a\b", r"http://example.com/?a\b"),
        ("http://example.com/@x", "http://example.com/@x"),
    ],
)
def test_url_is_normalised(url, normal):
    assert read_target(url).url == normal


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "javascript:alert(1)",
        "data:text/plain,x",
        r"http://example.com\@evil.test/",
        r"http:\\example.com/",
        r"http://example.com/a\b",
        "http://127.1/",
        "http://0x7f000001/",
        "http://2130706433/",
        "http://017700000001:80/",
        "http://%31%32%37.1/",
        "http://１２７.0.0.1/",
        "http://127。0。0。1/",
    ],
)
def test_url_that_misleads_is_refused_with_security(url):
    with pytest.raises(StageError) as refused:
        read_target(url)

    assert refused.value.type == "SECURITY"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "/path",
        "//example.com/",
        "http:example.com",
        "http:///example.com",
        "http://",
        "http://user@example.com/",
        "http://user:secret@example.com/",
        "http://@example.com/",
        "http://exa mple.com/",
        "http://example.com:99999/",
        "http://example.com/\r\nX: y",
        "http://example\t.com/",
        "http://example.com/\x00",
        "http://[::1%25eth0]/",
        "http://[::1/",
        "http://1.2.3.4.5/",
        "http://./",
        "http://example.com/\ud800",
    ],
)
def test_malformed_url_is_refused_with_validation(url):
    with pytest.raises(StageError) as refused:
        read_target(url)

    assert refused.value.type == "VALIDATION"


def test_refused_userinfo_is_not_repeated_in_the_sentence():
    with pytest.raises(StageError) as refused:
        read_target("http://user:hunter2@example.com/")

    assert "hunter2" not in refused.value.message
