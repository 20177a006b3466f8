"""The signature of outgoing messages, which proves to a receiver that the gateway sent them."""

import hashlib
import hmac


def sign_message(secret: str, unix_seconds: int, body: bytes) -> str:
    """Return the value of ``X-OMS-Signature``: ``t=<unix>,v1=<hex HMAC-SHA256>``.

    Signed are the time, a dot and the body as it is sent.
    """
    signed = str(unix_seconds).encode() + b"." + body
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return f"t={unix_seconds},v1={digest}"
