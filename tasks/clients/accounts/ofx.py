"""A bank that speaks OFX 2.x: XML, posted to one address.

A bank that issues user keys is asked for one, which stands for name and password from then on.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, NoReturn, Self

from tasks.clients.accounts.markup import (
    ANONYMOUS,
    EVER,
    file_of,
    keyed,
    moment,
    named,
    request,
    tag,
    transaction,
)
from tasks.clients.accounts.protocol import (
    AccountAway,
    AccountFailed,
    Document,
    MfaNeeded,
    NotReady,
    Session,
    SessionEnded,
)
from tasks.clients.accounts.web import MAX_DOCUMENT_BYTES, MAX_PAGE_BYTES, Reply, Web, unreadable
from tasks.reading.unreadable import Unreadable
from tasks.reading.xml import read_xml, text_at

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from xml.etree.ElementTree import Element

    from tasks.clients.accounts.protocol import Allotment, Credentials, Word
    from tasks.reading.employment import Employment

#: What can be made of a bank's statements.
_PRODUCTS = frozenset({"income", "transactions", "assets"})
#: Codes of OFX 2.2, 2.5.1 and A.
_OK, _CODE_NEEDED, _INVALID = "0", "3000", "15500"
_REFUSALS: Mapping[str, tuple[Word, str]] = {
    "15500": ("login_error", "the bank does not know this name and password"),
    "15502": ("account_locked", "the bank has locked this account"),
    "3001": ("mfa_error", "the bank refused the code"),
    "15000": ("unable_to_reset", "the bank wants a new password, which cannot be set from here"),
    "15511": ("config_error", "the bank has not set this access up"),
    "2003": ("not_supported", "the bank does not give this account's statement to programs"),
}
#: Those that a later try may mend: a general error, and an account that is in use just now.
_BUSY = {"2000", "15501"}
#: How much is asked for, and for how many accounts at the most.
_STATEMENT, _MOST_ACCOUNTS = timedelta(days=365), 50
_ACCEPTED, _SUCCESS = 202, 200


class _Answer(NamedTuple):
    """The answer to one request, and what of it is about the sign-on."""

    root: Element
    sign_on: Element
    body: bytes


class Ofx:
    """A bank under a URL; see `protocol.Connector`."""

    def __init__(self, url: str, *, seconds: float) -> None:
        self._web = Web(url, seconds=seconds)

    def __enter__(self) -> Self:
        self._web.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._web.__exit__(*error)

    def features(self, session: Session | None = None) -> frozenset[str]:
        """Return what the bank's messages allow, or what it allows for a session's accounts."""
        if session is not None:
            accounts = self._accounts(session)
            # Where there is no account, it is not the bank that withholds something.
            return frozenset() if accounts and not _active(accounts) else _PRODUCTS
        signed = named(ANONYMOUS, ANONYMOUS)
        asked = request(
            "PROF", f"<PROFRQ><CLIENTROUTING>NONE</CLIENTROUTING>{tag('DTPROFUP', EVER)}</PROFRQ>"
        )
        answer = self._ask(signed, asked)
        _check(answer.sign_on)
        has_statements = answer.root.find(".//MSGSETLIST/BANKMSGSET") is not None
        return _PRODUCTS if has_statements else frozenset()

    def login(self, credentials: Credentials) -> Session | MfaNeeded:
        """Sign on with name and password for a user key."""
        answer = self._ask(named(credentials.username, credentials.password), "")
        if text_at(answer.sign_on, "STATUS/CODE") == _CODE_NEEDED:
            return self._challenge(_user_key(answer.sign_on))
        _check(answer.sign_on)
        return _session(answer.sign_on)

    def _challenge(self, key: str) -> MfaNeeded:
        asked = transaction(
            "MFACHALLENGE", f"<MFACHALLENGERQ>{moment('DTCLIENT')}</MFACHALLENGERQ>"
        )
        answer = self._ask(keyed(key), "", asked)
        if text_at(answer.sign_on, "STATUS/CODE") != _CODE_NEEDED:
            _check(answer.sign_on)
        challenge = answer.root.find(".//MFACHALLENGERS/MFACHALLENGE")
        if challenge is None:
            raise unreadable()
        return MfaNeeded(
            challenge=text_at(challenge, "MFAPHRASEID"),
            token=key,
            hint=text_at(challenge, "MFAPHRASELABEL"),
        )

    def answer_code(self, state: MfaNeeded, code: str) -> Session:
        """Sign on with the answer to the bank's question."""
        given = tag("MFAPHRASEID", state.challenge) + tag("MFAPHRASEA", code)
        signed = keyed(state.token, f"<MFACHALLENGEANSWER>{given}</MFACHALLENGEANSWER>")
        answer = self._ask(signed, "")
        _check(answer.sign_on)
        return _session(answer.sign_on)

    def employments(self, session: Session) -> list[Employment]:
        """Return nothing, if there is an account."""
        if not self._accounts(session):
            raise AccountFailed("no_data", "the bank has no account for this name")
        return []

    def documents(self, session: Session) -> list[Document]:
        """Return a statement for each account that can be read by programs."""
        return [_document(one) for one in _active(self._accounts(session))]

    def fetch(self, session: Session, document: Document) -> bytes | NotReady:
        """Return the statement of the last year as OFX."""
        names = ("BANKID", "ACCTID", "ACCTTYPE")
        account = "".join(map(tag, names, document.place))
        asked = request(
            "STMT",
            f"<STMTRQ><BANKACCTFROM>{account}</BANKACCTFROM>"
            f"<INCTRAN>{moment('DTSTART', _STATEMENT)}<INCLUDE>Y</INCLUDE></INCTRAN></STMTRQ>",
        )
        reply = self._send(keyed(session.token), asked, most=MAX_DOCUMENT_BYTES)
        if reply.status == _ACCEPTED:
            return NotReady(after=max(1.0, reply.after))
        answer = _read(reply, MAX_DOCUMENT_BYTES)
        _check_session(answer.sign_on)
        for one in answer.root.findall("BANKMSGSRSV1/STMTTRNRS"):
            _check(one)
        return answer.body

    def switch_deposit(
        self,
        session: Session,  # noqa: ARG002 - nobody's can
        employment: str,  # noqa: ARG002
        allotments: Sequence[Allotment],  # noqa: ARG002
    ) -> NoReturn:
        """Refuse: pay is paid out by employers."""
        raise AccountFailed("not_supported", "a bank does not decide where pay goes")

    def _accounts(self, session: Session) -> list[Element]:
        asked = request("ACCTINFO", f"<ACCTINFORQ>{tag('DTACCTUP', EVER)}</ACCTINFORQ>")
        answer = self._ask(keyed(session.token), asked)
        _check_session(answer.sign_on)
        found = answer.root.findall("SIGNUPMSGSRSV1/ACCTINFOTRNRS/ACCTINFORS/ACCTINFO/BANKACCTINFO")
        return found[:_MOST_ACCOUNTS]

    def _ask(self, signed: str, asked: str, beside: str = "") -> _Answer:
        return _read(self._send(signed, asked, beside), MAX_PAGE_BYTES)

    def _send(
        self, signed: str, asked: str, beside: str = "", *, most: int = MAX_PAGE_BYTES
    ) -> Reply:
        headers = {"Content-Type": "application/x-ofx", "Accept": "application/x-ofx"}
        content = file_of(signed, asked, beside)
        return self._web.send("POST", "", content=content, headers=headers, most=most)


