"""ADF (the lead format of dealer e-mail) to one row a prospect, however it arrives: a file, an e-mail, its text body.

The file is cut into its prospects first and each is read alone, so that a broken one does not spoil the next, and no
document type, entity or address in it is ever looked at.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.errors import MessageError
from email.message import EmailMessage
from html.entities import html5
from typing import Final

import polars as pl
from lxml import etree

from loaders.read.grid import Known, Table
from loaders.read.letters import letters_of

HEADERS: Final = (
    *("lead id", "prospect id", "id source", "status", "request date", "request date as written"),
    *("provider name", "provider service", "provider id", "vendor name", "vendor id"),
    *("customer id", "customer name", "first name", "last name", "email", "phone", "phone 2"),
    *("interest", "vehicle status", "year", "make", "model", "trim", "vin", "stock"),
    *("trade-in year", "trade-in make", "trade-in model", "trade-in vin"),
)
LONGEST_PROSPECT: Final = 1_000_000
_WHOLE_NAME: Final = r"(?:[\w.-]+:)?"
_ADF: Final = re.compile(rf"<{_WHOLE_NAME}(?:adf|prospect)\b|<\?adf\b", re.IGNORECASE)
_ADF_LINE: Final = re.compile(
    rf"^[ \t]*(?:<\?(?:xml|adf)\b[^<>]*>\s*)*<{_WHOLE_NAME}(?:adf|prospect)\b", re.IGNORECASE | re.MULTILINE
)
_MARKUP: Final = re.compile(
    rf"<!--|<!\[CDATA\[|<!doctype\b|<(?P<end>/?)(?P<prefix>{_WHOLE_NAME})prospect(?=[\s/>])[^<>]*>", re.IGNORECASE
)
_MAIL_HEADER: Final = re.compile(
    rb"^(?:from|to|subject|date|received|return-path|message-id|mime-version|content-type|delivered-to):", re.IGNORECASE
)
_SPECIAL: Final = {"amp", "lt", "gt", "quot", "apos"}
_HIDING: Final = {"<!--": "-->", "<![cdata[": "]]>"}
# No part of these patterns may take another's letters again (++, *+), so that hostile text cannot keep them busy.
_TAG: Final = re.compile(r"<(/?)([^\s<>/!?][^\s<>/]*+)([^<>]*+)>")
_ATTRIBUTE: Final = re.compile(
    r"""(?<![\w:.-])([\w:.-]++)\s*+=\s*+(?:"([^"]*)"|'([^']*)'|([^\s"'/]+(?:/[^\s"'/]+)*))"""
)
_ZONE: Final = r"\s*([Zz]|[+-]\d{1,2}(?::?\d{1,2})?)?"
_ISO: Final = re.compile(
    r"^(\d{4})-(\d{1,2})-(\d{1,2})"
    rf"(?:[T ]\s*(\d{{1,2}}):(\d{{1,2}})(?::(\d{{1,2}})(?:[.,](\d{{1,6}})\d*)?)?{_ZONE})?$"
)
_BASIC_ISO: Final = re.compile(
    rf"^(\d{{4}})(\d{{2}})(\d{{2}})(?:T(\d{{2}})(\d{{2}})(\d{{2}})?(?:[.,](\d{{1,6}})\d*)?{_ZONE})?$"
)
_SAMPLE: Final = 65_536
# A wrong name space or a repeated attribute loses nothing of a prospect.
_HARMLESS: Final = frozenset({"NS_ERR_UNDEFINED_NAMESPACE", "NS_ERR_XML_NAMESPACE", "ERR_ATTRIBUTE_REDEFINED"})


@dataclass(frozen=True)
class _Prospect:
    """The text of one prospect, the prefix of its elements, and what is wrong with it as a whole."""

    text: str
    prefix: str
    problem: str | None = None


def is_markup(content: bytes) -> bool:
    """Whether the bytes begin as XML or a web page does."""
    return letters_of(content[:_SAMPLE])[0].lstrip("\ufeff \t\r\n").startswith("<")


def is_mail(content: bytes) -> bool:
    """Whether the bytes begin with the header of an e-mail: at least two of its usual lines before the first gap."""
    head = re.split(rb"\r?\n\r?\n", content[:_SAMPLE].lstrip(), maxsplit=1)[0]
    lines = head.splitlines()
    if not lines or not re.match(rb"^(?:[!-9;-~]+:|From )", lines[0]):
        return False
    return sum(_MAIL_HEADER.match(line) is not None for line in lines) >= 2


def is_text_with_adf(content: bytes, known: Known) -> bool:
    """Whether plain text has ADF in it on a line of its own, and no table of known headers above."""
    text, _ = letters_of(content[:_SAMPLE])
    found = _ADF_LINE.search(text)
    if found is None:
        return False
    return not any(known(re.split(r"[,;\t|]", line)) > 1 for line in text[: found.start()].splitlines())


def adf_table(content: bytes, encoding: str | None = None) -> Table:
    """Every prospect of an ADF file, an e-mail or a text as a row under plain headers.

    `source_line` is the number of the prospect. A prospect that cannot be read is a problem of its row alone. Comments,
    addresses and what partners add are not taken.

    Raises:
        ValueError: There is no prospect in it.
    """
    texts, notes = _texts(content, encoding)
    prospects = [prospect for text in texts for prospect in _prospects(text)]
    if not prospects:
        raise ValueError("it is ADF without a prospect" if any(map(_ADF.search, texts)) else _no_adf(texts))
    read = [_row(prospect) for prospect in prospects]
    rows = [[row.get(header) for header in HEADERS] for row, _ in read]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(HEADERS, pl.String), orient="row")
    numbered = frame.with_columns(source_line=pl.int_range(1, pl.len() + 1, dtype=pl.Int64))
    problems = tuple((number, problem) for number, (_, problem) in enumerate(read, start=1) if problem)
    return Table(numbered, (), problems, notes=notes)


def _no_adf(texts: Sequence[str]) -> str:
    start = texts[0].lstrip("\ufeff \t\r\n")[:500].lower() if texts else ""
    if start.startswith(("<!doctype html", "<html", "<table")):
        return "it is a web page, whatever its name"
    return "it is XML, but not ADF" if start.startswith("<") else "it is an e-mail without ADF in it"


def _texts(content: bytes, encoding: str | None) -> tuple[list[str], tuple[str, ...]]:
    """The texts that may hold ADF: the file's, or those of an e-mail's parts."""
    if not is_mail(content):
        text, notes = letters_of(content, encoding)
        return [text], notes
    try:
        mail = message_from_bytes(content, policy=policy.default)
        parts = [part for part in mail.walk() if not part.is_multipart()]
        texts = [(part.get_content_type(), _part_text(part, encoding)) for part in parts]
    except (MessageError, LookupError, ValueError, AttributeError, TypeError, IndexError, RecursionError) as error:
        raise ValueError(f"it is an e-mail that is damaged ({type(error).__name__})") from error
    plain = [text for kind, text in texts if kind != "text/html" and _ADF.search(text)]
    pages = [html.unescape(text) for kind, text in texts if kind == "text/html"]
    return plain or [page for page in pages if _ADF.search(page)], ()


def _part_text(part: EmailMessage, encoding: str | None) -> str:
    """The letters of a part: by its own label where that names an encoding that fits, else as they look."""
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    told = encoding or part.get_content_charset()
    try:
        return content.decode(told or "utf-8")
    except (LookupError, UnicodeDecodeError):
        return letters_of(content)[0]


def _prospects(text: str) -> Iterator[_Prospect]:
    """Cut a text into its prospects. What stands in comments, raw text and the document type is passed over."""
    opened: re.Match[str] | None = None
    for found in _marks(text):
        if opened is not None:
            whole = text[opened.start() : found.end() if found["end"] else found.start()]
            yield _Prospect(
                whole, opened["prefix"], None if found["end"] else "prospect is cut off: it is never closed"
            )
            opened = None
        if not found["end"] and found[0].endswith("/>"):
            yield _Prospect(found[0], found["prefix"])
        elif not found["end"]:
            opened = found
    if opened is not None:
        yield _Prospect(text[opened.start() :], opened["prefix"], "prospect is cut off: it is never closed")


def _marks(text: str) -> Iterator[re.Match[str]]:
    """The tags that open and close prospects, in order."""
    ends = {opening: (end, text.rfind(end)) for opening, end in _HIDING.items()}
    position, is_typed = 0, False
    while found := _MARKUP.search(text, position):
        position, opening = found.end(), found[0].lower()
        if opening in ends:
            end, last = ends[opening]
            position = text.find(end, position) if last >= position else position  # one never closed hides nothing
        elif opening.startswith("<!doctype"):
            position = position if is_typed else _doctype_end(text, position)
            is_typed = True
        else:
            yield found


def _doctype_end(text: str, position: int) -> int:
    """Where a document type ends; its own declarations stand in square brackets."""
    end, bracket = text.find(">", position), text.find("[", position)
    if 0 <= bracket < end:
        end = text.find("]", bracket)
    return end if end >= 0 else position


def _row(prospect: _Prospect) -> tuple[dict[str, str | None], str | None]:
    """The cells of a prospect by header, and why it cannot be taken, if so."""
    if len(prospect.text) > LONGEST_PROSPECT:
        return {}, f"prospect is longer than {LONGEST_PROSPECT:,} letters"
    root, broken = _element(prospect.text)
    if root is None:
        return {}, f"prospect is not XML that can be read: {broken}"
    cells = _cells(_Reader(prospect.prefix.lower()), root)
    return cells, prospect.problem or (f"prospect is broken XML: {broken}" if broken else None)


def _element(text: str) -> tuple[etree._Element | None, str | None]:
    """The element of a prospect as far as it can be read, and what had to be guessed on the way."""
    parser = etree.XMLParser(
        recover=True,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(_repaired(text).encode(errors="replace"), parser)
    except etree.XMLSyntaxError as error:
        return None, error.msg.splitlines()[0]
    fatal = [
        error.message for error in parser.error_log if error.level_name == "FATAL" and error.type_name not in _HARMLESS
    ]
    return root, fatal[0] if fatal else (None if root is not None else "nothing in it")


def _repaired(text: str) -> str:
    """A prospect as strict XML wants it: names in small letters, values in quotes, a bare `&` or `<` written out.

    Entities that XML does not know by itself are not looked up: `&offer;` stays these seven letters.
    """
    plain = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "", text)
    return "".join(html.escape(piece, quote=False) if is_raw else _tidied(piece) for is_raw, piece in _pieces(plain))


def _pieces(text: str) -> Iterator[tuple[bool, str]]:
    """The text in pieces: markup, and what stands in `<![CDATA[...]]>`."""
    position = 0
    while (start := text.find("<![CDATA[", position)) >= 0 and (end := text.find("]]>", start)) >= 0:
        yield False, text[position:start]
        yield True, text[start + 9 : end]
        position = end + 3
    yield False, text[position:]


def _tidied(text: str) -> str:
    named = re.sub(r"&(?:#(\d{1,7});|#x([0-9a-f]{1,6});|(\w{1,40});)?", _reference, text, flags=re.IGNORECASE)
    named = re.sub(r"<(?![A-Za-z_/!?])", "&lt;", named)
    return _TAG.sub(_tidied_tag, named)


def _reference(found: re.Match[str]) -> str:
    """What stands for a letter, as XML may write it."""
    decimal, hexadecimal, name = found.groups()
    if decimal or hexadecimal:
        code = int(decimal) if decimal else int(hexadecimal, 16)
        is_letter = code in {9, 10, 13} or 32 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or 0xFFFF < code < 0x110000
        return f"&#{code};" if is_letter else ""
    if name is None or name in _SPECIAL:
        return found[0] if name else "&amp;"
    return html.escape(html5[f"{name};"]) if f"{name};" in html5 else f"&amp;{name};"


def _tidied_tag(found: re.Match[str]) -> str:
    slash, name, rest = found.groups()
    return f"<{slash}{name.lower()}{_ATTRIBUTE.sub(_tidied_attribute, rest)}>"


def _tidied_attribute(found: re.Match[str]) -> str:
    value = (found[2] or found[3] or found[4] or "").replace('"', "&quot;")
    return f'{found[1].lower()}="{value}"'


@dataclass(frozen=True)
class _Reader:
    """Finds the parts of a prospect by name, passing over those in a partner's own name space."""

    prefix: str

    def all(self, node: etree._Element | None, *path: str) -> list[etree._Element]:
        """Every element at the end of this path of names, in order."""
        found = [node] if node is not None else []
        for name in path:
            found = [child for parent in found for child in parent if self._is_called(child, name)]
        return found

    def text(self, node: etree._Element | None, *path: str) -> str | None:
        """The text of the first element at the end of this path that has any."""
        return next((text for part in self.all(node, *path) if (text := _text(part))), None)

    def _is_called(self, node: etree._Element, name: str) -> bool:
        if not isinstance(node.tag, str):
            return False
        prefix, _, local = node.tag.rpartition("}")[2].rpartition(":")
        own = f"{node.prefix}:" if node.prefix else f"{prefix}:" if prefix else ""
        return local == name and own in {"", self.prefix}


