"""ADF however it arrives: each prospect a row, a broken one a row with its reason (a whole file: tests/golden/adf)."""

from __future__ import annotations

import time
from email.message import EmailMessage
from pathlib import Path

import pytest

from loaders.errors import LoaderError
from loaders.read import RawFrame, read

PROSPECT = (
    "<prospect{0}><id source='Site'>7</id><requestdate>2026-03-02T09:00:00-06:00</requestdate>"
    "<customer><contact><name part='full'>{1}</name><email>a@example.com</email></contact></customer></prospect>"
)


def _adf(*names: str, attributes: str = "") -> str:
    return f'<?xml version="1.0"?><adf>{"".join(PROSPECT.format(attributes, name) for name in names)}</adf>'


def _read(folder: Path, content: str | bytes, name: str = "lead.txt") -> RawFrame:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    (raw,) = read(path)
    return raw


def _names(raw: RawFrame) -> list[str | None]:
    return raw.frame["customer name"].to_list()


@pytest.mark.parametrize(
    "content",
    [
        _adf("Ann"),
        f"\ufeff\n  {_adf('Ann')}",
        f"New lead from the site:\n\n{_adf('Ann')}\n-- \nsent by a robot",
        _adf("Ann").replace("<adf", "<?ADF version='1.0'?><adf"),
        _adf("Ann").upper().replace("ANN", "Ann").replace("A@EXAMPLE.COM", "a@example.com"),
        _adf("Ann").replace("<adf>", '<adf xmlns="urn:example:adf">'),
        _adf("Ann").replace('"1.0"?>', '"1.0" encoding="UTF-16"?>'),
        _adf("Ann").replace("</name>", "</name><fax>1 < 2 & 3</fax>"),
        PROSPECT.format("", "Ann"),
    ],
    ids=[
        "plain",
        "marked",
        "mail text",
        "capital instruction",
        "capitals",
        "name space",
        "wrong label",
        "bare",
        "no root",
    ],
)
def test_a_prospect_is_read_however_it_is_wrapped(tmp_path: Path, content: str) -> None:
    raw = _read(tmp_path, content)
    assert _names(raw) == ["Ann"]
    assert raw.frame["email"].to_list() == ["a@example.com"]
    assert raw.problems == ()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_letters_are_read_as_they_are_stored_whatever_the_label_says(tmp_path: Path, encoding: str) -> None:
    text = _adf("Zoë Müller").replace('"1.0"', '"1.0" encoding="US-ASCII"')
    assert _names(_read(tmp_path, text.encode(encoding))) == ["Zoë Müller"]


def test_a_table_with_adf_in_a_column_stays_a_table(tmp_path: Path) -> None:
    path = tmp_path / "messages.csv"
    path.write_text(f'lead_id,created_at,body\n1,2026-03-02,"mail:\n{_adf("Ann").replace(chr(34), "")}\n"\n', "utf-8")
    (raw,) = read(path, lambda cells: len({"lead_id", "created_at"} & set(cells)))
    assert raw.frame.columns == ["lead_id", "created_at", "body", "source_line"]


