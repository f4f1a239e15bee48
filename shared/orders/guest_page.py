"""The page behind the link in a confirmation: the guest's order, for people rather than programs.

One small document without scripts, images or addresses of its own. Everything in it may come from a stranger and is
escaped; a policy in its headers forbids the browser to load or run anything, or to tell other sites where it came from.
"""

from html import escape

from shared.core.money import Money
from shared.orders import wording
from shared.orders.numbers import written
from shared.orders.queries import OrderDocument

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",  # the link is the key to the order
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
"""What goes with the page."""

_STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b}"
    "table{width:100%;border-collapse:collapse}td{padding:.35rem 0;border-bottom:1px solid #ddd}"
    "td+td{text-align:right;white-space:nowrap}tfoot tr:last-child td{font-weight:600;border:0}"
)


def render(document: OrderDocument) -> str:
    """Return the page as HTML, in the order's language. It names no person: who holds the link sees what was bought."""
    order = document.order
    words = wording.in_language_of(order.locale)
    heading = escape(words.order.replace("{number}", written(order.number)))
    standing = "".join(_row(name, told) for name, told in wording.standing(words, order))
    lines = "".join(_row(wording.title(line), Money(line["total"], order.currency).format()) for line in document.lines)
    amounts = "".join(_row(name, amount) for name, amount in wording.amounts(words, order))
    tracked = [one["tracking_url"] for one in document.fulfillments if one["tracking_url"]]
    parcels = "".join(
        f'<p><a rel="noreferrer noopener" href="{escape(url, quote=True)}">{escape(words.parcel)}</a></p>'
        for url in tracked
    )
    return (
        f'<!doctype html><html lang="{words.language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{heading}</title>'
        f"<style>{_STYLE}</style></head><body><main><h1>{heading}</h1>"
        f"<table><tbody>{standing}</tbody></table>{parcels}"
        f"<table><tbody>{lines}</tbody><tfoot>{amounts}</tfoot></table></main></body></html>"
    )


def _row(left: str, right: str) -> str:
    return f"<tr><td>{escape(left)}</td><td>{escape(right)}</td></tr>"