def _text(node: etree._Element) -> str | None:
    return " ".join("".join(str(part) for part in node.itertext()).split()) or None


def _cells(reader: _Reader, root: etree._Element) -> dict[str, str | None]:
    """What a prospect says, by header; what it does not say is null."""
    written = reader.text(root, "requestdate")
    vehicles = reader.all(root, "vehicle")
    traded = [vehicle for vehicle in vehicles if _is_traded(vehicle)]
    wanted = [vehicle for vehicle in vehicles if not _is_traded(vehicle)]
    cells = {
        **_origin_cells(reader, root),
        "status": (root.get("status") or "").strip().lower() or "new",  # what the format itself says of a blank
        "request date": _iso(written) if written else None,
        "request date as written": written,
        **_customer_cells(reader, root),
        **_vehicle_cells(reader, wanted, ("interest", "vehicle status"), ""),
        **_vehicle_cells(reader, traded, (), "trade-in "),
    }
    return cells | {"lead id": _lead_id(cells)}


def _origin_cells(reader: _Reader, root: etree._Element) -> dict[str, str | None]:
    ids = reader.all(root, "id")
    return {
        "prospect id": reader.text(root, "id"),
        "id source": next((source for node in ids if (source := (node.get("source") or "").strip())), None),
        "provider name": reader.text(root, "provider", "name"),
        "provider service": reader.text(root, "provider", "service"),
        "provider id": reader.text(root, "provider", "id"),
        "vendor name": reader.text(root, "vendor", "vendorname"),
        "vendor id": reader.text(root, "vendor", "id"),
    }


