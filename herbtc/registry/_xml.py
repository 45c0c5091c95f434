"""XML to a tree of elements, for documents that a stranger may have written.

expat reads them with everything switched off by which a short document becomes a large one, or reaches out: what a
document declares for itself, and names that stand for something else. NLM's documents have neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import TreeBuilder
from xml.parsers.expat import ExpatError, ParserCreate

from attrs import define, field

from herbtc.errors import DataError, Problem, shown

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_DEEPEST = 200  # formulas in titles come to some 30
_MOST = 3_000_000  # two hundred records have some hundred thousand


class _RefusedError(Exception):
    """XML that is not read, whether or not it is well-formed."""


@define
class _Guard:
    """Builds the tree of what may stand in it."""

    builder: TreeBuilder = field(factory=TreeBuilder)
    depth: int = 0
    elements: int = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        self.elements += 1
        if self.elements > _MOST:
            raise _RefusedError(f"more than {_MOST} elements; ask for fewer records at a time")
        if self.depth > _DEEPEST:
            raise _RefusedError(f"elements nested deeper than {_DEEPEST}")
        self.builder.start(name, attributes)

    def end(self, name: str) -> None:
        self.depth -= 1
        self.builder.end(name)

    def declares(self, name: str, _system: str | None, _public: str | None, own: int) -> None:
        # Defaults of attributes make documents grow as entities do, and expat bounds only the latter.
        if own:
            raise _RefusedError(f"declarations inside the document ({shown(name)}); no NLM document has any")

    def skipped(self, name: str, _parameter: int) -> None:
        raise _RefusedError(f"the entity {shown(name)} is not declared")


def tree(data: bytes, where: str) -> Element:
    """Return the root of the XML document in some bytes.

    Raises
    ------
    herbtc.DataError
        If they are no well-formed XML, declare entities or anything else, or are nested deeper, or have more elements,
        than any document of NLM.
    """
    if not isinstance(data, bytes):
        raise TypeError(f"expected bytes, such as Path.read_bytes() returns, got {type(data).__name__}")
    guard = _Guard()
    parser = ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = guard.start
    parser.EndElementHandler = guard.end
    parser.CharacterDataHandler = guard.builder.data
    parser.StartDoctypeDeclHandler = guard.declares
    parser.SkippedEntityHandler = guard.skipped
    try:
        parser.Parse(data, True)
        return guard.builder.close()
    except _RefusedError as error:
        message = f"refused: {error}"
    except ExpatError as error:
        message = f"expected XML: {error}; it begins with {shown(data[:40].decode('utf-8', 'replace'))}"
    except (LookupError, ValueError) as error:  # encodings that Python does not know, or cannot read byte by byte
        message = f"not readable as XML: {error}"
    raise DataError(where, [Problem("", "", message)])
