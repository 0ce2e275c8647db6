# ruff: noqa: E501
"""Pages that mean harm, or that a model might write by mistake, by name."""

from __future__ import annotations

TEXT = "<h1>Welcome</h1><p>A page with a few words on it, so that there is something to see.</p>"


def _script(source: str) -> str:
    return f"<!DOCTYPE html><html><head><title>p</title></head><body>{TEXT}<script>{source}</script></body></html>"


def _body(markup: str) -> str:
    return f"<!DOCTYPE html><html><head><title>p</title></head><body>{TEXT}{markup}</body></html>"


PAGES: dict[str, str] = {
    "endless loop": _script("for (;;) {}"),
    "endless loop later": _script("setTimeout(() => { for (;;) {} }, 100)"),
    "endless loop in a timer": _script("setInterval(() => { const t = performance.now(); for (;;) {} }, 1)"),
    "endless loop in a frame callback": _script("requestAnimationFrame(() => { while (true) {} })"),
    "endless microtasks": _script("const f = () => Promise.resolve().then(f); f()"),
    "endless timers of nothing": _script("const f = () => { setTimeout(f, 0); setTimeout(f, 0) }; f()"),
    "endless messages": _script("onmessage = () => { postMessage(1, '*'); postMessage(1, '*') }; postMessage(1, '*')"),
    "catastrophic regular expression": _script("/^(a+)+$/.test('a'.repeat(40) + 'b')"),
    "recursion": _script("const f = () => f() + 1; f()"),
    "recursion that is caught": _script("const f = () => { try { f() } finally { f() } }; f()"),
    "heap bomb": _script("const a = []; for (;;) a.push(new Array(10000).fill('x'))"),
    "typed array bomb": _script("const a = []; for (;;) { const b = new Uint8Array(1e8).fill(1); a.push(b) }"),
    "string bomb": _script("let s = 'x'; const a = []; for (;;) { s = s + s; a.push(s.split('')) }"),
    "element bomb": _script("for (;;) document.body.append(document.createElement('div'))"),
    "deep nesting": _script("let e = document.body; for (let i = 0; i < 1e6; i++) { const d = document.createElement('b'); e.append(d); e = d }"),
    "deep source": "<!DOCTYPE html><body>" + "<div>" * 60_000 + "x",
    "deep formatting source": "<!DOCTYPE html><body>" + "<a><div>" * 8_000 + "x",
    "many attributes": "<!DOCTYPE html><body>" + TEXT + "<p " + " ".join(f"a{i}=1" for i in range(30_000)) + ">x",
    "console flood": _script("for (;;) console.log('x'.repeat(1000))"),
    "console flood by errors": _script("setInterval(() => { for (let i = 0; i < 1000; i++) setTimeout(() => { throw new Error('x'.repeat(1000)) }) }, 1)"),
    "rejection flood": _script("setInterval(() => { for (let i = 0; i < 5000; i++) Promise.reject(new Error('no')) }, 1)"),
    "alert flood": _script("for (;;) alert('stay')"),
    "confirm and prompt flood": _script("while (!confirm('no') || prompt('why') !== 'x') {}"),
    "dialog before leaving": _script("onbeforeunload = (e) => { e.preventDefault(); return e.returnValue = 'stay' }; document.body.click()"),
    "print flood": _script("for (let i = 0; i < 1e4; i++) print()"),
    "popup flood": _script("for (let i = 0; i < 2000; i++) open('about:blank', '_blank')"),
    "popups by click": _script("document.onclick = () => { for (;;) open(location.href) }; document.body.click()"),
    "worker flood": _script("const u = URL.createObjectURL(new Blob(['for (;;) {}'])); for (let i = 0; i < 200; i++) new Worker(u)"),
    "worker with memory": _script("const u = URL.createObjectURL(new Blob(['const a = []; for (;;) a.push(new Uint8Array(1e7).fill(1))'])); new Worker(u)"),
    "worker that multiplies": _script("const c = 'const u = URL.createObjectURL(new Blob([s])); new Worker(u); new Worker(u)'; new Worker(URL.createObjectURL(new Blob(['const s = ' + JSON.stringify('for(;;){}') + ';' + c])))"),
    "reloads for ever": _script("location.reload()"),
    "redirects for ever": _script("location.href = '/?' + Math.random()"),
    "refresh": f"<!DOCTYPE html><meta http-equiv=refresh content=0>{TEXT}",
    "leaves for elsewhere": _script("location.href = 'https://elsewhere.example/'"),
    "leaves for a data address": _script("location.href = 'data:text/html,<script>for(;;){}</script>'"),
    "leaves for a blob": _script("location.href = URL.createObjectURL(new Blob(['<script>for(;;){}<\\/script>'], { type: 'text/html' }))"),
    "history flood": _script("for (let i = 0; i < 1e6; i++) history.pushState(0, '', '#' + i)"),
    "frames in frames": _body("<script>if (top === self || parent === top) for (let i = 0; i < 20; i++) { const f = document.createElement('iframe'); f.src = location.href; document.body.append(f) }</script>"),
    "a frame that loops": _body("<iframe srcdoc='<script>for(;;){}</script>'></iframe>"),
    "large canvas": _script("for (let i = 0; i < 50; i++) { const c = document.createElement('canvas'); c.width = c.height = 16000; c.getContext('2d').fillRect(0, 0, 16000, 16000); document.body.append(c) }"),
    "WebGL": _script("for (let i = 0; i < 100; i++) { const c = document.createElement('canvas'); c.width = c.height = 4096; const g = c.getContext('webgl'); if (g) g.clear(16384); document.body.append(c) }"),
    "huge picture": _body("<svg width=100000 height=100000><filter id=f><feTurbulence baseFrequency=.01 numOctaves=20></feTurbulence></filter><rect width=100000 height=100000 filter=url(#f)></rect></svg>"),
    "entity and use bomb": _body("<svg>" + "".join(f"<g id=g{i + 1}>" + f"<use href=#g{i}></use>" * 10 + "</g>" for i in range(9)) + "<rect id=g0 width=9 height=9></rect><use href=#g9></use></svg>"),
    "CSS of much work": "<!DOCTYPE html><style>" + "*:has(* * *:nth-child(2n+1) ~ *) * ~ * { color: red }" * 200 + "</style><body>" + TEXT + "<div><p>x</p>" * 3000,
    "endless height": _body("<div style='height: 100000000px'>tall</div>"),
    "grows when it is scrolled": _script("onscroll = () => { document.body.style.height = document.body.scrollHeight + 5000 + 'px' }"),
    "grows for ever": _script("const f = () => { document.body.insertAdjacentHTML('beforeend', '<p>more</p>'.repeat(100)); requestAnimationFrame(f) }; f()"),
    "downloads": _script("for (let i = 0; i < 200; i++) { const a = document.createElement('a'); a.href = 'data:application/zip,x'; a.download = 'x.zip'; a.click() }"),
    "debugger": _script("for (let i = 0; i < 1e9; i++) debugger"),
    "document.write": _script("for (;;) document.write('<p>more</p>')"),
    "no document left": _script("document.documentElement.remove()"),
    "functions replaced": _script("for (const k of ['querySelectorAll', 'getElementById', 'elementFromPoint']) Document.prototype[k] = () => { for (;;) {} }; window.getComputedStyle = JSON.stringify = () => { for (;;) {} }"),
    "synchronous wait": _script("const x = new XMLHttpRequest(); for (;;) { x.open('GET', '/none', false); try { x.send() } catch {} }"),
    "storage flood": _script("for (let i = 0; ; i++) localStorage.setItem('k' + i, 'x'.repeat(1e5))"),
    "20 MB of source": "<!DOCTYPE html><body>" + TEXT + "<p>word</p>" * 2_000_000,
    "a long line of script": _script("const a = [" + "1," * 200_000 + "]"),
    "fonts, media and speech": _body("<video autoplay loop src=data:video/mp4,x></video><audio autoplay src=x.mp3></audio><script>for (let i = 0; i < 1000; i++) { speechSynthesis.speak(new SpeechSynthesisUtterance('x')); new AudioContext() }</script>"),
    "service worker": _script("navigator.serviceWorker.register(URL.createObjectURL(new Blob(['onfetch = () => { for (;;) {} }']))).catch(() => {}); navigator.serviceWorker.register('/sw.js')"),
    "permissions and full screen": _script("navigator.geolocation.getCurrentPosition(() => {}); Notification.requestPermission(); document.body.requestFullscreen(); navigator.mediaDevices.getUserMedia({ audio: true }); document.body.requestPointerLock()"),
}  # fmt: skip
