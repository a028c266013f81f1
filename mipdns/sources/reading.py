"""Files as every source reads them. In: a configured source. Out: its files, their lines, and a tally of each file.

The one rule: a file is read whole and rightly, or the load stops with one line that names it. A file that is empty,
cut short, wrongly compressed or no UTF-8 text is never taken for a short list; single lines that make no sense are
counted, and tolerated up to a share of all.
"""

from __future__ import annotations

import csv
import datetime
import glob
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Generic, Literal, NamedTuple, TypeVar

import msgspec

from mipdns import net
from mipdns.config import Source
from mipdns.errors import SourceMissing, SourceUnreadable, TooManyBadLines
from mipdns.evidence import BadLine, FileRead
from mipdns.sources.unpacking import unpacked

T = TypeVar("T")

EXAMPLES_KEPT = 5
EXAMPLES_SHOWN = 3
REASON_CHARACTERS = 200
LINE_BYTES_MAX = 4 << 20
"""Far above any record of ours; a longer line means that the file is no text of lines."""

_CHUNK_BYTES = 256 << 10
_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"PK\x03\x04": "zip"}
_SUFFIX = {".gz": "gzip", ".zst": "zstd", ".bz2": "bzip2", ".xz": "xz", ".zip": "zip"}


class Read(NamedTuple, Generic[T]):
    """What a source gave, and an account of each of its files."""

    records: list[T]
    files: list[FileRead]


def expand(source: Source) -> list[Path]:
    """The files that a source names: paths and globs (`**` too), sorted, each file once even where links repeat it.

    Raises SourceMissing for a path that is not there or a glob that matches no file.
    """
    found: dict[tuple[int, int], Path] = {}
    matches: set[Path] = set()
    for text in source.paths:
        try:
            matches.update(_matching(source, text))
        except OSError as fault:
            raise SourceUnreadable(f"source {source.name!r}: {text}: {fault.strerror or fault}") from None
    for path in sorted(matches):
        identity = path.stat()
        found.setdefault((identity.st_dev, identity.st_ino), path)
    return list(found.values())


def _matching(source: Source, text: str) -> list[Path]:
    name, path = source.name, Path(text)
    if path.is_file():  # before globbing: a name may hold brackets
        return [path]
    if path.is_dir():
        raise SourceUnreadable(f"source {name!r}: {text} is a folder; name its files, as in {text.rstrip('/')}/*")
    if path.exists():
        raise SourceUnreadable(f"source {name!r}: {text} is not a regular file")
    if not glob.has_magic(text):
        fetched = "; `mipdns fetch` gets it" if source.urls else ""
        raise SourceMissing(f"source {name!r}: {text}: no such file{fetched}")
    files = [match for match in map(Path, glob.glob(text, recursive=True)) if match.is_file()]  # noqa: PTH207 - Path.glob takes no absolute pattern
    if not files:
        raise SourceMissing(f"source {name!r}: no file matches {text}")
    return files


def digest(path: Path) -> str:
    """SHA-256 of the bytes as stored, hex, in one streaming pass. Raises SourceUnreadable."""
    sha = hashlib.sha256()
    for chunk in _stored(path):
        sha.update(chunk)
    return sha.hexdigest()


def compression(path: Path) -> Literal["", "gzip", "zstd"]:
    """How a file is packed: its name's suffix and its first bytes must agree. Raises SourceUnreadable."""
    head = next(_stored(path), b"")[:8]
    if not head:
        raise SourceUnreadable(f"{path}: is empty")
    inside = next((name for magic, name in _MAGIC.items() if head.startswith(magic)), "")
    named = _SUFFIX.get(path.suffix.lower(), "")
    if inside in ("bzip2", "xz", "zip") or named in ("bzip2", "xz", "zip"):
        raise SourceUnreadable(f"{path}: is packed with {inside or named}; plain, .gz and .zst files are read")
    if named and inside != named:
        raise SourceUnreadable(f"{path}: is named {path.suffix} but is not {named} inside")
    if inside and not named:
        raise SourceUnreadable(
            f"{path}: is {inside} inside; its name must end in {'.gz' if inside == 'gzip' else '.zst'}"
        )
    return "gzip" if inside == "gzip" else "zstd" if inside == "zstd" else ""


def chunks(path: Path) -> Iterator[bytes]:
    """A file's unpacked bytes, in pieces; a UTF-8 byte order mark at its start is left out.

    Raises SourceUnreadable for an empty, damaged or truncated file, after what could be read was given.
    """
    packing = compression(path)
    pieces = unpacked(path, _stored(path), packing) if packing else _stored(path)
    first = b""
    for piece in pieces:
        first += piece
        if len(first) >= 3:
            break
    first = first.removeprefix(b"\xef\xbb\xbf")
    if first:
        yield first
    some = bool(first)
    for piece in pieces:
        some = some or bool(piece)
        yield piece
    if not some:
        raise SourceUnreadable(f"{path}: is empty")


