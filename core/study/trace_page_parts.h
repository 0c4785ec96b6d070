// What the page of a trace brings of its own: style, controls and script. Private to core/study.
#pragma once

namespace talweg {

inline constexpr const char* kTracePageStyle = R"css(
:root{--fwd:#0b62c4;--bwd:#b3410b;--glow:#fff3c4;--pos:178,48,20;--neg:20,92,178;--dim:.28}
@media(prefers-color-scheme:dark){:root{--fwd:#6cb2ff;--bwd:#ff9d5c;--glow:#3a3413;
--pos:255,140,90;--neg:100,175,255}}
html,body{height:100%}
body{max-width:none;height:100vh;padding:.7rem 1.1rem .8rem;display:flex;flex-direction:column;
overflow:hidden;font-size:15px;line-height:1.45}
h1{font-size:1.3rem;margin:0;font-family:ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace}
.lead{font-size:.92rem;max-width:none;margin:.15rem 0 .5rem}
#bar{display:flex;gap:.5rem;align-items:center;flex-wrap:wrap;padding:.45rem 0}
#bar button{font:inherit;min-width:2.5rem;padding:.22rem .55rem;border:1px solid var(--rule);
border-radius:6px;background:var(--panel);color:var(--ink);cursor:pointer}
#bar button:hover,#bar button:focus-visible{border-color:var(--link)}
#bar input{flex:1;min-width:8rem;accent-color:var(--link)}
#count{font-variant-numeric:tabular-nums;color:var(--soft);white-space:nowrap}
#say{font-size:1.08rem;font-weight:600;margin:.1rem 0 .5rem;min-height:1.6em}
#say.b{color:var(--bwd)}#say.f{color:var(--fwd)}
#main{flex:1;min-height:0;display:grid;grid-template-columns:minmax(0,1fr) minmax(20rem,29rem);
gap:1rem}
#view{overflow:auto;border:1px solid var(--rule);border-radius:9px;background:var(--panel)}
#side{overflow:auto;padding:.1rem .2rem 1rem .2rem}
#graph{display:block;margin:auto;font-size:12.5px}
.n{cursor:pointer;opacity:var(--dim)}.n.made{opacity:1}
.n rect{fill:var(--paper);stroke:var(--rule);stroke-width:1.3}
.n.leaf rect{stroke-dasharray:5 3}
.n.back rect{stroke:var(--bwd)}
.n text{fill:var(--ink)}.n .o{font-weight:600}
.n .v{fill:var(--fwd);font-variant-numeric:tabular-nums}
.n .a{fill:var(--bwd);text-anchor:end;font-variant-numeric:tabular-nums}
.n.grad rect{stroke:var(--bwd);stroke-width:1.8}
.n.now rect{stroke:var(--link);stroke-width:3;fill:var(--glow)}
.n.now.bw rect{stroke:var(--bwd)}
.n.to rect{stroke-width:3;stroke:var(--bwd)}
.n:hover rect{stroke:var(--link)}
.e{fill:none;stroke:var(--soft);stroke-width:1.2;opacity:.22;marker-end:url(#arrow)}
.e.made{opacity:.7}.e.c{stroke-dasharray:4 4}
.e.near{stroke:var(--fwd);stroke-width:2;opacity:1}
.e.ran,.e.hot{marker-end:none;marker-start:url(#arrow)}
.e.ran{stroke:var(--bwd);stroke-width:1.8;opacity:.9}
.e.hot{stroke:var(--bwd);stroke-width:3.6;opacity:1}
#side h2{font-size:1.15rem;margin:.1rem 0 .35rem;padding:0;border:0}
#side h3{font-size:.8rem;margin:.85rem 0 .25rem;color:var(--soft);font-weight:600;
letter-spacing:.03em}
#side dl{display:grid;grid-template-columns:auto 1fr;gap:.1rem .8rem;margin:.4rem 0}
#side dt{color:var(--soft)}#side dd{margin:0;overflow-wrap:anywhere}
.rule{font:.95rem/1.5 ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace;background:var(--panel);
border-left:3px solid var(--rule);border-radius:0 6px 6px 0;padding:.35rem .7rem;margin:.25rem 0;
overflow-wrap:anywhere}
.rule.b{border-left-color:var(--bwd)}.rule.f{border-left-color:var(--fwd)}
.big{font-size:1.35rem;font-variant-numeric:tabular-nums}
.val{color:var(--fwd)}.adj{color:var(--bwd)}
canvas{image-rendering:pixelated;border:1px solid var(--rule);border-radius:4px;display:block;
max-width:100%;background:var(--paper)}
.key{font-size:.82rem;color:var(--soft);margin:.15rem 0 .3rem}
.nums td{padding:.12rem .5rem;text-align:right;font-variant-numeric:tabular-nums;
border:1px solid var(--rule)}
.chip{display:inline-block;margin:.1rem .3rem .1rem 0;padding:.08rem .5rem;border-radius:1rem;
border:1px solid var(--rule);background:var(--panel);color:var(--link);font:inherit;cursor:pointer}
.chip:hover{border-color:var(--link)}
.chip.c{color:var(--soft)}
@media(max-width:60rem){body{height:auto;overflow:auto}#main{grid-template-columns:1fr}
#view{max-height:60vh}}
)css";

inline constexpr const char* kTracePageControls = R"html(
<div id="bar"><button id="first" title="First step (Home)">|◀</button>
<button id="back" title="One step back (left arrow)">◀</button>
<button id="play" title="Play (space)">▶▶</button>
<button id="next" title="One step forward (right arrow)">▶</button>
<button id="last" title="Last step (End)">▶|</button>
<input id="slide" type="range" min="0" value="0" aria-label="Step">
<span id="count"></span></div>
<div id="say" role="status"></div>
)html";

inline constexpr const char* kTracePageScript = R"js(
'use strict';
(() => {
const T = JSON.parse(document.getElementById('trace').textContent);
const N = T.nodes, S = T.steps, MADE = 0, BEGAN = 1, PASSING = 2, RAN = 3, ENDED = 4;
const $ = id => document.getElementById(id);
const boxes = N.map((n, i) => n.k ? $('n' + i) : null);
const edges = [...document.querySelectorAll('.e')];
const edgesOf = N.map(() => []);
const madeAt = N.map(() => -1), readers = N.map(() => []);
const passingAt = T.passes.map(() => new Map());
edges.forEach(e => { edgesOf[+e.dataset.f].push(e); edgesOf[+e.dataset.t].push(e); });
N.forEach((n, i) => { if (n.k) n.in.forEach(([x, , adjoint]) => {
  if (x >= 0 && !adjoint && !readers[x].includes(i)) readers[x].push(i); }); });
S.forEach((s, i) => {
  if (s.k === MADE) madeAt[s.n] = i;
  if (s.k === PASSING) passingAt[s.p].set(s.n, i);
});
let at = 0, timer = 0;

const el = (tag, cls, text) => {
  const e = document.createElement(tag);
  if (cls) e.className = cls;
  if (text !== undefined) e.textContent = text;
  return e;
};
const title = i => i < 0 ? 'made before' : N[i].n || '#' + i + ' ' + N[i].o;
const cut = (s, n) => s.length > n ? s.slice(0, n - 1) + '…' : s;
const wrap = s => /[^\w|^]/.test(s) ? '(' + s + ')' : s;
const shortValue = (i, v) => !v ? '' : v.m || v.p ? N[i].h : v.t || '';

function picture(p) {
  const c = el('canvas');
  c.width = p.c; c.height = p.r;
  const css = getComputedStyle(document.documentElement);
  const pos = css.getPropertyValue('--pos').split(',').map(Number);
  const neg = css.getPropertyValue('--neg').split(',').map(Number);
  const g = c.getContext('2d'), im = g.createImageData(p.c, p.r), raw = atob(p.d);
  for (let i = 0; i < raw.length; i++) {
    let b = raw.charCodeAt(i); if (b > 127) b -= 256;
    const [r, gr, bl] = b === -128 ? [140, 140, 145] : b > 0 ? pos : neg;
    im.data.set([r, gr, bl, b === -128 ? 255 : Math.round(255 * Math.sqrt(Math.abs(b) / 127))], 4 * i);
  }
  g.putImageData(im, 0, 0);
  const scale = Math.max(1, Math.min(18, Math.floor(Math.min(430 / p.c, 230 / p.r))));
  c.style.width = p.c * scale + 'px';
  c.style.height = Math.max(14, p.r * scale) + 'px';
  return c;
}

function valueBlock(v, cls) {
  const box = el('div');
  if (v.m) {
    const table = el('table', 'nums ' + cls);
    v.m.forEach(row => { const tr = el('tr'); row.forEach(x => tr.append(el('td', '', x)));
      table.append(tr); });
    box.append(table);
  } else if (v.p) {
    box.append(picture(v.p));
    box.append(el('div', 'key', 'red above 0, blue below, strongest ' + v.p.m +
      (v.p.w ? '; shows ' + v.p.w : '')));
  } else {
    box.append(el('div', 'big ' + cls, v.t || 'not known'));
  }
  if (v.s) box.append(el('div', 'key', v.s));
  return box;
}

/* The way through time: what is known of each node once step `i` has happened. */
function stateAt(i) {
  const adjoint = new Map(), parts = new Map(), ran = new Set();
  let pass = -1;
  for (let k = 0; k <= i; k++) {
    const s = S[k];
    if (s.k === BEGAN) { adjoint.clear(); parts.clear(); ran.clear(); pass = s.p; }
    if (s.k === PASSING) adjoint.set(s.n, s.v);
    if (s.k === RAN) {
      ran.add('e' + s.n + '-' + s.s);
      if (!parts.has(s.to)) parts.set(s.to, []);
      parts.get(s.to).push(s);
    }
  }
  return {adjoint, parts, ran, pass};
}

function goFor(i) {  /* the step to look at when node i is asked for */
  const p = S[at].p, there = p >= 0 ? passingAt[p].get(i) : undefined;
  if (there !== undefined && !(at === there && madeAt[i] >= 0)) return there;
  return madeAt[i] >= 0 ? madeAt[i] : at;
}

function chips(list, none) {
  const box = el('div');
  if (!list.length) box.append(el('span', 'key', none));
  list.forEach(([i, cls, note]) => {
    const known = i >= 0 && madeAt[i] >= 0;
    const b = el(known ? 'button' : 'span', 'chip ' + cls, title(i) + (note || ''));
    if (known) b.onclick = () => show(goFor(i));
    box.append(b);
  });
  return box;
}

function details(s, state) {
  const side = $('side');
  side.replaceChildren();
  const i = s.n;
  if (i < 0) return;
  const n = N[i];
  const add = (head, ...items) => { if (head) side.append(el('h3', '', head));
    side.append(...items); };
  side.append(el('h2', '', (n.n ? n.n + ' · ' : '') + n.o + '  #' + i));
  const links = el('dl'), line = (k, v) => links.append(el('dt', '', k), el('dd')) ||
    links.lastChild.append(v);
  line('reads', chips(n.in.map(([x, rec, adj]) => [x, rec ? '' : 'c',
    (adj ? ' (its gradient)' : '') + (rec ? '' : ' (no gradient back)')]), 'nothing: a leaf'));
  line('read by', chips(readers[i].map(x => [x, '', '']), 'nobody'));
  side.append(links);
  if (s.k === RAN) {
    add('', el('div', 'key', 'rule for ' + title(s.to) + ', ' + s.us));
    if (s.r) side.append(el('div', 'rule b', s.r));
    add('sent to ' + title(s.to), valueBlock(s.v, 'adj'));
    const parts = state.parts.get(s.to) || [];
    if (parts.length > 1) add('so far it got', el('div', 'rule b',
      parts.map(x => x.v.m || x.v.p ? 'from ' + title(x.n) : x.v.t + ' from ' + title(x.n)).join('  +  ')));
    if (s.mk.length) {
      const made = el('div');
      s.mk.forEach(m => made.append(el('div', 'rule', N[m].o + ' ' + N[m].h +
        (N[m].v && N[m].v.t ? ' → ' + cut(N[m].v.t, 44) : '') + '   ' + N[m].us)));
      add('ops that the rule ran', made);
    }
  }
  const adjoint = state.adjoint.get(i), madeYet = madeAt[i] < 0 || madeAt[i] <= at;
  if (s.k === PASSING) {
    add('gradient, d ' + wrap(title(T.passes[s.p].root)) + ' / d ' + wrap(title(i)), valueBlock(s.v, 'adj'));
    const parts = state.parts.get(i) || [];
    if (parts.length > 1) side.append(el('div', 'rule b',
      parts.map(x => x.v.m || x.v.p ? 'from ' + title(x.n) : x.v.t + ' from ' + title(x.n)).join('  +  ')));
    if (n.r) add('rule', el('div', 'rule b', n.r));
  }
  if (n.f) add('formula', el('div', 'rule f', n.f));
  if (n.v && n.v.t !== undefined && madeYet) add('value', valueBlock(n.v, 'val'));
  else if (madeYet) add('value', el('div', 'key', 'not kept: it is where gradients meet, or it was given back'));
  if (s.k !== PASSING && adjoint) add('gradient', valueBlock(adjoint, 'adj'));
  if (s.k === MADE && n.r) add('rule, for the way back', el('div', 'rule b', n.r));
  const dl = el('dl');
  const row = (k, v) => { if (v) { dl.append(el('dt', '', k), el('dd', '', v)); } };
  row('shape', n.h + ' ' + T.scalar);
  row('source', n.pl);
  row('memory', n.b);
  row('time', n.us);
  row('card', n.card);
  row('see', n.src);
  if (n.by >= 0) row('made by', 'the rule of ' + title(n.by));
  add('', dl);
}

function intoView(box) {
  const view = $('view'), v = view.getBoundingClientRect(), b = box.getBoundingClientRect();
  if (b.top < v.top + 70 || b.bottom > v.bottom - 70)
    view.scrollTop += b.top + b.height / 2 - v.top - v.height / 2;
  if (b.left < v.left + 20 || b.right > v.right - 20)
    view.scrollLeft += b.left + b.width / 2 - v.left - v.width / 2;
}

function show(i) {
  at = Math.max(0, Math.min(S.length - 1, i));
  const s = S[at], state = stateAt(at), back = s.p >= 0;
  boxes.forEach((g, k) => {
    if (!g) return;
    const made = madeAt[k] >= 0 && madeAt[k] <= at, adjoint = state.adjoint.get(k);
    const parts = state.parts.get(k);
    let cls = (N[k].in.length ? 'n' : 'n leaf') + (N[k].p >= 0 ? ' back' : '');
    if (made) cls += ' made';
    if (adjoint) cls += ' grad';
    if (k === s.n) cls += back ? ' now bw' : ' now';
    if (s.k === RAN && k === s.to) cls += ' to';
    if (g.getAttribute('class') !== cls) g.setAttribute('class', cls);
    const [, , v, a] = g.children;
    const vt = made ? cut(shortValue(k, N[k].v), 17) : '';
    let grad = '';
    if (adjoint) grad = adjoint.m || adjoint.p ? '∇' : '∇ ' + adjoint.t;
    else if (parts) grad = parts.some(x => x.v.m || x.v.p) ? '∇ …' : '∇ ' + parts.map(x => x.v.t).join('+') + '…';
    grad = cut(grad, 13);
    if (v.textContent !== vt) v.textContent = vt;
    if (a.textContent !== grad) a.textContent = grad;
  });
  const near = new Set(s.n >= 0 ? edgesOf[s.n] : []);
  edges.forEach(e => {
    const made = madeAt[+e.dataset.t] >= 0 && madeAt[+e.dataset.t] <= at;
    let cls = 'e' + (N[+e.dataset.t].in[+e.id.split('-')[1]][1] ? '' : ' c') + (made ? ' made' : '');
    if (s.k === RAN && e.id === 'e' + s.n + '-' + s.s) cls += ' hot';
    else if (state.ran.has(e.id)) cls += ' ran';
    else if (near.has(e) && made) cls += ' near';
    if (e.getAttribute('class') !== cls) e.setAttribute('class', cls);
  });
  $('count').textContent = 'step ' + (at + 1) + ' of ' + S.length;
  $('slide').value = at;
  $('say').textContent = s.t;
  $('say').className = back ? 'b' : 'f';
  details(s, state);
  const focus = s.k === RAN && s.to >= 0 && boxes[s.to] ? boxes[s.to] : boxes[s.n];
  if (focus) intoView(focus);
}

function play(on) {
  clearInterval(timer);
  timer = on ? setInterval(() => { if (at + 1 >= S.length) play(false); else show(at + 1); }, 700) : 0;
  $('play').textContent = timer ? '❚❚' : '▶▶';
}

$('slide').max = S.length - 1;
$('slide').oninput = e => { play(false); show(+e.target.value); };
const actions = {first: () => show(0), back: () => show(at - 1), next: () => show(at + 1),
  last: () => show(S.length - 1)};
Object.entries(actions).forEach(([id, act]) => { $(id).onclick = () => { play(false); act(); }; });
$('play').onclick = () => play(!timer);
boxes.forEach((g, i) => { if (g) g.onclick = () => { play(false); show(goFor(i)); }; });
addEventListener('keydown', e => {
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  const key = {ArrowRight: 'next', ArrowDown: 'next', ArrowLeft: 'back', ArrowUp: 'back',
    Home: 'first', End: 'last'}[e.key];
  if (key) { play(false); actions[key](); e.preventDefault(); }
  if (e.key === ' ' && e.target.tagName !== 'BUTTON') { play(!timer); e.preventDefault(); }
});

/* Walks through everything as a reader would, and says what changed. */
function selfTest() {
  const seen = new Set(), press = key => dispatchEvent(new KeyboardEvent('keydown', {key}));
  const look = () => $('say').textContent + '|' + $('side').textContent + '|' +
    document.querySelectorAll('.n.made').length + '|' + document.querySelectorAll('.e.ran').length;
  press('Home');
  const start = look();
  let changes = 0, still = 0, before = start;
  seen.add(start);
  for (let i = 1; i < S.length; i++) {
    press('ArrowRight');
    const now = look();
    if (now !== before) changes++; else still++;
    seen.add(now); before = now;
  }
  const end = look();
  press('ArrowRight');
  const stays = look() === end;
  press('Home');
  const homes = look() === start;
  press('End'); press('ArrowLeft');
  const backs = look() !== end && at === S.length - 2;
  const shown = boxes.filter(Boolean).length;
  const jump = boxes.findIndex(Boolean);
  boxes[jump].onclick();
  const jumps = S[at].n === jump;
  show(S.length - 1);
  const ok = changes === S.length - 1 && still === 0 && stays && homes && backs && jumps;
  const text = (ok ? 'selftest passed' : 'selftest FAILED') + ': ' + S.length + ' steps, ' + changes +
    ' changes, ' + seen.size + ' views, ' + shown + ' nodes, end stays ' + stays + ', home ' +
    homes + ', back ' + backs + ', jump ' + jumps + ', shown after ' + loaded + ' ms';
  document.title = text;
  const out = el('pre', '', text);
  out.id = 'selftest';
  document.body.append(out);
}
const wanted = location.hash.match(/^#(?:step=)?(\d+)$/);
show(wanted ? +wanted[1] - 1 : 0);
const loaded = Math.round(performance.now());
if (location.hash === '#selftest') selfTest();
})();
)js";

}  // namespace talweg
