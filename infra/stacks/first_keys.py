"""Makes a stage's first master key, once, inside its first deployment. Runs as a Lambda of its own, from this one file.

CloudFormation can only generate flat passwords, and the key provider wants {"current": 1, "keys": {"1": 32 bytes}}.
What is already a set of keys is never touched: losing a master key loses what it encrypts.
"""

import base64
import json
import os
import secrets
from typing import Any


def handler(_event: Any, _context: Any, client: Any = None) -> dict[str, bool]:  # noqa: ANN401 -- AWS's own shapes
    """Give the secret its first key, unless it has one; the key is never logged or returned."""
    if client is None:
        import boto3  # noqa: PLC0415 -- the test hands in a client of its own

        client = boto3.client("secretsmanager")
    secret = os.environ["SECRET"]
    if _holds_keys(client.get_secret_value(SecretId=secret)["SecretString"]):
        return {"made": False}
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    client.put_secret_value(SecretId=secret, SecretString=json.dumps({"current": 1, "keys": {"1": key}}))
    return {"made": True}


def _holds_keys(text: str) -> bool:
    try:
        return bool(json.loads(text)["keys"])
    except (ValueError, KeyError, TypeError):
        return False  # what Secrets Manager generated when the secret came into being
