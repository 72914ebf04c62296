"""A file's name as servers give it: the forms of RFC 6266, and those that servers write instead."""

from hypothesis import given
from hypothesis import strategies as some

from support.every_case import every_case
from videoimport.worker.fetch.http.content_disposition import filename


def sent(text: str, charset: str = "utf-8") -> str:
    """As http.client reads these bytes."""
    return text.encode(charset).decode("latin-1")


@every_case(
    ("header", "name"),
    [
        ("attachment; filename=talk.mp4", "talk.mp4"),
        ("ATTACHMENT; FileName=talk.mp4", "talk.mp4"),
        ('inline;filename="my talk.mp4"', "my talk.mp4"),
        ('filename="alone.mp4"', "alone.mp4"),
        ("attachment ; filename = talk.mp4 ;", "talk.mp4"),
        ("attachment; filename=my talk (1).mp4; size=5", "my talk (1).mp4"),
        ('attachment; filename="part 1; part 2.mp4"', "part 1; part 2.mp4"),
        ('attachment; name="x; filename=wrong.mp4"; filename=right.mp4', "right.mp4"),
        (r'attachment; filename="a \"b\".mp4"', 'a "b".mp4'),
        (r'attachment; filename="t\alk.mp4"', "talk.mp4"),
        ('attachment; filename="cut.mp4', "cut.mp4"),
        ("attachment; filename*=UTF-8''%C3%BCber.mp4", "über.mp4"),
        ("attachment; filename*=utf-8'en-GB'%e2%82%ac%20rates.mp4", "€ rates.mp4"),
        ("attachment; filename*=\"UTF-8''%C3%BCber.mp4\"", "über.mp4"),
        ("attachment; filename*=ISO-8859-1'de'%FCber.mp4", "über.mp4"),
        ("attachment; filename*=iso-8859-1''a%3Bb.mp4; filename=ab.mp4", "a;b.mp4"),
        ("attachment; filename=plain.mp4; filename*=UTF-8''b%C3%A9.mp4", "bé.mp4"),
        ("attachment; filename*=UTF-8''b%C3%A9.mp4; filename=plain.mp4", "bé.mp4"),
        ("attachment; filename*=UTF-8''%FF.mp4; filename=plain.mp4", "plain.mp4"),
        ("attachment; filename*=unicode_escape''x.mp4; filename=plain.mp4", "plain.mp4"),
        ("attachment; filename*=nonsense; filename=plain.mp4", "plain.mp4"),
        ('attachment; filename*0="my long "; filename*1="talk.mp4"', "my long talk.mp4"),
        ("attachment; filename*1=talk.mp4; filename*0=my", "mytalk.mp4"),
        ("attachment; filename*0*=UTF-8''%C3; filename*1*=%BCber%20; filename*2=\"100%25.mp4\"", "über 100%25.mp4"),
        ("attachment; filename*0*=ISO-8859-1'de'%FC; filename*1=ber.mp4", "über.mp4"),
        ("attachment; filename*0=a; filename*1*=%20b.mp4; filename*3=c", "a b.mp4"),
        (sent('attachment; filename*0="日"; filename*1="本.mp4"'), "日本.mp4"),
        ("attachment; filename=plain.mp4; filename*0=a; filename*1=b.mp4", "ab.mp4"),
        ("attachment; filename*0=a.mp4; filename*=UTF-8''b.mp4", "b.mp4"),
        ("attachment; filename*0*=nonsense; filename=plain.mp4", "plain.mp4"),
        ("attachment; filename*0*=unicode_escape''x.mp4; filename=plain.mp4", "plain.mp4"),
        ("attachment; filename*1=a.mp4; filename=plain.mp4", "plain.mp4"),
        ("attachment; filename*0=../..; filename*1=/etc/passwd", "passwd"),
        ("attachment; " + "; ".join(f"filename*{number}=a" for number in range(4000)), "a" * 100),
        (sent('attachment; filename="日本.mp4"'), "日本.mp4"),
        (sent("attachment; filename=über.mp4"), "über.mp4"),
        (sent('attachment; filename="über.mp4"', "latin-1"), "über.mp4"),
        ("attachment; filename==?UTF-8?B?w7xiZXIubXA0?=", "über.mp4"),
        ('attachment; filename="=?UTF-8?Q?=C3=BCber.mp4?="', "über.mp4"),
        ('attachment; filename="=?nonsense?Q?x?="', "=?nonsense?Q?x?="),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="C:\\\\films\\\\talk.mp4"', "talk.mp4"),
        ("attachment; filename*=UTF-8''..%2F..%2Ftalk.mp4", "talk.mp4"),
        ("attachment; filename*=UTF-8''a%00%0D%0A%1Bb%E2%80%AE.mp4", "a b.mp4"),
        ('attachment; filename="a\tb.mp4"', "a b.mp4"),
        ('attachment; filename=".."', None),
        ('attachment; filename="films/"', None),
        ('attachment; filename=""', None),
        ("attachment", None),
        ("", None),
    ],
)
def test_a_name_is_what_the_server_meant(header: str, name: str | None) -> None:
    assert filename(header) == name


@given(some.text(alphabet=[*"filename*=\"\\;/' %=?UTF-8QB.x01", "\x00", "\x85", "\xff"], max_size=60))
def test_nothing_a_server_sends_breaks_it(rest: str) -> None:
    name = filename(f"attachment; filename{rest}")
    assert name is None or ("/" not in name and "\\" not in name and name.isprintable())
