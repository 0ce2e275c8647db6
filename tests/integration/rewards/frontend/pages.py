# ruff: noqa: E501
"""An honest page with its checks, for tests."""

TASKS = r"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Tasks</title>
<style>
*{box-sizing:border-box}body{margin:0;font-family:system-ui,sans-serif;background:#f4f6fb;color:#1f2937;line-height:1.5}
header{background:#1e3a8a;color:#fff;padding:32px 24px}header h1{margin:0 0 8px;font-size:32px}header p{margin:0;font-size:18px}
main{max-width:720px;margin:32px auto;padding:0 24px}
.card{background:#fff;border-radius:12px;padding:24px;box-shadow:0 2px 8px rgba(15,23,42,.08);margin-bottom:24px}
.card h2{margin:0 0 16px;font-size:20px}
form{display:flex;gap:12px}input{flex:1;padding:12px;border:1px solid #cbd5e1;border-radius:8px;font:inherit;min-width:0}
button{padding:12px 20px;border:0;border-radius:8px;background:#1e3a8a;color:#fff;font:inherit;cursor:pointer;min-height:44px}
ul{list-style:none;padding:0;margin:16px 0 0}li{display:flex;justify-content:space-between;align-items:center;padding:12px 0;border-top:1px solid #e2e8f0}
.done span{text-decoration:line-through;color:#64748b}.grid{display:grid;grid-template-columns:repeat(3,1fr);gap:16px}
.stat{background:#eef2ff;border-radius:8px;padding:16px}.stat b{display:block;font-size:24px}
@media(max-width:500px){.grid{grid-template-columns:1fr}form{flex-direction:column}}
</style></head><body>
<header><h1>Task list</h1><p>Write down what has to be done today and tick it off.</p></header>
<main><section class="card"><h2>New task</h2><form id="f"><input id="new" aria-label="New task" placeholder="What has to be done?"><button type="submit">Add</button></form><ul id="items"></ul></section>
<section class="card"><h2>Summary</h2><div class="grid"><div class="stat"><b id="total">0</b>tasks in all</div><div class="stat"><b id="done">0</b>finished</div><div class="stat"><b id="open">0</b>still open</div></div></section></main>
<script>
let items=JSON.parse(localStorage.getItem('items')||'[]');const ul=document.getElementById('items');
function draw(){ul.innerHTML='';items.forEach((it,i)=>{const li=document.createElement('li');li.className=it.done?'done':'';const s=document.createElement('span');s.textContent=it.text;const b=document.createElement('button');b.textContent=it.done?'Undo':'Done';b.onclick=()=>{it.done=!it.done;save()};li.append(s,b);ul.append(li)});
document.getElementById('total').textContent=items.length;const d=items.filter(x=>x.done).length;document.getElementById('done').textContent=d;document.getElementById('open').textContent=items.length-d}
function save(){localStorage.setItem('items',JSON.stringify(items));draw()}
document.getElementById('f').addEventListener('submit',e=>{e.preventDefault();const v=document.getElementById('new').value.trim();if(!v)return;items.push({text:v,done:false});document.getElementById('new').value='';save()});draw();
</script></body></html>
"""

CHECKS = """
checks:
  - name: adds what was typed, and keeps it when the page is loaded again
    weight: 2
    steps:
      - type: {into: {label: New task}, text: "{{word as w}} {{word}}"}
      - press: Enter
      - count: {of: "#items li", change: 1}
      - text: {of: "#items", contains: "{{w}}"}
      - value: {of: "#new", equals: ""}
      - reload
      - text: {of: "#items", contains: "{{w}}"}
  - name: ticks off
    fresh: false
    steps:
      - click: {role: button, name: Done}
      - style: {of: "#items li span", property: text-decoration-line, equals: line-through}
      - text: {of: "#done", number: 1}
      - text: {of: "#open", change: -1}
      - no_error
  - name: ignores an empty task
    steps:
      - unchanged: {of: "#items", since: start}
      - type: {into: "#new", text: "{{word}}"}
      - click: {text: Add}
      - type: {into: "#new", text: "  "}
      - click: {text: Add}
      - count: {of: "#items li", equals: 1}
  - name: counts
    repeat: 2
    steps:
      - type: {into: "#new", text: "{{word}}"}
      - press: Enter
      - text: {of: "#total", change: 1}
      - type: {into: "#new", text: "{{word}}"}
      - press: Enter
      - text: {of: "#total", change: 1}
"""
"""What the page must do."""
