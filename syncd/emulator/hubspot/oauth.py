"""OAuth: tokens for codes and refresh tokens, introspection, revocation."""

from __future__ import annotations

from urllib.parse import parse_qsl

from syncd.emulator.http import Call, Refused, Reply
from syncd.emulator.hubspot.context import Context, Item
from syncd.emulator.hubspot.errors import refused
from syncd.emulator.hubspot.grants import LIFETIME, OAUTH_APP, Grant, WrongClient, WrongToken
from syncd.emulator.hubspot.scopes import names_of

SECONDS = int(LIFETIME.total_seconds())


class OAuth:
    """The resources below /oauth; they take forms and need no token."""

    def __init__(self, context: Context) -> None:
        self._context, self._portal, self._tokens = context, context.portal, context.tokens

    def token(self, call: Call) -> Reply:
        """POST token: `authorization_code`, `refresh_token` or `client_credentials`"""
        form = _form(call)
        self._check_client(call, form)
        now, kind = self._portal.clock.now(), form.get("grant_type", "")
        if kind == "client_credentials":
            grant = Grant("app", OAUTH_APP, frozenset(form.get("scope", "").split()), True)
            return Reply.json(self._answer(self._tokens.issue(grant, now), "", grant))
        try:
            if kind == "refresh_token":
                rotate = self._context.variants.hubspot_refresh_token == "rotated"
                return Reply.json(self._answer(*self._tokens.renew(form.get("refresh_token", ""), now, rotate)))
            if kind == "authorization_code":
                return Reply.json(self._answer(*self._tokens.exchange(form.get("code", ""), now)))
        except WrongToken:
            what = ("REFRESH_TOKEN", "refresh token") if kind == "refresh_token" else ("AUTH_CODE", "auth code")
            raise _refused(call, f"BAD_{what[0]}", f"missing or invalid {what[1]}") from None
        raise _refused(call, "BAD_GRANT_TYPE", f"missing or unknown grant type {kind!r}")

    def introspect(self, call: Call) -> Reply:
        """POST token/introspect"""
        form = _form(call)
        self._check_client(call, form)
        token = form.get("token", "")
        grant = self._tokens.valid.get(token)
        if grant is not None and not self._alive(grant):
            grant = None
        if grant is None and token not in self._tokens.refresh:
            return Reply.json({"active": False})
        use = "access_token" if grant is not None else "refresh_token"
        return Reply.json({"active": True, "token_use": use} | self._about(grant or self._tokens.refresh[token]))

    def revoke(self, call: Call) -> Reply:
        """POST token/revoke: also of a token that is unknown"""
        form = _form(call)
        self._check_client(call, form)
        self._tokens.revoke(form.get("token", ""))
        return Reply(204)

    # --- v1

    def access_token(self, call: Call) -> Reply:
        """GET v1 access-tokens/{token}"""
        grant = self._tokens.valid.get(call.args["token"])
        if grant is None or not grant.oauth or not self._alive(grant):
            raise refused(404, "no such access token", "OBJECT_NOT_FOUND", call.id)
        return Reply.json({"token": call.args["token"], "token_type": "access", "expires_in": self._left(grant)}
                          | self._about(grant))  # fmt: skip

    def refresh_token(self, call: Call) -> Reply:
        """GET v1 refresh-tokens/{token}"""
        grant = self._tokens.refresh.get(call.args["token"])
        if grant is None:
            raise refused(404, "no such refresh token", "OBJECT_NOT_FOUND", call.id)
        return Reply.json({"token": call.args["token"], "token_type": "refresh", "client_id": self._tokens.client_id}
                          | self._about(grant))  # fmt: skip

    def delete_refresh_token(self, call: Call) -> Reply:
        """DELETE v1 refresh-tokens/{token}"""
        self._tokens.revoke(call.args["token"])
        return Reply(204)

    # --- parts

    def _check_client(self, call: Call, form: dict[str, str]) -> None:
        try:
            self._tokens.check_client(form.get("client_id", ""), form.get("client_secret", ""))
        except WrongClient:
            raise _refused(call, "BAD_CLIENT_ID", "missing or unknown client id or secret") from None

    def _answer(self, access: str, refresh: str, grant: Grant) -> Item:
        content = {"access_token": access, "expires_in": SECONDS, "token_type": "bearer", "token_use": "access_token"}
        return content | ({"refresh_token": refresh} if refresh else {}) | self._about(grant)

    def _about(self, grant: Grant) -> Item:
        owner = next((one for one in self._portal.owners.values() if not one.archived), None)
        user = grant.user or (owner.user_id if owner is not None else "")
        return {"hub_id": self._portal.id, "user_id": int(user) if user.isdigit() else None, "app_id": int(grant.app),
                "scopes": names_of(grant, self._portal.types.all.values())}  # fmt: skip

    def _alive(self, grant: Grant) -> bool:
        return grant.expires is None or self._portal.clock.now() < grant.expires

    def _left(self, grant: Grant) -> int:
        left = 0 if grant.expires is None else (grant.expires - self._portal.clock.now()).total_seconds()
        return int(left)


def _form(call: Call) -> dict[str, str]:
    return dict(parse_qsl(call.body.decode("utf-8", "replace"))) | call.params()


def _refused(call: Call, status: str, message: str) -> Refused:
    return Refused(Reply.json({"status": status, "message": message, "correlationId": call.id}, 400))
