// What the page of explore_page brings of its own: style, body and script. Private to explore_page.cpp.
#pragma once

namespace talweg::ocr {

inline constexpr const char* kExplorePageStyle = R"css(
:root{--path:#ff2f8e;--odd:#1a6fd6;--even:#d9620c;--bar:#5b8fd0;--lab:4.6rem}
@media(prefers-color-scheme:dark){:root{--bar:#44719f}}
body{max-width:78rem;padding-top:1.6rem}
h1{font-size:1.45rem;margin:0 0 .9rem;overflow-wrap:anywhere}
h2{font-size:1.02rem;margin:0 0 .5rem;padding:0;border:0}
button,select{font:inherit;color:var(--ink);background:var(--panel);border:1px solid var(--rule);
border-radius:6px;padding:.2rem .6rem;cursor:pointer}
button:hover{border-color:var(--link)}
:focus-visible{outline:2px solid var(--link);outline-offset:2px}
button[aria-pressed=true]{border-color:var(--link);box-shadow:inset 0 0 0 1px var(--link)}
#bar{display:flex;gap:.5rem;align-items:center;margin-bottom:1rem}
[hidden]{display:none!important}#bar select{flex:0 1 32rem;min-width:0}
#word{display:flex;flex-wrap:wrap;gap:.22rem;margin-bottom:.35rem;max-height:13rem;overflow-y:auto;
position:relative;padding:2px}
#word button{display:grid;justify-items:center;min-width:2.1rem;padding:.1rem .3rem .15rem;
border-bottom:4px solid var(--mark)}
#word .t{font:1.5rem/1.25 ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace;white-space:pre}
#word .p{font-size:.72rem;color:var(--soft);font-variant-numeric:tabular-nums}
#word .none{font-size:1.3rem;color:var(--soft)}
#word button.at{background:var(--paper);border-color:var(--link);border-bottom-color:var(--mark)}
#sure{margin:.1rem 0 .3rem;max-width:none}#sure b{font-size:1.15rem}
#note{color:var(--soft);margin:.1rem 0 .4rem}#note:empty{display:none}
#tools{display:flex;flex-wrap:wrap;gap:.4rem 1.2rem;align-items:center;margin:.7rem 0 .5rem}
#tools label{flex:1 1 18rem;display:flex;gap:.6rem;align-items:center}
#tools input{flex:1;min-width:6rem;accent-color:var(--link)}
#count{color:var(--soft);font-variant-numeric:tabular-nums;white-space:nowrap;min-width:8.2rem}
.pair{display:inline-flex}.pair button:first-child{border-radius:6px 0 0 6px}
.pair button:last-child{border-radius:0 6px 6px 0;margin-left:-1px}
#view{overflow-x:auto;border:1px solid var(--rule);border-radius:9px;background:var(--panel);
padding:.6rem 0 .5rem}
#stack{position:relative;width:max-content;display:grid;grid-template-columns:var(--lab) auto;
row-gap:.45rem;cursor:crosshair;padding-right:.6rem}
#stack .lab{position:sticky;left:0;z-index:2;background:var(--panel);color:var(--soft);
font-size:.78rem;line-height:1.2;padding:.1rem .45rem 0 .6rem;text-align:right;cursor:default}
#rows{padding-top:0!important}
#rows span{display:block;height:18px;line-height:18px;white-space:pre;color:var(--ink);
font:.86rem/18px ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace}
#rows span.at{color:var(--path);font-weight:700}
canvas{display:block;background:#fff;border-radius:2px}
#cursor{position:absolute;top:0;bottom:0;z-index:1;pointer-events:none;
border:1px solid var(--path);border-width:0 1px;background:rgba(255,47,142,.13)}
#panels{display:grid;grid-template-columns:repeat(3,minmax(0,1fr));gap:1.4rem;margin-top:1.1rem}
#panels table{width:100%;table-layout:fixed;font-size:.92rem}
#panels th,#panels td{padding:.2rem .4rem;overflow:hidden;text-overflow:ellipsis;
font-variant-numeric:tabular-nums}
#panels th{font-weight:500;color:var(--soft);border-bottom-width:1px}
#panels td:first-child{font-family:ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace;
white-space:pre}
#win td:first-child,#win th:first-child,#chr td:first-child,#chr th:first-child{width:4.4rem}
#panels .share{background:linear-gradient(var(--bar),var(--bar)) no-repeat left/var(--w) 100%;
text-shadow:0 0 3px var(--paper),0 0 3px var(--paper)}
#words button{display:grid;grid-template-columns:minmax(0,1fr) 5.2rem 4.6rem;width:100%;gap:.5rem;
text-align:left;margin:-1px 0 0;border-radius:0;padding:.25rem .5rem;background:
linear-gradient(var(--bar),var(--bar)) no-repeat left bottom/var(--w) 3px,var(--panel)}
#words button:first-child{border-radius:6px 6px 0 0}#words button:last-child{border-radius:0 0 6px 6px}
#words .t{font-family:ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace;white-space:pre;
overflow:hidden;text-overflow:ellipsis}
#words .n{text-align:right;font-variant-numeric:tabular-nums}#words .s{color:var(--soft)}
.small{font-size:.88rem;color:var(--soft);margin:.45rem 0 0}
details{margin-top:1.5rem;max-width:52rem}summary{cursor:pointer;color:var(--link)}
kbd{font:.82rem ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace;border:1px solid var(--rule);
border-radius:4px;padding:.05rem .35rem;background:var(--panel)}
@media(max-width:56rem){:root{--lab:3.9rem}#panels{grid-template-columns:1fr}
body{padding-left:.8rem;padding-right:.8rem}#word .t{font-size:1.25rem}}
)css";

