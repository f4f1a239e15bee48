"""The channels of the cloud: e-mail by SES, text messages by SNS.

Neither is asked twice within a call: the row decides when a message is tried again. What the provider refuses for good
is told from what may work later by its error code; an unknown one counts as later, since the tries of a row end.
"""

from email.utils import formataddr
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from shared.core.settings import SettingsError, settings
from shared.messaging.channel import Answer, OutgoingMessage, Refused, Sent, TryLater

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sns import SNSClient

_NEVER = frozenset({"MessageRejected", "BadRequestException", "InvalidParameter", "InvalidParameterValue", "OptedOut"})
_UTF8 = "UTF-8"


class AmazonEmail:
    """E-mail by SES, from the address of the storefronts' domain and under the store's name."""

    def send(self, message: OutgoingMessage) -> Answer:
        """Send one e-mail, as text and, where there is any, as HTML beside it."""
        sender = formataddr((message.sender, _from_address()))
        body: dict[str, Any] = {"Text": {"Data": message.text, "Charset": _UTF8}}
        if message.html is not None:
            body["Html"] = {"Data": message.html, "Charset": _UTF8}

        def call() -> str:
            answer = _ses().send_email(
                FromEmailAddress=sender,
                Destination={"ToAddresses": [message.to]},
                Content={"Simple": {"Subject": {"Data": message.subject, "Charset": _UTF8}, "Body": body}},  # type: ignore[typeddict-item] # its own dict type of the same shape
            )
            return answer["MessageId"]

        return _answer(call)


class AmazonText:
    """Text messages by SNS."""

    def send(self, message: OutgoingMessage) -> Answer:
        """Send one text message, as one that a person waits for rather than as advertising."""

        def call() -> str:
            answer = _sns().publish(
                PhoneNumber=message.to,
                Message=message.text,
                MessageAttributes={
                    "AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": "Transactional"},
                },
            )
            return answer["MessageId"]

        return _answer(call)


def _answer(call: Any) -> Answer:  # noqa: ANN401 -- a call without arguments that returns the provider's reference
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 -- as the clients

    try:
        return Sent(call())
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", "Unknown"))
        return Refused(code) if code in _NEVER else TryLater(code)
    except BotoCoreError as error:
        return TryLater(type(error).__name__)  # no connection, no answer in time


def _from_address() -> str:
    domain = settings().storefront_domain
    if domain is None:
        message = "E-mail needs STORMCOM_STOREFRONT_DOMAIN: it is sent from no-reply@ that domain."
        raise SettingsError(message)
    return f"no-reply@{domain}"


@lru_cache(maxsize=1)
def _ses() -> "SESV2Client":
    import boto3  # noqa: PLC0415 -- 200 ms that only what sends e-mail pays

    return boto3.client("sesv2", config=_patience())


@lru_cache(maxsize=1)
def _sns() -> "SNSClient":
    import boto3  # noqa: PLC0415 -- 200 ms that only what sends text messages pays

    return boto3.client("sns", config=_patience())


def _patience() -> Any:  # noqa: ANN401 -- botocore's Config, which is imported lazily
    from botocore.config import Config  # noqa: PLC0415 -- as the clients

    return Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1})
