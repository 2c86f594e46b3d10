"""A browser for the tests: Debian's chromium or Google Chrome, without a window, driven by playwright."""

import shutil
import time

import pytest

PATIENCE = 120_000  # milliseconds for a page to show something: tests run beside each other on two cores


@pytest.fixture(scope="session")
def browser():
    """One browser for all tests of a process; they are skipped where there is none."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("no chromium or google-chrome on the path; on Debian: apt-get install chromium")
    from playwright import sync_api

    with sync_api.sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-dev-shm-usage"]  # containers: no user namespaces, little shared memory
        opened = playwright.chromium.launch(executable_path=program, args=flags)
        yield opened
        opened.close()


@pytest.fixture
def page(browser):
    """An empty page of 1400 × 1000 pixels; errors in it are printed when the test fails."""
    from playwright import sync_api

    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE)
    sync_api.expect.set_options(timeout=PATIENCE)
    opened.on("pageerror", lambda error: print("page error:", error))
    yield opened
    context.close()


@pytest.fixture
def wait_until():
    """Function that asks again and again until something is true, or two minutes are over."""

    def ask(true, seconds: float = PATIENCE / 1000) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not true():
            time.sleep(0.2)
        return true()

    return ask