def _stored(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk
    except FileNotFoundError:
        raise SourceMissing(f"{path}: no such file") from None
    except OSError as fault:
        raise SourceUnreadable(f"{path}: cannot be read: {fault.strerror or fault}") from None


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a text file as (1-based number, text without its line end), LF or CRLF.

    Raises SourceUnreadable where the file is no text of lines: bytes that are not UTF-8, NUL bytes, endless lines.
    """
    number = 1
    pending = b""
    for chunk in chunks(path):
        cut = chunk.rfind(b"\n") + 1
        if cut:
            for text in _decoded(path, pending + chunk[: cut - 1], number).split("\n"):
                yield number, text.removesuffix("\r")
                number += 1
            pending = chunk[cut:]
        else:
            pending += chunk
        if len(pending) > LINE_BYTES_MAX:
            raise SourceUnreadable(
                f"{path}: line {number} is longer than {LINE_BYTES_MAX >> 20} MiB: not a text of lines"
            )
    if pending:
        yield number, _decoded(path, pending, number).removesuffix("\r")


def whole_text(path: Path) -> str:
    """A whole text file, unpacked and decoded. Raises SourceUnreadable as `lines` does."""
    return _decoded(path, b"".join(chunks(path)), 1)


def _decoded(path: Path, data: bytes, number: int) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) and number == 1:
        raise SourceUnreadable(f"{path}: is UTF-16 text; store it as UTF-8")
    if b"\0" in data:
        raise SourceUnreadable(
            f"{path}: line {number + data[: data.index(0)].count(10)} holds NUL bytes: not a text file"
        )
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as fault:
        at = number + data[: fault.start].count(b"\n")
        raise SourceUnreadable(f"{path}: line {at} is not UTF-8 text (byte 0x{data[fault.start]:02x})") from None


def clip(text: str, characters: int = 60) -> str:
    """A piece of somebody else's text as it may stand in a message: quoted, on one line, not long."""
    return repr(text if len(text) <= characters else text[:characters] + "…")


V4_LENGTH_MIN = 8
V6_LENGTH_MIN = 16
"""Nobody means more than a /8 or a /16 in one line of a list: `0.0.0.0/0` is a mistake, or an attack."""


def named_range(text: str) -> net.Range:
    """A range as lists name it: an address, a prefix or `first-last`.

    Raises ValueError, with what else the text looks like, for what is no range or one too wide to be meant.
    """
    try:
        first, last = net.parse_range(text)
    except ValueError as fault:
        told = str(fault) if text in str(fault) and len(text) <= 60 else f"{clip(text)} is not an address or a prefix"
        raise ValueError(told + hint(text)) from None
    refuse_too_wide(first, last)
    return first, last


def refuse_too_wide(first: int, last: int) -> None:
    """Raise ValueError for a range that nobody can speak of as one, such as half the Internet."""
    bits = 32 - V4_LENGTH_MIN if net.is_v4(first) and net.is_v4(last) else net.ADDRESS_BITS - V6_LENGTH_MIN
    if last - first >= 1 << bits:
        told = net.format_range(first, last)
        raise ValueError(f"{told} is wider than a /{V4_LENGTH_MIN} (IPv4) or /{V6_LENGTH_MIN} (IPv6)")


class FileTally:
    """Counts one file's lines while it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = 0
        self.rejected = 0
        self.dropped = 0
        self.examples: list[BadLine] = []
        self.dated: datetime.date | None = None

    @property
    def lines(self) -> int:
        """Lines (or records) judged so far; comments and blank lines are not."""
        return self.rows + self.rejected + self.dropped

    def bad(self, line: int, reason: str) -> None:
        """Count a line that cannot be read; the first ones are kept with the reason."""
        self.rejected += 1
        if len(self.examples) < EXAMPLES_KEPT:
            flat = " ".join(reason.split())
            self.examples.append(BadLine(str(self.path), line, flat[:REASON_CHARACTERS]))

    def saw(self, day: datetime.date | None) -> None:
        """Take note of a day that the contents speak of; the newest one that has come dates the file."""
        if day is not None and has_come(day) and (self.dated is None or day > self.dated):
            self.dated = day


class Tally:
    """Counts a source's files, one after the other, and closes the account.

    Raises SourceUnreadable for a source that is `dated` a day that has not come.
    """

    def __init__(self, source: Source, bad_lines_max: float) -> None:
        if source.dated is not None and not has_come(source.dated):
            raise SourceUnreadable(
                f"source {source.name!r}: dated {source.dated} has not come yet: what it says would not age until then"
            )
        self.source = source
        self.bad_lines_max = bad_lines_max
        self.files: list[FileTally] = []

    def file(self, path: Path) -> FileTally:
        """Begin the next file."""
        self.files.append(FileTally(path))
        return self.files[-1]

    def close(self, *, each: bool = True) -> list[FileRead]:
        """The account of every file, in order.

        Raises TooManyBadLines where their share of all lines of the source passes the limit, and SourceUnreadable
        where nothing is left: of any file (`each`), or of all files together. A list that shrank to nothing must not
        quietly unlist everything.
        """
        check_bad_lines(
            self.source.name,
            self.bad_lines_max,
            rows=sum(file.rows + file.dropped for file in self.files),
            rejected=sum(file.rejected for file in self.files),
            examples=[example for file in self.files for example in file.examples][:EXAMPLES_KEPT],
        )
        for file in self.files:
            if not file.rows and (each or not any(other.rows for other in self.files)):
                left = f"all its {file.dropped} rows lie in special-purpose space" if file.dropped else "it has no rows"
                raise SourceUnreadable(f"{file.path}: source {self.source.name!r}: {left}; remove it if that is meant")
        return [self._account(file) for file in self.files]

    def _account(self, file: FileTally) -> FileRead:
        return FileRead(
            source=self.source.name,
            kind=self.source.kind,
            format=self.source.format,
            file=str(file.path),
            digest=digest(file.path),
            bytes=file.path.stat().st_size,
            rows=file.rows,
            rejected=file.rejected,
            dropped=file.dropped,
            examples=tuple(file.examples),
            dated=date_of(self.source, file.path, file.dated),
            licence=self.source.licence,
        )


def check_bad_lines(name: str, bad_lines_max: float, *, rows: int, rejected: int, examples: list[BadLine]) -> None:
    """Raise TooManyBadLines, with the first examples, where `rejected` is more than the allowed share of all lines."""
    total = rows + rejected
    if not rejected or rejected <= bad_lines_max * total:
        return
    shown = [f"{example.file}:{example.line}: {example.reason}" for example in examples[:EXAMPLES_SHOWN]]
    raise TooManyBadLines(
        f"source {name!r}: {rejected} of {total} lines cannot be read ({100 * rejected / total:.3g} %, the limit is "
        f"{100 * bad_lines_max:.3g} %): {'; '.join(shown)}; mend the file or raise bad_lines_max in [load]"
    )


def has_come(day: datetime.date) -> bool:
    """Whether a day is today or past, somewhere: east of here it is tomorrow already."""
    return day <= datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(1)


def date_of(source: Source, path: Path, inside: datetime.date | None) -> datetime.date:
    """The day a file speaks of: as configured (`dated`), else the time found inside it, else when it was written."""
    if source.dated is not None:
        return source.dated
    if inside is not None:
        return inside
    return datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.UTC).date()


_TOLD = re.compile(
    r"updat|generat|modifi|creat|publish|released?\b|\bdate\b|\bdated\b|\bas of\b|\bbuilt\b", re.IGNORECASE
)
_ISO_DAY = re.compile(r"(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)")
_WORD_DAY = re.compile(r"(?<!\d)(\d{1,2})[ -]([A-Z][a-z]{2})[a-z]*[ -](\d{4})(?!\d)")
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def date_in_comment(comment: str) -> datetime.date | None:
    """The day on which a comment says that the file was made: `Last update: Sat, 22 Aug 2026 03:00:29 +0200`.

    The day is taken as written, whatever the zone. None where the comment tells of something else.
    """
    told = _TOLD.search(comment)
    if told is None:
        return None
    try:
        if found := _ISO_DAY.search(comment, told.end()):
            return datetime.date(int(found[1]), int(found[2]), int(found[3]))
        found = _WORD_DAY.search(comment, told.end())
        if found and found[2] in _MONTHS:
            return datetime.date(int(found[3]), _MONTHS.index(found[2]) + 1, int(found[1]))
    except ValueError:  # a day that the calendar does not have
        return None
    return None


def fields(line: str) -> list[str]:
    """The columns of one CSV line, quoted ones too (RFC 4180, without line ends inside quotes). Raises ValueError."""
    try:
        return next(csv.reader([line]))
    except (csv.Error, StopIteration) as fault:
        raise ValueError(f"is not CSV: {fault}") from None


def json_document(path: Path) -> object:
    """A whole JSON file as plain lists and dictionaries. Raises SourceUnreadable."""
    content = whole_text(path)
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError) as fault:
        raise SourceUnreadable(f"{path}: is not a whole JSON document: {fault}{hint(content)}") from None


def hint(content: str) -> str:
    """What else a text that is not of the expected format looks like, as a clause for a message; "" unknown."""
    start = content[:100].lstrip()
    if start.startswith("<"):
        return " (it looks like an HTML or XML page)"
    if start.startswith(("{", "[")):
        return " (it looks like JSON)"
    if re.match(r"AS\d+\b", start):
        return " (it looks like a list of AS numbers; addresses and prefixes are read here)"
    return ""
