"""Tokens and secrets of signal sources and sinks as input, in their places and in wrong ones."""

import secrets

from kit.gateway.secrets_session import Session


def exercise_signals(session: Session) -> None:
    """A source of signals: its path token, its secret and signatures, valid and invalid."""
    admin = session.secrets["admin key"]
    secret = session.add_secret("source secret")
    source = {
        "name": "alerts",
        "kind": "tradingview",
        "account_id": session.gateway.account_id,
        "secret": secret,
        "sizing": {"kind": "qty", "value": "0.01"},
    }
    created = session.call_ok("POST", "/signals/sources", source, key=admin)
    path = f"/signals/tradingview/{session.add_secret('path token', created['path_token'])}"
    alert = {"ticker": "BTCUSDT.P", "action": "buy", "alert_id": "1", "secret": secret}
    session.call_ok("POST", path, alert)
    session.call_ok("POST", path, alert)
    wrong = alert | {"alert_id": "2", "secret": session.add_secret("wrong source secret")}
    assert session.call("POST", path, wrong)[0] == 401
    signed = {"X-TradingView-Signature": session.add_secret("wrong signature")}
    assert session.call("POST", path, alert, headers=signed)[0] == 401
    unknown = session.add_secret("unknown path token", secrets.token_urlsafe(32))
    assert session.call("POST", f"/in/{unknown}/signals/tradingview", alert)[0] == 401
    misplaced = {"ticker": "BTCUSDT.P", "action": secret, "secret": secret}
    assert session.call("POST", path, misplaced)[0] == 422
    truncated = f'{{"ticker": "BTCUSDT", "secret": "{secret}'.encode()
    assert session.call("POST", path, raw=truncated)[0] in (401, 422)
    own = f"/signals/sources/{created['source']['source_id']}"
    session.call_ok("POST", f"{own}/test", {"body": alert}, key=admin)
    renewed = session.call_ok(
        "POST", f"{own}/rotate", {"path_token": True, "secret": True}, key=admin
    )
    session.add_secret("new path token", renewed["path_token"])
    session.add_secret("new source secret", renewed["secret"])
    _exercise_sinks(session)
    for read in ("/signals", "/signals/sources", "/notifications/sinks", "/metrics", "/health"):
        session.call_ok("GET", read, key=admin)


def _exercise_sinks(session: Session) -> None:
    """A sink: the token in its address, and the secret that signs messages."""
    admin = session.secrets["admin key"]
    token = session.add_secret("token of a sink's address", secrets.token_urlsafe(24))
    sink = {"name": "ops", "kind": "webhook", "url": f"https://hooks.example.com/{token}"}
    sink["secret"] = session.add_secret("sink secret")
    session.call_ok("POST", "/notifications/sinks", sink, key=admin)
    assert session.call("POST", "/notifications/sinks", sink, key=admin)[0] == 409
    private = sink | {"name": "own", "url": f"http://127.0.0.1/{token}"}
    assert session.call("POST", "/notifications/sinks", private, key=admin)[0] == 422