def _customer_cells(reader: _Reader, root: etree._Element) -> dict[str, str | None]:
    names = reader.all(root, "customer", "contact", "name")
    by_part = {(node.get("part") or "full").strip().lower(): text for node in reversed(names) if (text := _text(node))}
    joined = " ".join(by_part[part] for part in ("first", "middle", "last") if part in by_part)
    phones = _phones(reader.all(root, "customer", "contact", "phone"))
    return {
        "customer id": reader.text(root, "customer", "id"),
        "customer name": by_part.get("full") or joined or None,
        "first name": by_part.get("first"),
        "last name": by_part.get("last"),
        "email": reader.text(root, "customer", "contact", "email"),
        "phone": phones[0] if phones else None,
        "phone 2": phones[1] if len(phones) > 1 else None,
    }


def _phones(nodes: Sequence[etree._Element]) -> list[str]:
    """The numbers to call, the preferred one first; a fax is none."""
    called = [node for node in nodes if (node.get("type") or "").strip().lower() not in {"fax", "pager"}]
    ordered = sorted(called, key=lambda node: node.get("preferredcontact") != "1")
    return list(dict.fromkeys(text for node in ordered if (text := _text(node))))


def _is_traded(vehicle: etree._Element) -> bool:
    return (vehicle.get("interest") or "").strip().lower() in {"trade-in", "trade in", "tradein", "sell"}


