/**
 * The page of a run: one HTML file with its plots, that opens from disk without a server or a script.
 *
 * Lives here: SVG and HTML as text. Does not live here: files; numbers that are not in the report.
 */
import { cellsOf, errorsText, TABLE_HEAD, verdictText, type LoadReport } from './report.ts';

const WIDTH = 860;
const HEIGHT = 200;
const LEFT = 56;
const RIGHT = 150;
const TOP = 12;
const BOTTOM = 26;
/** Lines of a plot that are told apart by colour; more take the first ones again. */
const COLOURS = ['#1f6feb', '#d1540f', '#2a7f3f', '#8250df', '#b62324', '#0e7490', '#946200', '#555d66', '#bf3989'];
const TICKS = 4;

interface Line {
  readonly name: string;
  /** Second of the run, value. */
  readonly points: readonly (readonly [second: number, value: number])[];
  /** Holds its value until the next point. */
  readonly isStep?: boolean;
}

/** The whole page. */
export function pageOf(report: LoadReport): string {
  const { timeline, instances, seconds } = report;
  const line = (name: string, value: (at: number) => number): Line => ({
    name,
    points: timeline.map(({ second }, at) => [second + 1, value(at)] as const),
  });
  const of = (at: number): LoadReport['timeline'][number] => timeline[at] as LoadReport['timeline'][number];
  const services = [...new Set(instances.flatMap((sample) => Object.keys(sample.instances)))].sort();
  const count = services.map((name): Line => ({
    name,
    isStep: true,
    points: instances.map((sample) => [sample.atMs / 1000, sample.instances[name] ?? 0] as const),
  }));
  const until = Math.max(seconds, 1);
  const plots = [
    plot('Requests a second', until, [
      line('requests', (at) => of(at).requests),
      line('errors', (at) => Object.values(of(at).errors).reduce((sum, n) => sum + n, 0)),
      line('sent again', (at) => of(at).repeats),
    ]),
    plot('Latency in ms', until, [
      line('p50', (at) => of(at).p50Ms),
      line('p95', (at) => of(at).p95Ms),
      line('p99', (at) => of(at).p99Ms),
      line('max', (at) => of(at).maxMs),
    ]),
    ...(services.length === 0 ? [] : [plot('Instances', until, count)]),
  ];
  const load = report.rate === null ? `closed loop, think time ${report.think_ms} ms` : `${report.rate} a second`;
  const mix = Object.entries(report.mix).map(([kind, weight]) => `${kind}=${weight}`);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>ssmmp load ${text(report.started)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
body { font: 14px/1.45 system-ui, sans-serif; max-width: ${WIDTH + 40}px; margin: 2em auto; padding: 0 1em; color: #1c2128 }
table { border-collapse: collapse } td, th { padding: 2px 12px; text-align: right; border-bottom: 1px solid #d8dee4 }
td:first-child, th:first-child { text-align: left } h1 { font-size: 20px } h2 { font-size: 15px; margin: 1.4em 0 .2em }
pre { background: #f4f6f8; padding: .8em; white-space: pre-wrap } svg { max-width: 100%; height: auto }
svg text { font-size: 11px; fill: #57606a } .bad { color: #b62324 }
</style></head><body>
<h1>ssmmp load</h1>
<p>${text(report.started)} · ${report.users} users · ${report.seconds} s · ${load} · ${text(mix.join(','))} · seed ${report.seed} · errors: ${text(errorsText(report.errors))}</p>
<pre${report.violation === null ? '' : ' class="bad"'}>${text(verdictText(report))}</pre>
${tableOf(report)}
${plots.join('\n')}
</body></html>
`;
}

function tableOf({ rows }: LoadReport): string {
  const head = TABLE_HEAD.map((name) => `<th>${text(name)}</th>`).join('');
  const body = rows.map(
    (row) =>
      `<tr>${cellsOf(row)
        .map((cell) => `<td>${text(cell)}</td>`)
        .join('')}</tr>`,
  );
  return `<table><tr>${head}</tr>\n${body.join('\n')}</table>`;
}

function plot(title: string, seconds: number, lines: readonly Line[]): string {
  const most = roundUp(Math.max(1, ...lines.flatMap(({ points }) => points.map(([, value]) => value))));
  const x = (second: number): number => LEFT + (second / seconds) * (WIDTH - LEFT - RIGHT);
  const y = (value: number): number => HEIGHT - BOTTOM - (value / most) * (HEIGHT - TOP - BOTTOM);
  const grid: string[] = [];
  for (let tick = 0; tick <= TICKS; tick += 1) {
    const value = (most * tick) / TICKS;
    const second = (seconds * tick) / TICKS;
    grid.push(
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(value)}" y2="${y(value)}" stroke="#d8dee4"/>`,
      `<text x="${LEFT - 6}" y="${y(value) + 4}" text-anchor="end">${short(value)}</text>`,
      `<text x="${x(second)}" y="${HEIGHT - 8}" text-anchor="middle">${short(second)} s</text>`,
    );
  }
  const drawn = lines.map(({ name, points, isStep }, at) => {
    const colour = COLOURS[at % COLOURS.length] as string;
    const way = points.map(([second, value], index) => {
      const before = points[index - 1];
      const corner = isStep === true && before !== undefined ? `${near(x(second))},${near(y(before[1]))} ` : '';
      return `${corner}${near(x(second))},${near(y(value))}`;
    });
    const label = `<text x="${WIDTH - RIGHT + 10}" y="${TOP + 10 + at * 15}" style="fill:${colour}">${text(name)}</text>`;
    return `<polyline fill="none" stroke="${colour}" stroke-width="1.6" points="${way.join(' ')}"/>${label}`;
  });
  return `<h2>${text(title)}</h2>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="${text(title)}">${grid.join('')}${drawn.join('')}</svg>`;
}

/** 1, 2 or 5 times a power of ten, and not less than the value. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((step) => step * power >= value) ?? 10) * power;
}

function near(value: number): number {
  return Math.round(value * 10) / 10;
}

function short(value: number): string {
  return value >= 10 || Number.isInteger(value) ? String(Math.round(value)) : value.toFixed(2);
}

function text(raw: string): string {
  return raw.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