inline constexpr const char* kExplorePageBody = R"html(
<div id="bar" hidden><button id="prev" title="Image before (b)">◀</button>
<select id="which" aria-label="Image"></select><button id="next" title="Next image (n)">▶</button></div>
<div id="word" role="group" aria-label="The characters, with how sure the reader is of each, in percent"></div>
<p id="sure"></p><p id="note"></p>
<div id="tools"><label>window <input type="range" id="slide" min="0" value="0" aria-label="Window"></label>
<output id="count"></output>
<span class="pair" role="group" aria-label="What the map shows"><button id="energies"
aria-pressed="true" title="Change with m">energies</button><button id="probabilities"
aria-pressed="false" title="Change with m">probabilities</button></span></div>
<div id="view" tabindex="0" aria-label="Image, energies and path; left and right move the window"><div id="stack">
<div class="lab">image</div><canvas id="image" role="img" aria-label="The image with a box around each character"></canvas>
<div class="lab">as read</div><canvas id="ink" role="img" aria-label="The image as the model gets it"></canvas>
<div class="lab" id="pixels-lab">pixels that matter</div><canvas id="pixels" role="img"
aria-label="Blue: ink there speaks for the word; red: against it"></canvas>
<div class="lab" id="rows"></div><canvas id="map" role="img" aria-label="Energies of symbols at windows, with the best path"></canvas>
<div id="cursor"></div></div></div>
<div id="panels"><section><h2>Best words</h2><div id="words" role="group" aria-label="Words; choose one to see its path"></div>
<p class="small">Exact probability, over all words and paths; F, the energy of the best path.</p></section>
<section aria-live="polite"><h2 id="win-title">Window</h2><div id="win"></div></section>
<section><h2 id="chr-title">Character</h2><div id="chr"></div></section></div>
<details><summary>What this shows, and the keys</summary>
<p>A window slides over the image; for each place the model gives every symbol an energy, low where they go
together (dark in the map; each window's lowest energy is taken off). <b>gap</b> is what stands between letters.
A word's path gives each window one symbol; the least sum of energies along any of its paths is F. All words
and all their paths together make the probabilities, exactly: nothing is left out by a beam or a list. Rows
are the symbols of the words shown and others that are likely somewhere.</p>
<p>Pixels that matter: how the probability of the word chosen changes with the ink of each pixel and its
neighbours. Blue, more ink there speaks for the word; red, against it and for another.</p>
<p><kbd>←</kbd> <kbd>→</kbd> window &ensp; <kbd>Shift</kbd>+<kbd>←</kbd> <kbd>→</kbd> character &ensp;
<kbd>Home</kbd> <kbd>End</kbd> first and last window &ensp; <kbd>1</kbd> … <kbd>9</kbd> word &ensp;
<kbd>m</kbd> energies or probabilities &ensp; <kbd>b</kbd> <kbd>n</kbd> image before, next image</p></details>
)html";

