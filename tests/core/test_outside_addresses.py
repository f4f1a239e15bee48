"""Which addresses are asked at all, and what they may lead to: never inside, however it is spelled."""

import ipaddress

import pytest

from shared.core.outside import Outside, Unreachable, could_be_asked, is_public
from tests.core.strangers import fetch

INSIDE = [
    "0.0.0.0",  # noqa: S104 -- nobody listens on it
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:8.8.8.8",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:a9fe:a9fe::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_not_public_and_not_connected_to(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))
    with pytest.raises(Unreachable) as refused:
        fetch(Outside(resolve=lambda _host, _port: [address]), "http://pictures.example/")

    assert (refused.value.code, refused.value.retryable) == ("forbidden_address", False)


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "104.16.0.1", "2606:4700::1111", "2a00:1450:4001::1"])
def test_an_address_on_the_internet_is_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


def test_one_address_inside_among_others_is_enough_to_refuse() -> None:
    with pytest.raises(Unreachable, match="forbidden_address"):
        fetch(Outside(resolve=lambda _host, _port: ["8.8.8.8", "10.0.0.1"]), "http://pictures.example/")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://0/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://localhost/",
        "http://127.0.0.1./",
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/",
        "http://①②⑦.0.0.1/",
    ],
)
def test_no_spelling_of_a_number_leads_inside(url: str) -> None:
    with pytest.raises(Unreachable) as refused:
        fetch(Outside(), url)

    assert refused.value.code in {"forbidden_address", "unresolvable", "invalid_url"}


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "gopher://example.com/",
        "file:///etc/passwd",
        "http:///",
        "http://user@example.com/",
        "http://user:secret@example.com/",
        "http://example.com:22/",
        "http://example.com:6379/",
        "http://example.com:0x50/",
        "http://example.com\\@10.0.0.1/",
        "http://exa mple.com/",
        "http://example.com/\r\nHost:%20inside",
        "http://example.com/\x00",
        "http://[fe80::1%25eth0]/",
        "http://exam_ple/%",
        "http://" + "a" * 64 + ".example/",
        "//example.com/",
        "http:example.com",
    ],
)
def test_an_address_that_is_none_of_the_usual_is_not_asked(url: str) -> None:
    assert not could_be_asked(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://cdn.shopify.com/s/files/1/0123/products/a.jpg?v=1700000000",
        " http://example.com ",
        "https://example.com:443/a b/ছবি.jpg",
        "https://বাংলা.example/1.png",
        "http://[2606:4700::1111]/1.png",
    ],
)
def test_the_addresses_that_shops_write_are_asked(url: str) -> None:
    assert could_be_asked(url)
