"""Which gateway addresses are taken and which are refused, and that a refusal helps."""

import pytest

from khatm.environment import Environment
from khatm.gateway import Gateway
from khatm.gateway.environments import gateway_base
from khatm.gateway.errors import GatewayUrlWithExtras, InsecureGatewayUrl, UnreadableGatewayUrl


@pytest.mark.parametrize(
    ("environment", "base"),
    [
        (Environment.SANDBOX, "https://gw-fatoora.zatca.gov.sa/e-invoicing/developer-portal"),
        (Environment.SIMULATION, "https://gw-fatoora.zatca.gov.sa/e-invoicing/simulation"),
        (Environment.PRODUCTION, "https://gw-fatoora.zatca.gov.sa/e-invoicing/core"),
    ],
)
def test_official_addresses(environment, base):
    assert gateway_base(environment) == base


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://127.0.0.1:8080/e-invoicing", "http://127.0.0.1:8080/e-invoicing/simulation"),
        ("http://127.0.0.1:8080/e-invoicing/", "http://127.0.0.1:8080/e-invoicing/simulation"),
        ("http://127.99.1.2/e-invoicing", "http://127.99.1.2/e-invoicing/simulation"),
        ("http://localhost:8080/e-invoicing", "http://localhost:8080/e-invoicing/simulation"),
        ("http://LOCALHOST/e-invoicing", "http://LOCALHOST/e-invoicing/simulation"),
        ("http://[::1]:8080/e-invoicing", "http://[::1]:8080/e-invoicing/simulation"),
        ("https://gateway.example/e-invoicing", "https://gateway.example/e-invoicing/simulation"),
        ("HTTPS://gateway.example/e-invoicing", "HTTPS://gateway.example/e-invoicing/simulation"),
        ("  https://gateway.example  ", "https://gateway.example/simulation"),
    ],
)
def test_replacement_takes_the_place_of_host_and_prefix(url, base):
    assert gateway_base(Environment.SIMULATION, url) == base


@pytest.mark.parametrize(
    "url",
    [
        "http://gw-fatoora.zatca.gov.sa/e-invoicing",
        "http://192.168.1.10:8080/e-invoicing",
        "http://0.0.0.0/e-invoicing",
        "http://127.0.0.1.example/e-invoicing",
        "http://localhost.example/e-invoicing",
        "http://notlocalhost/e-invoicing",
        "http://[::2]/e-invoicing",
        "http://[::ffff:127.0.0.1]/e-invoicing",
        "http://2130706433/e-invoicing",
        "http://128.0.0.1/e-invoicing",
    ],
)
def test_plain_http_is_refused_for_anything_but_this_machine(url):
    with pytest.raises(InsecureGatewayUrl) as caught:
        Gateway(Environment.PRODUCTION, base_url=url)
    assert caught.value.exit_code == 2
    assert url in caught.value.sentence()
    assert url in caught.value.sentence("ar")


@pytest.mark.parametrize(
    ("url", "part"),
    [
        ("https://user:hunter2@gateway.example/x", "user name or password"),
        ("https://hunter2@gateway.example/x", "user name or password"),
        ("http://127.0.0.1@gateway.example/x", "user name or password"),
        ("https://gateway.example/x?key=hunter2", "query"),
        ("https://gateway.example/x?", "query"),
        ("https://gateway.example/x#hunter2", "fragment"),
    ],
)
def test_credentials_query_and_fragment_are_refused_and_not_repeated(url, part):
    with pytest.raises(GatewayUrlWithExtras) as caught:
        gateway_base(Environment.SANDBOX, url)
    assert caught.value.part == part
    assert part in caught.value.sentence()
    for language in ("en", "ar"):
        assert "hunter2" not in caught.value.sentence(language)
        assert "gateway.example/x" in caught.value.sentence(language)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "gateway.example",
        "/e-invoicing",
        "ftp://127.0.0.1/x",
        "file:///etc/passwd",
        "https://",
        "https:///e-invoicing",
        "https://gateway.example:port/x",
        "https://gateway.example:0/x",
        "https://gateway.example:99999/x",
        "https://[::1/x",
        "https://gate way.example/x",
        "https://gateway.example\\@evil.example/x",
        "https://gateway.example/\r\nX: y",
        "https://بوابة.example/x",
    ],
)
def test_anything_else_is_unreadable(url):
    with pytest.raises(UnreadableGatewayUrl) as caught:
        gateway_base(Environment.SANDBOX, url)
    assert "http" in caught.value.sentence()
    assert "http" in caught.value.sentence("ar")
