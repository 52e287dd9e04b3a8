"""The page in a real browser: no errors, no request, no overflow, and the tables sort."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium")
pytestmark = pytest.mark.skipif(
    not (Path(CHROMIUM).exists() and Path(DRIVER).exists()), reason=f"needs {CHROMIUM} and {DRIVER}"
)
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *(
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-dev-shm-usage",
    ),
)


@pytest.fixture(scope="module")
def browser(full: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    profile = tmp_path_factory.mktemp("profile")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(executable_path=DRIVER)
    driver = webdriver.Chrome(options=options, service=service)
    try:
        driver.set_window_size(1280, 900)
        driver.get(full.as_uri())
        yield driver
    finally:
        driver.quit()


def test_loads_without_errors_and_asks_nothing_of_the_network(browser: Any) -> None:
    assert browser.get_log("browser") == []
    asked = [
        event["params"]["request"]["url"]
        for event in (json.loads(entry["message"])["message"] for entry in browser.get_log("performance"))
        if event["method"] == "Network.requestWillBeSent"
    ]
    assert [url for url in asked if not url.startswith(("data:", "file:", "chrome:", "about:"))] == []
    loaded = browser.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
    assert [url for url in loaded if not url.startswith("data:")] == []
    assert browser.execute_script("return [...document.images].every(i => i.complete && i.naturalWidth > 0)")


@pytest.mark.parametrize("width", [1280, 800])
def test_nothing_overflows_sideways(browser: Any, width: int) -> None:
    browser.set_window_size(width, 900)
    wide = browser.execute_script("return document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0


def test_contents_lead_to_sections_and_mark_the_current_one(browser: Any) -> None:
    browser.set_window_size(1280, 900)
    browser.execute_script("document.documentElement.style.scrollBehavior = 'auto'")
    links = browser.find_elements("css selector", "nav.contents a")
    assert len(links) == 14
    for link in links:
        target = link.get_attribute("href").split("#")[1]
        assert browser.find_element("id", target).tag_name == "section"
    browser.find_element("css selector", 'nav.contents a[href="#survival"]').click()
    current = """
        const done = arguments[0];
        requestAnimationFrame(() => requestAnimationFrame(() =>
            done(document.querySelector('nav.contents [aria-current]').hash)));
    """
    assert browser.execute_async_script(current) == "#survival"


def test_tables_sort_by_number_and_back(browser: Any) -> None:
    script = """
        const table = [...document.querySelectorAll('table')]
            .find(t => [...t.querySelectorAll('th')].some(h => h.textContent === 'Hazard ratio'));
        const head = [...table.querySelectorAll('th')].find(h => h.textContent === 'Hazard ratio');
        const read = () => [...table.tBodies[0].rows].map(r => Number(r.cells[head.cellIndex].dataset.key));
        head.querySelector('button').click();
        const up = read();
        head.querySelector('button').click();
        return [up, read(), head.getAttribute('aria-sort')];
    """
    up, down, state = browser.execute_script(script)
    assert up == sorted(up)
    assert down == up[::-1]
    assert state == "descending"


def test_prints_without_the_contents(browser: Any) -> None:
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    shown = browser.execute_script("return getComputedStyle(document.querySelector('nav.contents')).display")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert shown == "none"


def test_reads_the_same_without_javascript(full: Path, tmp_path: Path) -> None:
    if shutil.which("chromium") is None:
        pytest.skip("needs chromium on the path")
    plain = tmp_path / "plain.html"
    text = full.read_text(encoding="utf-8")
    plain.write_text(text.replace("script-src 'unsafe-inline'", "script-src 'none'"), encoding="utf-8")
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", plain.as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert "<button" not in shown
    assert 'href="#summary"' in shown
