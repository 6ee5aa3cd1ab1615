"""A bank that speaks OFX 2.x: one path, to which requests in XML are posted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING, NamedTuple
from xml.etree.ElementTree import Element, ParseError, SubElement, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from flask import Blueprint, Response, abort, request

from tasks.providers.sandbox import papers
from tasks.providers.sandbox.ledger import ROUTING_NUMBER, statements
from tasks.providers.sandbox.people import Papers
from tasks.providers.sandbox.seed import PROVIDERS
from tasks.providers.sandbox.vault import Challenge, Reason, Refused, Session, Vault

if TYPE_CHECKING:
    from datetime import date

    from tasks.providers.sandbox.ledger import Statement
    from tasks.providers.sandbox.vault import Account

_HEADER = (
    b'<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n'
    b'<?OFX OFXHEADER="200" VERSION="220" SECURITY="NONE" OLDFILEUID="NONE" NEWFILEUID="NONE"?>\n'
)
_MEDIA_TYPE = "application/x-ofx"
#: OFX's codes of sign-on, and its own words for them.
_CODES = {
    Reason.WRONG: (15500, "Signon invalid"),
    Reason.LOCKED: (15502, "USERPASS lockout"),
    Reason.NO_COMPANY: (15511, "Please contact your financial institution"),
    Reason.CODES_BLOCKED: (3001, "MFACHALLENGEA contains invalid information"),
    Reason.WRONG_CODE: (3001, "MFACHALLENGEA contains invalid information"),
    Reason.CODE_OVER: (3001, "MFACHALLENGEA contains invalid information"),
    Reason.PASSWORD_EXPIRED: (15000, "Must change USERPASS"),
    Reason.SIGNED_OUT: (15500, "Signon invalid"),
}
_CODE_NEEDED = (3000, "User credentials are correct, but further authentication required")
#: The user key of somebody of whom a code is asked for is that of the challenge.
_CHALLENGED = "C"


class _SignedOn(NamedTuple):
    """The end of a sign-on: whose session it is, or why there is none."""

    account: Account | None
    status: tuple[int, str]
    user_key: str = ""
    seconds: float = 0.0


class Bank:
    """The server of every bank here, each under its own path."""

    def __init__(self, vault: Vault, *, slow_seconds: float) -> None:
        self._vault = vault
        self._slow_seconds = slow_seconds

    def blueprint(self) -> Blueprint:
        """Return its path."""
        made = Blueprint("bank", __name__, url_prefix="/ofx")
        made.register_error_handler(Refused, _out_of_service)
        made.add_url_rule("/<provider>", "answer", self.answer, methods=["POST"])
        return made

    def answer(self, provider: str) -> Response:
        """Answer one request."""
        if provider not in PROVIDERS or not PROVIDERS[provider].is_bank:
            abort(404)
        try:
            asked = fromstring(request.get_data(), forbid_dtd=True)
        except (ParseError, DefusedXmlException, ValueError, LookupError):
            abort(400)
        sign_on = asked.find("SIGNONMSGSRQV1/SONRQ")
        if sign_on is None:
            abort(400)
        ofx = Element("OFX")
        if asked.find("PROFMSGSRQV1") is not None:
            _sign_on_answer(ofx, _SignedOn(None, (0, "")))
            _profile(ofx)
            return _sent(ofx)
        signed_on = self._sign_on(provider, sign_on)
        _sign_on_answer(ofx, signed_on)
        if asked.find("SIGNONMSGSRQV1/MFACHALLENGETRNRQ") is not None:
            _ask_for_code(ofx)
        if signed_on.account is None:
            return _sent(ofx)
        return self._serve(signed_on.account, asked, ofx)

    def _sign_on(self, provider: str, given: Element) -> _SignedOn:
        user_key = given.findtext("USERKEY", "")
        try:
            if user_key.startswith(_CHALLENGED):
                return self._with_code(provider, user_key, given)
            if user_key:
                return _SignedOn(self._vault.account(provider, user_key), (0, "Success"))
            names = ("USERID", "USERPASS")
            words = (given.findtext(name, "") for name in names)
            return self._let_in(provider, self._vault.sign_in(provider, *words))
        except Refused as refused:
            if refused.reason is Reason.DOWN:
                raise
            return _SignedOn(None, _CODES[refused.reason])

    def _with_code(self, provider: str, user_key: str, given: Element) -> _SignedOn:
        code = given.findtext("MFACHALLENGEANSWER/MFAPHRASEA")
        if code is None:
            return _SignedOn(None, _CODE_NEEDED, user_key)
        session = self._vault.answer(provider, user_key.removeprefix(_CHALLENGED), code)
        return self._let_in(provider, session)

    def _let_in(self, provider: str, outcome: Session | Challenge) -> _SignedOn:
        if isinstance(outcome, Challenge):
            key = _CHALLENGED + outcome.id
            return _SignedOn(None, _CODE_NEEDED, key, outcome.seconds)
        account = self._vault.account(provider, outcome.token)
        return _SignedOn(account, (0, "Success"), outcome.token, outcome.seconds)

    def _serve(self, account: Account, asked: Element, ofx: Element) -> Response:
        if asked.find("SIGNUPMSGSRQV1/ACCTINFOTRNRQ") is not None:
            _accounts(ofx, account)
        wanted = asked.find("BANKMSGSRQV1/STMTTRNRQ/STMTRQ/BANKACCTFROM")
        if wanted is None:
            return _sent(ofx)
        if account.person.papers is Papers.SLOW:
            left = self._vault.seconds_until_ready(account, self._slow_seconds)
            if left > 0:
                return Response(status=202, headers={"Retry-After": str(ceil(left))})
        if account.person.papers is Papers.VAST:
            length = {"Content-Length": str(papers.VAST)}
            return Response(papers.vast(), headers=length, mimetype=_MEDIA_TYPE)
        return self._statement(account, wanted.findtext("ACCTID", ""), ofx)

    def _statement(self, account: Account, number: str, ofx: Element) -> Response:
        found = next((one for one in statements(account.person) if one.number == number), None)
        answer = _transaction(SubElement(ofx, "BANKMSGSRSV1"), "STMTTRNRS")
        if found is None or not account.person.can_download:
            _status(answer, (2003, "Account not found"))
            return _sent(ofx)
        _status(answer, (0, "Success"))
        _write_statement(SubElement(answer, "STMTRS"), found)
        self._vault.fetched(account, number)
        body = _written(ofx)
        torn = account.person.papers is Papers.TORN
        return Response(body[: len(body) // 3] if torn else body, mimetype=_MEDIA_TYPE)


def _out_of_service(_: Refused) -> Response:
    return Response(status=503, headers={"Retry-After": "1"})


def _sent(ofx: Element) -> Response:
    return Response(_written(ofx), mimetype=_MEDIA_TYPE)


def _written(ofx: Element) -> bytes:
    written: bytes = tostring(ofx, encoding="utf-8")
    return _HEADER + written


def _sign_on_answer(ofx: Element, signed_on: _SignedOn) -> None:
    answer = SubElement(SubElement(ofx, "SIGNONMSGSRSV1"), "SONRS")
    _status(answer, signed_on.status)
    now = datetime.now(UTC)
    _put(answer, DTSERVER=_moment(now))
    if signed_on.user_key and signed_on.seconds:
        ends_at = _moment(now + timedelta(seconds=signed_on.seconds))
        _put(answer, USERKEY=signed_on.user_key, TSKEYEXPIRE=ends_at)
    _put(answer, LANGUAGE="ENG")


def _profile(ofx: Element) -> None:
    """Say which sets of messages there are."""
    answer = _transaction(SubElement(ofx, "PROFMSGSRSV1"), "PROFTRNRS")
    _status(answer, (0, "Success"))
    sets = SubElement(SubElement(answer, "PROFRS"), "MSGSETLIST")
    for name in ("SIGNONMSGSET", "SIGNUPMSGSET", "BANKMSGSET", "PROFMSGSET"):
        SubElement(SubElement(sets, name), f"{name}V1")


def _ask_for_code(ofx: Element) -> None:
    messages = ofx.find("SIGNONMSGSRSV1")
    assert messages is not None
    answer = _transaction(messages, "MFACHALLENGETRNRS")
    _status(answer, (0, "Success"))
    challenge = SubElement(SubElement(answer, "MFACHALLENGERS"), "MFACHALLENGE")
    _put(challenge, MFAPHRASEID="MFA-SENT", MFAPHRASELABEL="The code that we have sent you")


def _accounts(ofx: Element, account: Account) -> None:
    answer = _transaction(SubElement(ofx, "SIGNUPMSGSRSV1"), "ACCTINFOTRNRS")
    _status(answer, (0, "Success"))
    listed = SubElement(answer, "ACCTINFORS")
    _put(listed, DTACCTUP="20200101000000")
    for one in statements(account.person):
        info = SubElement(SubElement(listed, "ACCTINFO"), "BANKACCTINFO")
        _account_from(info, one)
        can = account.person.can_download
        _put(info, SUPTXDL="Y" if can else "N", XFERSRC="N", XFERDEST="N")
        _put(info, SVCSTATUS="ACTIVE" if can else "AVAIL")


def _write_statement(answer: Element, statement: Statement) -> None:
    _put(answer, CURDEF="USD")
    _account_from(answer, statement)
    listed = SubElement(answer, "BANKTRANLIST")
    _put(listed, DTSTART=_day(statement.start), DTEND=_day(statement.end))
    for one in statement.postings:
        posted = SubElement(listed, "STMTTRN")
        _put(posted, TRNTYPE=one.kind, DTPOSTED=_day(one.day), TRNAMT=f"{one.amount:.2f}")
        _put(posted, FITID=one.id, NAME=one.name)
        if one.memo:
            _put(posted, MEMO=one.memo)
    for name in ("LEDGERBAL", "AVAILBAL"):
        balance = SubElement(answer, name)
        _put(balance, BALAMT=f"{statement.balance:.2f}", DTASOF=_day(statement.end))


def _account_from(parent: Element, statement: Statement) -> None:
    made = SubElement(parent, "BANKACCTFROM")
    _put(made, BANKID=ROUTING_NUMBER, ACCTID=statement.number, ACCTTYPE=statement.kind)


def _transaction(parent: Element, name: str) -> Element:
    made = SubElement(parent, name)
    _put(made, TRNUID="1")
    return made


def _status(parent: Element, status: tuple[int, str]) -> None:
    code, message = status
    made = SubElement(parent, "STATUS")
    _put(made, CODE=str(code), SEVERITY="ERROR" if code else "INFO", MESSAGE=message)


def _put(parent: Element, **texts: str) -> None:
    for name, text in texts.items():
        SubElement(parent, name).text = text


def _day(day: date) -> str:
    return f"{day:%Y%m%d}120000[0:GMT]"


def _moment(at: datetime) -> str:
    return f"{at:%Y%m%d%H%M%S}.000[0:GMT]"
