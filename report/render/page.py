"""Style and script of the HTML report: no file and no address besides the page itself."""

STYLE = """
:root{color-scheme:light dark;--ink:#1f2328;--dim:#57606a;--ground:#fff;--soft:#f6f8fa;--line:#d0d7de;--link:#0550ae;
--new:#1a7f37;--gone:#b31d28;--changed:#7d4e00;--newfill:#e6f6ea;--gonefill:#fdeceb;--changedfill:#fff6d6}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--dim:#9ea7b1;--ground:#0d1117;--soft:#161b22;--line:#3d444d;
--link:#79c0ff;
--new:#56d364;--gone:#ff7b72;--changed:#e3b341;--newfill:#12261a;--gonefill:#2d1517;--changedfill:#272115}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1rem 1.25rem 4rem;max-width:86rem;font:15px/1.5 system-ui,sans-serif;color:var(--ink);
background:var(--ground)}
a{color:var(--link)}
a:focus-visible,summary:focus-visible,input:focus-visible,.scroll:focus-visible{outline:3px solid var(--link);
outline-offset:2px}
.skip{position:absolute;left:-99rem}.skip:focus{position:static}
h1{font-size:1.4rem;margin:.5rem 0}h2{font-size:1.25rem;margin:2rem 0 .5rem}h3{font-size:1.05rem;margin:1.75rem 0 .4rem}
.verdict{border-left:.5rem solid var(--line);padding:.6rem 1rem;background:var(--soft);margin:.5rem 0 1rem}
.verdict strong{font-size:1.15rem}
.nothing{border-color:var(--new)}.look{border-color:var(--changed)}.blocked,.failed{border-color:var(--gone)}
.dim{color:var(--dim)}
nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1rem;list-style:none;padding:0;margin:.5rem 0}
.scroll{overflow-x:auto;margin:.5rem 0 1rem}
table{border-collapse:collapse;min-width:30rem}caption{text-align:left;font-weight:600;padding:.25rem 0}
th,td{border-bottom:1px solid var(--line);padding:.3rem .75rem .3rem 0;text-align:left;vertical-align:top}
th{color:var(--dim);font-weight:600}.number{text-align:right;font-variant-numeric:tabular-nums}
td{overflow-wrap:break-word}td:first-child{white-space:nowrap}td code{overflow-wrap:anywhere}
code{font:.92em ui-monospace,monospace}
details{margin:.25rem 0}summary{cursor:pointer}
.tools{display:flex;gap:1rem;flex-wrap:wrap;align-items:center;margin:.5rem 0}
input[type=search]{font:inherit;padding:.3rem .5rem;border:1px solid var(--dim);
border-radius:4px;background:var(--ground);
color:var(--ink);width:18rem;max-width:100%}
.picture{display:block;width:100%;height:auto}
.picture text{fill:var(--ink);font:13px system-ui,sans-serif}.picture .name{font-weight:600;font-size:14px}
.picture .detail,.picture .column{fill:var(--dim);font-size:12.5px}.picture .mark{text-anchor:end;font-size:12px}
.node rect{fill:var(--soft);stroke:var(--dim);stroke-width:1}
.node.new rect{stroke:var(--new);fill:var(--newfill);stroke-width:2}
.node.new .mark{fill:var(--new)}
.node.gone rect{stroke:var(--gone);fill:var(--gonefill);stroke-width:2;stroke-dasharray:6 4}
.node.gone .mark{fill:var(--gone)}
.node.changed rect{stroke:var(--changed);fill:var(--changedfill);stroke-width:2}
.node.changed .mark{fill:var(--changed)}
.node:focus{outline:none}.node:focus rect,.node:hover rect{stroke:var(--link);stroke-width:3}
.edge{fill:none;stroke:var(--line);stroke-width:1.5}.edge.new{stroke:var(--new);stroke-width:2.5}
.edge.gone{stroke:var(--gone);stroke-width:2;stroke-dasharray:6 4}.edge.changed{stroke:var(--changed);stroke-width:2.5}
.many .edge.same{stroke-opacity:.35}
.edge.on,.many .edge.same.on{stroke-opacity:1}
.edge.on{stroke:var(--link);stroke-width:3}.faded{opacity:.45}.hidden{display:none}
@media print{.tools,nav,.skip{display:none}}
""".strip()

SCRIPT = """
const TOP = 34, HEIGHT = 44, STEP = 56, WIDTH = 260;
for (const box of document.querySelectorAll('.chart')) {
  const svg = box.querySelector('svg'), nodes = [...svg.querySelectorAll('.node')];
  const edges = [...svg.querySelectorAll('.edge')], byId = new Map(nodes.map(node => [node.dataset.id, node]));
  const search = box.querySelector('input[type=search]'), only = box.querySelector('input[type=checkbox]');
  const count = box.querySelector('output'), [left, , width] = svg.getAttribute('viewBox').split(' ');
  const light = id => {
    for (const edge of edges) {
      edge.classList.toggle('on', id !== null && (edge.dataset.from === id || edge.dataset.to === id));
    }
  };
  for (const node of nodes) {
    for (const start of ['focus', 'mouseenter']) node.addEventListener(start, () => light(node.dataset.id));
    for (const end of ['blur', 'mouseleave']) node.addEventListener(end, () => light(null));
  }
  const near = (chosen, changes) => {
    const found = new Set(chosen);
    for (const edge of edges) {
      const {from, to} = edge.dataset;
      if (changes && edge.classList.contains('same')) continue;
      if (chosen.has(from) || chosen.has(to)) { found.add(from); found.add(to); }
    }
    return found;
  };
  const place = shown => {
    const rows = {}, now = new Map();
    for (const node of nodes) {
      const column = node.dataset.id.split('/')[0], visible = shown.has(node.dataset.id);
      node.classList.toggle('hidden', !visible);
      if (!visible) continue;
      const y = TOP + STEP * (rows[column] = (rows[column] ?? -1) + 1);
      node.setAttribute('transform', 'translate(0 ' + (y - node.dataset.y) + ')');
      now.set(node.dataset.id, [Number(node.dataset.x), y + HEIGHT / 2]);
    }
    for (const edge of edges) {
      const start = now.get(edge.dataset.from), end = now.get(edge.dataset.to);
      edge.classList.toggle('hidden', !start || !end);
      if (!start || !end) continue;
      const x = start[0] + WIDTH, middle = (x + end[0]) / 2;
      edge.setAttribute('d', `M${x} ${start[1]}C${middle} ${start[1]} ${middle} ${end[1]} ${end[0]} ${end[1]}`);
    }
    const height = TOP + STEP * Math.max(1, ...Object.values(rows).map(row => row + 1));
    svg.setAttribute('viewBox', [left, 0, width, height + 4].join(' '));
  };
  const filter = () => {
    const text = search.value.trim().toLowerCase();
    const direct = new Set(nodes.filter(node => (!text || node.getAttribute('aria-label').toLowerCase().includes(text))
      && (!only.checked || !node.classList.contains('same'))).map(node => node.dataset.id));
    const shown = text || only.checked ? near(direct, only.checked) : direct;
    place(shown);
    for (const node of nodes) node.classList.toggle('faded', !direct.has(node.dataset.id));
    count.textContent = shown.size + ' of ' + byId.size + ' shown';
  };
  search.addEventListener('input', filter);
  only.addEventListener('change', filter);
  if (only.checked) filter();
}
""".strip()
