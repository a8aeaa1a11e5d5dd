"""What is wrong with how a page looks, found in the browser: width, size of letters, contrast, focus, what is cut."""

from pathlib import Path

from tests.browsing import Tab

FORMS = {  # how wide, how tall, dark or light
    "phone": (390, 844, False),
    "phone, dark": (390, 844, True),
    "desk": (1280, 900, False),
    "desk, dark": (1280, 900, True),
}
SMALLEST = 12  # pixels of a letter
CONTRAST = 4.5
TALLEST = 16_000  # of a page: as much is looked at
LOOKING = (Path(__file__).parent / "data" / "looking.js").read_text(encoding="utf-8")


def faults(tab: Tab, form: str) -> list[str]:
    """Return what is wrong with the page in a tab in one form; the window is made as tall as the page."""
    wide, tall, is_dark = FORMS[form]
    tab.form(wide, tall, is_dark=is_dark)
    tab.press("Tab")  # focus is shown to whom uses keys
    whole = min(int(tab.value("document.documentElement.scrollHeight")), TALLEST)
    tab.form(wide, max(tall, whole), is_dark=is_dark)
    tab.value("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return tab.value(f"{LOOKING.rstrip()}({SMALLEST}, {CONTRAST})")