inline constexpr const char* kExplorePageScript = R"js(
'use strict';
(() => {
const D = JSON.parse(document.getElementById('data').textContent), I = D.images;
const $ = id => document.getElementById(id);
const ROW = 18, LOWEST = 1e-4;
let at = 0, chosen = 0, win = 0, map = 'e', cell = 10, pictures = {};

const el = (tag, cls, text) => {
  const e = document.createElement(tag);
  if (cls) e.className = cls;
  if (text !== undefined) e.textContent = text;
  return e;
};
const bytes = s => Uint8Array.from(atob(s), c => c.charCodeAt(0));
const shares = s => new Uint16Array(bytes(s).buffer);
const show = t => t === ' ' ? '␣' : t;
const percent = p => {
  p = +p;
  if (p > 0 && p < LOWEST) return p.toExponential(1).replace('e-', '·10⁻').replace(/\d+$/, d =>
    [...d].map(c => '⁰¹²³⁴⁵⁶⁷⁸⁹'[c]).join(''));
  return (100 * p).toFixed(p < 0.1 || p > 0.99 ? 2 : 1) + ' %';
};
/* From red over yellow to green. */
const mark = p => 'hsl(' + Math.round(120 * Math.max(0, (p - 0.4) / 0.6)) + ' 60% 45%)';
const image = () => I[at], word = () => image().words[chosen];

/* Values that the map needs are unpacked once an image. */
function unpack(im) {
  if (im.E || !im.words.length) return;
  im.E = shares(im.e); im.P = shares(im.p);
  im.words.forEach(w => { w.rows = bytes(w.path); });
}
const energy = (r, i) => image().E[r * image().n + i] / 65535 * D.reach;
const likely = (r, i) => image().P[r * image().n + i] / 65535;
const letterAt = i => word() ? word().c.findIndex(c => c.w[0] <= i && i <= c.w[1]) : -1;

function sized(canvas, w, h) {
  const ratio = w > 12000 ? 1 : window.devicePixelRatio || 1;
  canvas.width = Math.max(1, Math.round(w * ratio));
  canvas.height = Math.max(1, Math.round(h * ratio));
  canvas.style.width = w + 'px';
  canvas.style.height = h + 'px';
  const g = canvas.getContext('2d');
  g.scale(ratio, ratio);
  g.imageSmoothingEnabled = false;
  return g;
}

function load(uri) {
  return new Promise(done => {
    const p = new Image();
    p.onload = () => done(p);
    p.onerror = () => done(null);
    p.src = uri;
  });
}

function drawImage() {
  const im = image(), scale = cell / im.ww, w = Math.ceil(Math.max(im.n * cell, im.w * scale));
  const h = Math.min(Math.max(im.h * scale, 12), 320), down = h / im.h;
  const g = sized($('image'), w, h);
  if (pictures.img) g.drawImage(pictures.img, 0, 0, im.w * scale, h);
  if (!word()) return;
  const css = getComputedStyle(document.documentElement);
  const here = letterAt(win);
  word().c.forEach((c, k) => {
    const [x0, y0, x1, y1] = c.b;
    g.strokeStyle = g.fillStyle = css.getPropertyValue(k % 2 ? '--even' : '--odd');
    g.globalAlpha = k === here ? 0.22 : 0;
    g.fillRect(x0 * scale, y0 * down, (x1 - x0) * scale, (y1 - y0) * down);
    g.globalAlpha = 1;
    g.lineWidth = k === here ? 2.5 : 1.4;
    g.strokeRect(x0 * scale, y0 * down, (x1 - x0) * scale, (y1 - y0) * down);
  });
}

function drawStrip(canvas, picture) {
  const im = image(), w = im.inkw / im.ww * cell;
  const h = picture ? Math.max(8, w * picture.naturalHeight / picture.naturalWidth) : 1;
  const g = sized(canvas, Math.ceil(Math.max(w, im.n * cell)), Math.min(h, 240));
  if (picture) g.drawImage(picture, 0, 0, w, Math.min(h, 240));
}

function drawMap() {
  const im = image(), n = im.n, rows = im.sym.length;
  const g = sized($('map'), Math.max(1, n * cell), Math.max(1, rows * ROW));
  if (!rows) return;
  const small = document.createElement('canvas');
  small.width = n; small.height = rows;
  const s = small.getContext('2d'), pixels = s.createImageData(n, rows), last = D.colors.length - 1;
  for (let k = 0; k < n * rows; k++) {
    const v = map === 'e' ? im.E[k] / 65535 : 1 - Math.sqrt(im.P[k] / 65535);
    pixels.data.set([...D.colors[Math.round(v * last)], 255], 4 * k);
  }
  s.putImageData(pixels, 0, 0);
  g.drawImage(small, 0, 0, n * cell, rows * ROW);
  g.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue('--path');
  g.lineWidth = 2.2;
  g.lineJoin = 'round';
  g.beginPath();
  word().rows.forEach((r, i) => {
    if (r < rows) g.lineTo((i + 0.5) * cell, (r + 0.5) * ROW);
  });
  g.stroke();
}

/* A table of [symbol, probability, energy]. */
function table(head, rows) {
  const t = el('table'), h = el('tr');
  head.forEach(x => h.append(el('th', '', x)));
  t.append(h);
  rows.forEach(([symbol, p, e]) => {
    const tr = el('tr'), share = el('td', 'share', percent(p));
    share.style.setProperty('--w', Math.max(0, Math.min(100, 100 * p)) + '%');
    tr.append(el('td', '', show(symbol)), share);
    if (e !== undefined) tr.append(el('td', 'num', e));
    t.append(tr);
  });
  return t;
}

/* Scrolls the box alone, where scrollIntoView would move the page. */
function intoView(box, e) {
  const above = e.offsetTop - box.scrollTop;
  if (above < 0 || above + e.offsetHeight > box.clientHeight) box.scrollTop = e.offsetTop - 30;
}

function showWindow() {
  const im = image();
  $('cursor').hidden = !im.n;
  $('slide').max = Math.max(0, im.n - 1);
  $('slide').value = win;
  $('count').textContent = im.n ? 'window ' + (win + 1) + ' of ' + im.n : 'no windows';
  $('cursor').style.left = 'calc(var(--lab) + ' + win * cell + 'px)';
  $('cursor').style.width = Math.max(2, cell) + 'px';
  $('win-title').textContent = im.n ? 'Window ' + (win + 1) + ', columns ' +
    (win * im.ww).toFixed(1) + ' to ' + ((win + 1) * im.ww).toFixed(1) : 'Window';
  $('win').replaceChildren();
  $('chr').replaceChildren();
  const k = letterAt(win);
  [...$('word').children].forEach((b, j) => b.classList.toggle('at', j === k));
  if (!word()) return;
  if (k >= 0) intoView($('word'), $('word').children[k]);
  const order = im.sym.map((_, r) => r).sort((a, b) => energy(a, win) - energy(b, win));
  const rows = order.slice(0, 8).map(r => {
    const e = energy(r, win);
    return [im.sym[r], likely(r, win), (e >= D.reach * 0.9999 ? '≥ ' : '+') + e.toFixed(2)];
  });
  $('win').append(table(['symbol', 'probability', 'energy'], rows),
    el('p', 'small', 'Energies above the lowest of this window.'));
  [...$('rows').children].forEach((s, r) => s.classList.toggle('at', word().rows[win] === r));
  if (k < 0) {
    $('chr-title').textContent = 'Character';
    $('chr').append(el('p', 'small', 'This window shows a gap on the path of the word chosen.'));
    return;
  }
  const c = word().c[k];
  $('chr-title').textContent = 'Character ' + (k + 1) + ' of ' + word().c.length;
  $('chr').append(table(['reads', 'probability'], [[c.t, c.p], ...c.a]),
    el('p', 'small', 'Columns ' + c.b[0].toFixed(1) + ' to ' + c.b[2].toFixed(1) + ', rows ' +
      c.b[1].toFixed(1) + ' to ' + c.b[3].toFixed(1) + ' of the image; windows ' + (c.w[0] + 1) +
      ' to ' + (c.w[1] + 1) + '.'));
}

function showWord() {
  const w = word(), box = $('word');
  box.replaceChildren();
  if (!w || !w.c.length) box.append(el('span', 'none', w ? '(no text)' : '(nothing can be read)'));
  if (w) w.c.forEach(c => {
    const b = el('button');
    b.append(el('span', 't', show(c.t)), el('span', 'p', (100 * c.p).toFixed(c.p < 0.995 ? 0 : 1)));
    b.style.setProperty('--mark', mark(c.p));
    b.title = 'Go to this character';
    b.onclick = () => go(Math.floor((c.w[0] + c.w[1]) / 2));
    box.append(b);
  });
  $('sure').replaceChildren();
  if (w) $('sure').append(chosen === 0 ? 'The reading' : 'Word ' + (chosen + 1) + ' of ' +
    image().words.length, w.c.length ? ', with probability ' : ': no text, with probability ',
    el('b', '', percent(w.p)), '. F = ' + w.e.toFixed(2) + '.');
  [...$('words').children].forEach((b, k) => b.setAttribute('aria-pressed', k === chosen));
}

async function choose(k) {
  if (k < 0 || k >= image().words.length) return;
  chosen = k;
  const seen = at;
  pictures.sal = word().sal ? await load(word().sal) : null;
  if (seen !== at || k !== chosen) return;
  $('pixels').hidden = $('pixels-lab').hidden = !pictures.sal;
  showWord();
  drawImage();
  drawStrip($('pixels'), pictures.sal);
  drawMap();
  showWindow();
}

function go(i) {
  const before = letterAt(win);
  win = Math.max(0, Math.min(image().n - 1, i));
  if (letterAt(win) !== before) drawImage();
  showWindow();
  const view = $('view'), x = win * cell, seen = view.clientWidth - $('rows').offsetWidth - 40;
  if (x < view.scrollLeft || x > view.scrollLeft + seen) view.scrollLeft = x - seen / 2;
}

function goLetter(step) {
  const w = word();
  if (!w || !w.c.length) return;
  const middles = w.c.map(c => Math.floor((c.w[0] + c.w[1]) / 2));
  const next = step > 0 ? middles.find(m => m > win) : middles.filter(m => m < win).pop();
  if (next !== undefined) go(next);
}

function setMap(which) {
  map = which;
  $('energies').setAttribute('aria-pressed', map === 'e');
  $('probabilities').setAttribute('aria-pressed', map === 'p');
  if (word()) drawMap();
}

function fit() {
  const im = image(), room = $('view').clientWidth - parseFloat(getComputedStyle($('rows')).width) - 14;
  const least = im.n > 3000 ? Math.max(1, Math.floor(30000 / im.n)) : 4;
  cell = Math.max(least, Math.min(8, Math.floor(room / Math.max(1, im.n))));
}

async function open(k) {
  at = Math.max(0, Math.min(I.length - 1, k));
  const im = image();
  unpack(im);
  $('which').value = at;
  $('note').textContent = im.note;
  $('rows').replaceChildren(...im.sym.map(s => el('span', '', show(s))));
  $('words').replaceChildren(...im.words.map((w, j) => {
    const b = el('button');
    b.append(el('span', 't', w.t || '(no text)'), el('span', 'n', percent(w.p)),
      el('span', 'n s', w.e.toFixed(2)));
    b.style.setProperty('--w', 100 * w.p + '%');
    b.onclick = () => choose(j);
    return b;
  }));
  chosen = 0;
  win = im.words.length && im.words[0].c.length ?
    Math.floor((im.words[0].c[0].w[0] + im.words[0].c[0].w[1]) / 2) : 0;
  [pictures.img, pictures.ink] = [await load(im.img), await load(im.ink)];
  fit();
  drawStrip($('ink'), pictures.ink);
  $('map').hidden = $('panels').hidden = !im.words.length;
  if (im.words.length) return choose(0);
  $('pixels').hidden = $('pixels-lab').hidden = true;
  showWord();
  drawImage();
  showWindow();
}

function point(e) {
  go(Math.floor((e.clientX - $('image').getBoundingClientRect().left) / cell));
}

I.forEach((im, k) => { const o = el('option', '', im.name); o.value = k; $('which').append(o); });
$('bar').hidden = I.length < 2;
$('prev').onclick = () => open(at - 1);
$('next').onclick = () => open(at + 1);
$('which').onchange = e => open(+e.target.value);
$('slide').oninput = e => go(+e.target.value);
$('energies').onclick = () => setMap('e');
$('probabilities').onclick = () => setMap('p');
['image', 'ink', 'pixels', 'map'].forEach(id => {
  $(id).onpointermove = e => { if (e.pointerType === 'mouse') point(e); };
  $(id).onpointerdown = point;
});
addEventListener('keydown', e => {
  if (e.ctrlKey || e.metaKey || e.altKey || e.target.tagName === 'SELECT') return;
  const step = {ArrowLeft: -1, ArrowRight: 1}[e.key];
  const inList = e.target.closest && e.target.closest('#words');
  const down = inList && {ArrowUp: -1, ArrowDown: 1}[e.key];
  if (step && e.shiftKey) goLetter(step);
  else if (step) go(win + step);
  else if (down) { choose(chosen + down); $('words').children[chosen].focus(); }
  else if (e.key === 'Home') go(0);
  else if (e.key === 'End') go(image().n - 1);
  else if (/^[1-9]$/.test(e.key)) choose(+e.key - 1);
  else if (e.key === 'm') setMap(map === 'e' ? 'p' : 'e');
  else if (e.key === 'n') open(at + 1);
  else if (e.key === 'b') open(at - 1);
  else return;
  e.preventDefault();
});
let resized = 0;
addEventListener('resize', () => {
  clearTimeout(resized);
  resized = setTimeout(() => { fit(); drawStrip($('ink'), pictures.ink); if (word()) choose(chosen); else drawImage(); }, 100);
});

/* Walks through everything as a reader would, and says what changed. */
async function selfTest() {
  const wait = () => new Promise(done => setTimeout(done, 60));
  const press = (key, more) => dispatchEvent(new KeyboardEvent('keydown', {key, ...more}));
  const drawn = id => $(id).toDataURL();
  const found = [], problems = [];
  const check = (ok, what) => { if (!ok) problems.push(what); };
  for (let k = 0; k < I.length; k++) {
    await open(k);
    const im = image();
    if (!im.words.length) { found.push('nothing'); check(im.note !== '', 'no note'); continue; }
    press('Home');
    let texts = new Set([$('win').textContent + $('cursor').style.left]);
    const steps = Math.min(im.n, 300);
    for (let i = 1; i < steps; i++) {
      press('ArrowRight');
      texts.add($('win').textContent + $('cursor').style.left);
    }
    check(texts.size === steps, 'windows look alike');
    press('End');
    check(win === im.n - 1, 'End');
    press('Home'); press('ArrowLeft');
    check(win === 0, 'Home');
    if (word().c.length > 1) {
      press('ArrowRight', {shiftKey: true});
      const first = letterAt(win);
      press('ArrowRight', {shiftKey: true});
      check(letterAt(win) === first + 1, 'next character');
      const boxes = drawn('image');
      press('ArrowRight', {shiftKey: true});
      if (word().c.length > first + 2) check(drawn('image') !== boxes, 'boxes stay');
    }
    const energies = drawn('map');
    press('m');
    check(drawn('map') !== energies || im.sym.length === 1, 'the map stays');
    press('m');
    check(drawn('map') === energies, 'the map does not come back');
    for (let j = 1; j < Math.min(9, im.words.length); j++) {
      const before = $('sure').textContent + drawn('map');
      press(String(j + 1));
      await wait();
      check(chosen === j && $('sure').textContent + drawn('map') !== before, 'word ' + (j + 1));
    }
    check(im.words.every(w => +w.p >= 0 && +w.p <= 1.000001), 'probabilities');
    found.push(im.words[0].t);
  }
  if (I.length > 1) { press('b'); await wait(); check(at === I.length - 2, 'image before'); }
  const wide = document.documentElement.scrollWidth > document.documentElement.clientWidth + 1;
  check(!wide, 'wider than the screen');
  const text = (problems.length ? 'selftest FAILED: ' + problems.join(', ') : 'selftest passed') +
    ': ' + found.length + ' images, ' + found.join(' | ');
  document.title = text;
  const out = el('pre', '', text);
  out.id = 'selftest';
  document.body.append(out);
}
open(0).then(() => { if (location.hash === '#selftest') selfTest(); });
})();
)js";

}  // namespace talweg::ocr
