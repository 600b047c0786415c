"""The one page that people see."""

import base64
import hashlib
from collections.abc import Mapping
from html import escape

from shop.config import Config
from shop.content import Product

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .5rem;border-bottom:1px solid #ddd}"
    "td:last-child,th:last-child{text-align:right}dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem}"
    "dd{margin:0;font-family:ui-monospace,monospace;overflow-wrap:anywhere}footer{margin-top:2rem;color:#666}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

SECURITY_POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'"


def render(config: Config, greeting: str, catalogue: Mapping[str, Product], *, secret_loaded: bool) -> str:
    rows = "".join(
        f"<tr><td>{escape(product.name)}</td><td>{_price(product.price, config.currency)}</td></tr>\n"
        for product in catalogue.values()
    )
    facts = "".join(
        f"<dt>{name}</dt><dd>{escape(value)}</dd>\n"
        for name, value in (
            ("version", config.version),
            ("commit", config.commit),
            ("pod", config.pod),
            ("secret loaded", "yes" if secret_loaded else "no"),
        )
    )
    name = escape(config.name)
    return (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{name}</title>\n'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>\n'
        f"<body>\n<h1>{name}</h1>\n<p>{escape(greeting)}</p>\n"
        f"<table>\n<tr><th>Tea</th><th>Price</th></tr>\n{rows}</table>\n"
        f"<footer><dl>\n{facts}</dl></footer>\n</body>\n</html>\n"
    )


def _price(minor_units: int, currency: str) -> str:
    return f"{minor_units // 100}.{minor_units % 100:02d} {escape(currency)}"