def _vehicle_cells(
    reader: _Reader, vehicles: Sequence[etree._Element], attributes: Iterable[str], prefix: str
) -> dict[str, str | None]:
    """The first of these vehicles."""
    first = vehicles[0] if vehicles else None
    parts = ("year", "make", "model", "trim", "vin", "stock")
    cells = {f"{prefix}{part}": reader.text(first, part) for part in parts}
    said = {name: first.get(name.rpartition(" ")[2]) if first is not None else None for name in attributes}
    return {name: cell for name, cell in (cells | said).items() if name in HEADERS}


def _lead_id(cells: dict[str, str | None]) -> str | None:
    """The prospect's id with the name of who gave it; without one, a hash of what it says.

    A prospect sent again is a record of its own: else it would put its mark on the enquiry that it repeats.
    """
    own, source = cells["prospect id"], cells["id source"]
    said = "\x1f".join(
        f"{name}={cell}" for name, cell in cells.items() if cell and name not in {"status", "request date"}
    )
    hashed = hashlib.blake2b(said.encode(), digest_size=12).hexdigest() if said else None
    key = " ".join(part for part in (source, own) if part) if own else hashed
    return f"{key} (sent again)" if key and cells["status"] == "resend" else key


def _iso(written: str) -> str | None:
    """A request date in full ISO form, where what was written is one but for missing zeros; else null."""
    found = _ISO.match(written) or _BASIC_ISO.match(written)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    date = f"{year}-{int(month):02}-{int(day):02}"
    offset = _offset(zone)
    clock = (
        f"T{int(hour):02}:{int(minute):02}:{int(second or 0):02}{f'.{fraction}' if fraction else ''}" if hour else ""
    )
    try:
        datetime.fromisoformat(f"{date}{clock}{offset}")
    except ValueError:
        return None
    return f"{date}{clock}{offset}"


def _offset(zone: str | None) -> str:
    """`-08:0`, `-8` and `-0800` are all -08:00."""
    if zone is None or zone in "Zz":
        return "Z" if zone else ""
    hours, _, minutes = zone[1:].partition(":")
    if not minutes and len(hours) > 2:
        hours, minutes = hours[:-2], hours[-2:]
    return f"{zone[0]}{int(hours):02}:{int(minutes or 0):02}"
