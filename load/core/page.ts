/**
 * The page of a run: one HTML file with its plots, that opens from disk without a server or a script.
 *
 * Lives here: SVG and HTML as text. Does not live here: files; numbers that are not in the report.
 */
import { escaped as text, plot, PLOT_WIDTH as WIDTH, type PlotLine as Line } from './plot.ts';
import { cellsOf, errorsText, TABLE_HEAD, verdictText, type LoadReport } from './report.ts';

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
