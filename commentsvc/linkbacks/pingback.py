"""Pingback 1.0: one XML-RPC method, its responses and faults."""

from typing import TYPE_CHECKING
from xmlrpc.client import Fault, dumps

from commentsvc.errors import N_, NotUnderstood, PingRefused
from commentsvc.linkbacks.receiving import LinkbackRequest
from commentsvc.markup import plain_text
from commentsvc.models.comment import Kind

if TYPE_CHECKING:
    from lxml import etree

METHOD = "pingback.ping"
CONTENT_TYPE = "text/xml; charset=utf-8"
NO_SUCH_METHOD = -32601  # XML-RPC servers' convention for faults of their own
NOT_XML = -32700
ALREADY_KNOWN = 48


class UnknownMethod(PingRefused):
    """Any other method, in particular several calls in one."""

    sentence = N_("The only method is pingback.ping.")
    fault = NO_SUCH_METHOD


class NotXmlRpc(NotUnderstood):
    """Not a call with two texts."""

    sentence = N_("This is not an XML-RPC call with a source and a target.")
    fault = NOT_XML


def parse(body: bytes) -> LinkbackRequest:
    """Parse a call.

    Raises:
        UnknownMethod: it calls something else.
        NotXmlRpc: it is not well-formed, has a document type, or lacks the two parameters.
    """
    call = _parsed(body)
    if call.tag != "methodCall":
        raise NotXmlRpc
    if (call.findtext("methodName") or "").strip() != METHOD:
        raise UnknownMethod
    given = [_text_of(value) for value in call.iterfind("params/param/value")]
    if len(given) != 2:
        raise NotXmlRpc
    return LinkbackRequest(Kind.PINGBACK, source=given[0], target=given[1])


def success(request: LinkbackRequest) -> str:
    """Return the response to an accepted call."""
    return str(dumps((f"Thank you, {request.source} will be looked at.",), methodresponse=True))


def fault(code: int, sentence: str) -> str:
    """Return the response to a refused call."""
    return str(dumps(Fault(code, sentence)))


def call(source: str, target: str) -> bytes:
    """Return the call that notifies another site."""
    text = dumps((source, target), METHOD, encoding="utf-8")
    return text.encode() if isinstance(text, str) else text


def refusal_in(answer: bytes) -> tuple[int, str] | None:
    """Return code and message of a fault, as far as they can be read; None if there is none."""
    try:
        response = _parsed(answer)
    except NotXmlRpc:
        return 0, plain_text.fold(plain_text.decode(answer[:300]))
    fault = response.find("fault")
    if fault is None:
        return None if response.tag == "methodResponse" else (0, response.tag)
    members = {member.findtext("name"): member.find("value") for member in fault.iter("member")}
    code, sentence = members.get("faultCode"), members.get("faultString")
    digits = _text_of(code) if code is not None else plain_text.fold("".join(fault.itertext()))
    return (
        int(digits) if digits.removeprefix("-").isdecimal() and len(digits) < 10 else 0,
        plain_text.fold(_text_of(sentence)) if sentence is not None else "",
    )


def _parsed(body: bytes) -> "etree._Element":
    """Return the root element; document types, and so entities, are refused."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(plain_text.of_xml(body), parser)
    except (etree.XMLSyntaxError, ValueError):
        raise NotXmlRpc from None
    if root.getroottree().docinfo.doctype:
        raise NotXmlRpc
    return root


def _text_of(value: "etree._Element") -> str:
    """Return a value, with or without a type element around it."""
    return "".join(str(text) for text in value.itertext()).strip()
