"""Where an ad may lead."""

from __future__ import annotations

import pytest

from services.ads.campaigns.domain.destination import clean_destination

WRITTEN_AND_CLEAN = [
    ("https://shop.example.com", "https://shop.example.com"),
    ("https://shop.example.com/A?q=a@b:c#d", "https://shop.example.com/A?q=a@b:c#d"),
    ("https://shop.example.com?q", "https://shop.example.com?q"),
    ("HTTPS://Shop.EXAMPLE.com/A", "https://shop.example.com/A"),
    ("https://shop.example.com:443/a", "https://shop.example.com/a"),
    ("https://bücher.example/a", "https://xn--bcher-kva.example/a"),
    ("https://xn--bcher-kva.example/a", "https://xn--bcher-kva.example/a"),
    (" https://shop.example.com/a ", "https://shop.example.com/a"),
]
REFUSED = [
    "",
    "nowhere",
    "http://shop.example.com",
    "javascript:alert(1)",
    "//shop.example.com",
    "https:shop.example.com",
    "https://",
    "https:///a",
    "https://user:pass@shop.example.com/",
    "https://user@shop.example.com/",
    "https://@shop.example.com/",
    "https://shop.example.com%40evil.example/",
    "https://shop.example.com\uff20evil.example/",
    "https://shop.example.com\\@evil.example/",
    "https://evil.example\\.shop.example.com/",
    "https://shop.example.com:8443/",
    "https://shop.example.com:80/",
    "https://shop.example.com:443:443/",
    "https://shop.example.com:/",
    "https://shop..example.com/",
    "https://-shop.example.com/",
    "https://shop-.example.com/",
    "https://shop.example-/",
    "https://shop.e/",
    "https://shop.example.com/a b",
    "https://shop.example.com/a\nb",
    "https://shop.example.com/a\x00b",
    "https://shop.example.com/\u202ebook",
    "https://sh\top.example.com/",
    "https://127.0.0.1/",
    "https://169.254.169.254/",
    "https://[::1]/",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://localhost/",
    "https://printer.local/",
    "https://finance.internal./",
    "https://example/",
]
TOO_LONG = [
    "https://" + "a" * 64 + ".example/",
    "https://shop." + "a" * 64 + "/",
    "https://" + "a." * 127 + "example/",
]


class TestCleanDestination:
    @pytest.mark.parametrize(("written", "clean"), WRITTEN_AND_CLEAN)
    def test_keeps_a_plain_https_address(self, written: str, clean: str) -> None:
        assert clean_destination(written) == clean

    @pytest.mark.parametrize("written", REFUSED + TOO_LONG)
    def test_refuses_what_leads_elsewhere(self, written: str) -> None:
        assert clean_destination(written) is None