def _read(reply: Reply, most: int) -> _Answer:
    if reply.status != _SUCCESS:
        raise unreadable()
    try:
        root = read_xml(reply.body, most=most)
    except Unreadable:
        raise unreadable() from None
    sign_on = root.find("SIGNONMSGSRSV1/SONRS")
    if root.tag != "OFX" or sign_on is None:
        raise unreadable()
    return _Answer(root, sign_on, reply.body)


def _check(answer: Element) -> None:
    """Look at the status of an answer.

    Raises:
        AccountAway: the bank cannot answer just now.
        AccountFailed: it refuses to.
    """
    code = text_at(answer, "STATUS/CODE")
    if code in _BUSY:
        raise AccountAway("the bank cannot answer just now")
    if code != _OK:
        known = _REFUSALS.get(code)
        raise AccountFailed(*known) if known else unreadable()


def _check_session(sign_on: Element) -> None:
    """Look at the status of a sign-on by user key, which the bank forgets at some time."""
    if text_at(sign_on, "STATUS/CODE") == _INVALID:
        raise SessionEnded
    _check(sign_on)


def _session(sign_on: Element) -> Session:
    ends_at = text_at(sign_on, "TSKEYEXPIRE")
    try:
        moment = datetime.strptime(ends_at[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        raise unreadable() from None
    seconds = (moment - datetime.now(UTC)).total_seconds()
    return Session(token=_user_key(sign_on), seconds=max(0.0, seconds))


def _user_key(sign_on: Element) -> str:
    key = text_at(sign_on, "USERKEY")
    if not key:
        raise unreadable()
    return key


def _active(accounts: Sequence[Element]) -> list[Element]:
    return [one for one in accounts if text_at(one, "SVCSTATUS") == "ACTIVE"]


def _document(account: Element) -> Document:
    names = ("BANKID", "ACCTID", "ACCTTYPE")
    place = tuple(text_at(account, f"BANKACCTFROM/{name}") for name in names)
    # An account number is nobody's business.
    made = hashlib.sha256("\0".join(place).encode()).hexdigest()[:32]
    return Document(id=made, kind="bank_statement", place=place)