def _mail(**parts: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "leads@example.com", "crm@example.org", "Lead"
    mail.set_content(parts.get("text", "See below."))
    if "html" in parts:
        mail.add_alternative(parts["html"], subtype="html")
    if "attached" in parts:
        mail.add_attachment(parts["attached"].encode(), maintype="text", subtype="xml", filename="lead.xml")
    return mail


@pytest.mark.parametrize(
    "mail",
    [
        _mail(text=_adf("Ann")),
        _mail(attached=_adf("Ann")),
        _mail(html=f"<html><body><pre>{_adf('Ann').replace('<', '&lt;')}</pre></body></html>"),
        _mail(text=_adf("Ann"), html="<html><b>ADF</b></html>"),
    ],
    ids=["body", "attachment", "page", "both"],
)
def test_an_e_mail_gives_the_prospects_in_it(tmp_path: Path, mail: EmailMessage) -> None:
    assert _names(_read(tmp_path, mail.as_bytes(), "lead.eml")) == ["Ann"]


def test_an_e_mail_with_a_wrong_label_is_read_by_its_letters(tmp_path: Path) -> None:
    body = _mail(text="x").as_bytes().partition(b"\n\n")[0].replace(b'"utf-8"', b'"no-such-label"')
    raw = _read(tmp_path, body + b"\n\n" + _adf("Zoë").encode("cp1252"), "lead.eml")
    assert _names(raw) == ["Zoë"]


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("2000-03-30T15:30:20-08:0", "2000-03-30T15:30:20-08:00"),
        ("2008-06-25T8:47:50", "2008-06-25T08:47:50"),
        ("2008-6-5 8:7", "2008-06-05T08:07:00"),
        ("20080625T084750Z", "2008-06-25T08:47:50Z"),
        ("2008-06-25T08:47:50.125+0530", "2008-06-25T08:47:50.125+05:30"),
        ("2008-06-25", "2008-06-25"),
        ("2008-13-25T08:47:50", None),
        ("06/25/2008", None),
        ("yesterday", None),
    ],
)
def test_a_request_date_is_mended_and_kept_as_it_was_written(tmp_path: Path, written: str, read_as: str | None) -> None:
    raw = _read(tmp_path, _adf("Ann").replace("2026-03-02T09:00:00-06:00", written))
    assert raw.frame["request date"].to_list() == [read_as]
    assert raw.frame["request date as written"].to_list() == [written]


def test_a_broken_prospect_does_not_spoil_the_next(tmp_path: Path) -> None:
    broken = PROSPECT.format("", "Bea").replace("</contact></customer>", "</customer></contact>")
    content = f"<adf>{PROSPECT.format('', 'Ann')}{broken}{PROSPECT.format('', 'Cy')}{PROSPECT.format('', 'Dee')[:150]}"
    raw = _read(tmp_path, content)
    assert _names(raw)[0:3:2] == ["Ann", "Cy"]
    assert [line for line, _ in raw.problems] == [2, 4]
    assert "broken XML" in raw.problems[0][1]
    assert "cut off" in raw.problems[1][1]


def test_a_prospect_sent_again_is_a_record_of_its_own(tmp_path: Path) -> None:
    first = _read(tmp_path, _adf("Ann")).frame
    again = _read(tmp_path, _adf("Ann", attributes=" status='Resend'")).frame
    assert first.select("lead id", "status").row(0) == ("Site 7", "new")
    assert again.select("lead id", "status").row(0) == ("Site 7 (sent again)", "resend")


def test_without_an_id_the_same_prospect_has_the_same_one_everywhere(tmp_path: Path) -> None:
    def without(text: str) -> str:
        return text.replace("<id source='Site'>7</id>", "")

    ann, bea = _read(tmp_path, without(_adf("Ann", "Bea"))).frame["lead id"]
    assert _read(tmp_path, _mail(text=without(_adf("Ann"))).as_bytes()).frame["lead id"].to_list() == [ann]
    assert ann != bea


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("<adf></adf>", "ADF without a prospect"),
        ("<?xml version='1.0'?><invoice/>", "XML, but not ADF"),
        ("<html><body>Hello</body></html>", "a web page"),
        ("From: a@example.com\nTo: b@example.com\nSubject: x\n\nHello", "an e-mail without ADF"),
    ],
)
def test_markup_without_a_prospect_says_what_it_is(tmp_path: Path, content: str, reason: str) -> None:
    with pytest.raises(LoaderError, match=reason):
        _read(tmp_path, content)


@pytest.mark.parametrize(
    "piece", ["<!--", "<![CDATA[", "<!doctype [", "<prospect", "&", "<a b", "<a b='", "&#x", "]]>"]
)
def test_markup_made_to_keep_a_reader_busy_takes_no_time(tmp_path: Path, piece: str) -> None:
    content = f"<adf><prospect>{piece * (900_000 // len(piece))}</prospect></adf>"
    begun = time.perf_counter()
    assert _read(tmp_path, content).frame.height >= 1
    assert time.perf_counter() - begun < 10
