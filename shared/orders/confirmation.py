"""The message that confirms an order: in Bengali or English, as e-mail or, where there is no address, as SMS.

Names and titles come from strangers. In HTML everything is escaped; a subject is one line; and a customer's own words
never stand in the message, since whoever orders under another's number would have us say them.
"""

from dataclasses import dataclass
from html import escape
from uuid import UUID

from sqlalchemy.orm import Session

from shared.core.money import Money
from shared.messaging import outgoing
from shared.messaging.models import ChannelKind
from shared.orders import guest_links, queries, wording
from shared.orders.models import Order
from shared.orders.numbers import written
from shared.orders.queries import OrderDocument
from shared.orders.schemas import personal_of
from shared.orders.wording import Words
from shared.stores.queries import StoreFacts, present_store

PURPOSE = "order_confirmation"

_LINES_IN_SMS = 3  # a text message is paid by its length


def confirm(session: Session, order_id: UUID) -> None:
    """Queue the confirmation of an order, once however often it is asked for. Three statements.

    By e-mail where there is an address, by SMS otherwise; not at all once the person's data was erased.
    """
    document = queries.get_order(session, order_id)
    personal = personal_of(document.order)
    if personal is None:
        return
    store = present_store(session)
    words = wording.in_language_of(document.order.locale)
    link = guest_links.page_address(
        store.id,
        order_id,
        publishable_key=store.publishable_key,
        days=store.settings.order_link_days,
    )
    letter = _Letter(words, store, document, link)
    dedupe_key = f"{PURPOSE}:{order_id}"
    if personal.contact.email is not None:
        outgoing.enqueue(
            session,
            ChannelKind.EMAIL,
            to=personal.contact.email,
            subject=letter.subject(),
            text=letter.text(),
            html=letter.html(),
            purpose=PURPOSE,
            dedupe_key=dedupe_key,
        )
    elif personal.contact.phone is not None:
        outgoing.enqueue(
            session,
            ChannelKind.SMS,
            to=personal.contact.phone,
            text=letter.sms(),
            purpose=PURPOSE,
            dedupe_key=dedupe_key,
        )


@dataclass(frozen=True)
class _Letter:
    """One confirmation, in the forms that the channels take."""

    words: Words
    store: StoreFacts
    document: OrderDocument
    link: str

    def subject(self) -> str:
        return self._filled(self.words.subject)

    def text(self) -> str:
        lines = [f"{_one_line(title)}: {amount}" for title, amount in self._lines()]
        amounts = [f"{name}: {amount}" for name, amount in self._amounts()]
        paragraphs = (self._filled(self.words.thanks), *lines, "", *amounts, "", self.words.see, self.link)
        return "\n".join((paragraphs[0], "", *paragraphs[1:])) + "\n"

    def html(self) -> str:
        lines = "".join(_row(title, amount) for title, amount in self._lines())
        amounts = "".join(_row(name, amount) for name, amount in self._amounts())
        href = escape(self.link, quote=True)
        return (
            f'<!doctype html><html lang="{escape(self._order.locale, quote=True)}"><meta charset="utf-8"><body>'
            f"<p>{escape(self._filled(self.words.thanks))}</p>"
            f'<table cellpadding="4">{lines}<tr><td colspan="2"><hr></td></tr>{amounts}</table>'
            f'<p>{escape(self.words.see)} <a href="{href}">{escape(written(self._order.number))}</a></p></body></html>'
        )

    def sms(self) -> str:
        titles = [_one_line(title) for title, _ in self._lines()]
        left = len(titles) - _LINES_IN_SMS
        told = "; ".join(titles[:_LINES_IN_SMS]) + ("; " + self.words.more.format(count=left) if left > 0 else "")
        total = self._money(self._order.total)
        return f"{self._filled(self.words.thanks)} {told}. {self.words.total}: {total}. {self.link}"

    @property
    def _order(self) -> Order:
        return self.document.order

    def _filled(self, pattern: str) -> str:
        # Replaced one by one, not formatted: a store's name with braces in it is a name and not a pattern.
        return pattern.replace("{number}", written(self._order.number)).replace("{store}", _one_line(self.store.name))

    def _lines(self) -> list[tuple[str, str]]:
        return [(wording.title(line), self._money(line["total"])) for line in self.document.lines]

    def _amounts(self) -> list[tuple[str, str]]:
        return wording.amounts(self.words, self._order)

    def _money(self, amount: int) -> str:
        return Money(amount, self._order.currency).format()


def _one_line(text: str) -> str:
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def _row(left: str, right: str) -> str:
    return f'<tr><td>{escape(left)}</td><td align="right">{escape(right)}</td></tr>'
