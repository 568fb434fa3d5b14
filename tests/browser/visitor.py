"""Opens pages in a browser, and remembers whatever goes wrong in them."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page, Request, Response

PHONE, DESK = 390, 1280


class Visitor:
    """Opens pages below one address; on leaving, every fault of every page fails the test.

    Faults are errors and warnings of scripts, a message box, a request that fails, and one for anything that is not
    below the address.
    """

    def __init__(self, browser: Browser, address: str) -> None:
        self.browser = browser
        self.address = address
        self.faults: list[str] = []
        self._contexts: list[BrowserContext] = []

    def __enter__(self) -> Visitor:
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        for context in self._contexts:
            context.close()
        faults = "\n".join(self.faults)
        if faults and error is None:
            raise AssertionError(faults)
        if faults:
            error.add_note(faults)

    def __call__(self, page: str = "index.html", *, width: int = DESK, dark: bool = False, **options: Any) -> Page:
        """Open a page in a context of its own.

        Parameters
        ----------
        page : str
            Its address below that of the site.
        width : int
            Of the window, in CSS pixels.
        dark : bool
            Whether the system asks for dark colours.
        **options : object
            Of `Browser.new_context`.

        Returns
        -------
        Page
            Loaded, scripts run.
        """
        context = self.browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme="dark" if dark else "light", **options
        )
        self._contexts.append(context)
        context.set_default_timeout(10_000)
        context.on("request", self._see_request)
        context.on("requestfailed", self._see_failure)
        context.on("response", self._see_response)
        context.on("console", self._see_message)
        context.on("weberror", lambda error: self.faults.append(f"{error.error}"))
        context.on("dialog", self._see_dialog)
        opened = context.new_page()
        opened.goto(self.address + page)
        return opened

    def _see_request(self, request: Request) -> None:
        if not request.url.startswith((self.address, "data:", "blob:", "about:")):
            self.faults.append(f"asks for {request.url}")

    def _see_failure(self, request: Request) -> None:
        # A download ends the navigation that began it.
        if request.failure != "net::ERR_ABORTED":
            self.faults.append(f"{request.url}: {request.failure}")

    def _see_response(self, response: Response) -> None:
        if response.status >= 400:
            self.faults.append(f"{response.url}: {response.status}")

    def _see_message(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(f"{message.type}: {message.text}")

    def _see_dialog(self, dialog: Dialog) -> None:
        self.faults.append(f"message box: {dialog.message}")
        dialog.dismiss()
