"""Pages taken apart by tests."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "link", "br", "img", "input", "wbr", "hr"}
#: Elements of SVG that the pages close themselves.
SHAPES = {"path", "rect", "circle"}


class Read(HTMLParser):
    """A page as a browser would take it apart; what is not closed, or closed twice, is an error."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.rows: list[list[tuple[dict[str, str | None], str]]] = []
        self.row_tags: list[dict[str, str | None]] = []
        self._cell: int | None = None
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"an attribute twice in <{tag}>"
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
            self.row_tags.append(dict(attrs))
        if tag in ("td", "th"):
            self.rows[-1].append((dict(attrs), ""))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in SHAPES | VOID, f"<{tag}/> is not closed in HTML"
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if self.rows and self.rows[-1] and {"td", "th"} & set(self.open):
            attributes, text = self.rows[-1][-1]
            self.rows[-1][-1] = attributes, text + data

    def ids(self) -> list[str]:
        return [str(attributes["id"]) for _, attributes in self.tags if "id" in attributes]
