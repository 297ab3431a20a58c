"""Look at every built page of the documentation in a browser.

``python -m tools.check_docs`` opens the pages in ``docs/_build/html`` in headless
Chromium, in two widths, light and dark, without a network. It prints console errors,
formulas that are not typeset, links and anchors that lead nowhere, pages that scroll
sideways, and words that the search does not find. The exit status is 1 if there are
any. It needs the package playwright, and ``chromium`` on the path.
"""

import argparse
import functools
import shutil
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urldefrag

PAGES = Path(__file__).parents[1] / "docs" / "_build" / "html"
WIDTHS = (1400, 400)
THEMES = ("light", "dark")
SEARCHES = ("spectra", "uncertainty", "groups")
# Text of a page without code, in which dollars and backslashes are meant.
_RAW_TEX = r"""() => {
    const clone = document.querySelector("article").cloneNode(true);
    clone.querySelectorAll("pre, code, mjx-container, script").forEach(e => e.remove());
    return /\\\(|\\\[|\\frac|\\mathrm/.test(clone.textContent);
}"""
_LINKS = """() => [...document.querySelectorAll("a[href]")].map(a => a.href)"""
_ANCHORS = """() => [...document.querySelectorAll("[id]")].map(e => e.id)"""
_OVERFLOW = """() =>
    document.documentElement.scrollWidth - document.documentElement.clientWidth"""
_FOUND = """() => document.querySelectorAll("ul.search li").length"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        """Write no line per request."""


def check(folder, screenshots=None):
    """Yield the faults of all pages in a folder, one line each."""
    from playwright.sync_api import sync_playwright

    handler = functools.partial(_Quiet, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    root = f"http://127.0.0.1:{server.server_port}/"
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.html"))
    names = [name for name in names if not name.startswith("_")]
    anchors, links = {}, {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for theme in THEMES:
            for width in WIDTHS:
                size = {"width": width, "height": 900}
                context = browser.new_context(viewport=size, color_scheme=theme)
                # Badges and other sites are not needed to read a page.
                context.route(lambda url: not url.startswith(root), _abort)
                page = context.new_page()
                for name in names:
                    for fault in _look(page, root, name):
                        yield f"{name}, {width} px, {theme}: {fault}"
                    if screenshots is not None:
                        file = f"{name.replace('/', '-')}-{width}-{theme}.png"
                        page.screenshot(path=screenshots / file, full_page=True)
                    if (theme, width) == (THEMES[0], WIDTHS[0]):
                        links[name] = page.evaluate(_LINKS)
                        anchors[name] = set(page.evaluate(_ANCHORS))
                context.close()
        yield from _search(browser, root)
        browser.close()
    server.shutdown()
    yield from _broken(folder, root, links, anchors)


def _abort(route):
    route.abort()


def _look(page, root, name):
    """Open a page and return its faults."""
    faults = []

    def see(message):
        if message.type == "error" and message.location.get("url", "").startswith(root):
            faults.append(f"console: {message.text}")

    page.on("console", see)
    page.on("pageerror", lambda error: faults.append(f"script: {error}"))
    page.goto(root + name, wait_until="load")
    page.wait_for_function(
        "!window.MathJax || !MathJax.startup || !MathJax.startup.promise"
        " || MathJax.startup.promise.then(() => true)"
    )
    if page.locator("article").count() and page.evaluate(_RAW_TEX):
        faults.append("a formula is not typeset")
    overflow = page.evaluate(_OVERFLOW)
    if overflow > 0:
        faults.append(f"scrolls sideways by {overflow} px")
    page.remove_listener("console", see)
    return faults


def _search(browser, root):
    page, faults = browser.new_page(), []
    for word in SEARCHES:
        page.goto(f"{root}search.html?q={word}", wait_until="load")
        page.wait_for_selector("#search-results h2 ~ *", timeout=10_000)
        if not page.evaluate(_FOUND):
            faults.append(f"search finds nothing for {word!r}")
    return faults


def _broken(folder, root, links, anchors):
    """Return links between pages whose file or anchor does not exist."""
    faults = []
    for name, targets in links.items():
        for target in sorted(set(targets)):
            if not target.startswith(root):
                continue
            address, anchor = urldefrag(target.removeprefix(root))
            address = unquote(address.split("?")[0]) or "index.html"
            if not (folder / address).exists():
                faults.append(f"{name}: no page {address}")
            elif anchor and unquote(anchor) not in anchors.get(address, {anchor}):
                faults.append(f"{name}: no anchor {address}#{anchor}")
    return faults


def main():
    """Print the faults."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--folder", type=Path, default=PAGES)
    parser.add_argument("--screenshots", type=Path, help="folder for pictures")
    arguments = parser.parse_args()
    if arguments.screenshots is not None:
        arguments.screenshots.mkdir(parents=True, exist_ok=True)
    n_faults = 0
    for fault in check(arguments.folder, arguments.screenshots):
        print(fault, flush=True)
        n_faults += 1
    print(f"{n_faults} faults")
    return int(n_faults > 0)


if __name__ == "__main__":
    sys.exit(main())
