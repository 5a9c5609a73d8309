/**
 * report.html of a run: one page that opens from disk without a server or a script.
 *
 * Lives here: the page as text. Does not live here: files, pictures of messages (sequence.ts), plots (load/core/plot.ts).
 */
import { escaped, plot } from '../../../load/core/plot.ts';
import { cellsOf, TABLE_HEAD, verdictText as loadVerdict } from '../../../load/core/report.ts';
import type { LoadReport } from '../../../load/core/report.ts';
import type { TraceEntry } from '../../../ssmmp/core/trace.ts';
import { curvesOf } from './event.ts';
import type { LabEvent } from './event.ts';
import type { ItemResult, LabResult } from './result.ts';
import { MESSAGES_DRAWN_MAX, sequenceSvg, withoutHealth } from './sequence.ts';
import { seconds } from './verdict.ts';

/** What a run saw of one cluster: the student's own, or one that the check started. */
export interface Exhibit {
  readonly title: string;
  readonly events: readonly LabEvent[];
  /** In the order of time. */
  readonly trace: readonly TraceEntry[];
  readonly loads: readonly LoadReport[];
}

/** Some messages that a check wants to show by themselves. */
export interface Diagram {
  readonly title: string;
  readonly entries: readonly TraceEntry[];
}

/** Events listed of one cluster. */
const EVENTS_SHOWN_MAX = 300;

/** The whole page. */
export function reportPage(result: LabResult, exhibits: readonly Exhibit[], diagrams: readonly Diagram[]): string {
  const { title, lab, points, points_max: most, verdict, time, seed, folder } = result;
  const words = { passed: 'passed', failed: 'not yet passed', broken: 'the check is broken' }[verdict];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escaped(`${lab}: ${words}`)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
body { font: 14px/1.45 system-ui, sans-serif; max-width: 1100px; margin: 2em auto; padding: 0 1em; color: #1c2128 }
table { border-collapse: collapse } td, th { padding: 3px 12px; text-align: left; border-bottom: 1px solid #d8dee4; vertical-align: top }
h1 { font-size: 20px } h2 { font-size: 16px; margin: 1.8em 0 .3em } h3 { font-size: 14px; margin: 1.2em 0 .2em }
pre { background: #f4f6f8; padding: .8em; white-space: pre-wrap; margin: .3em 0 } .picture { overflow-x: auto; border: 1px solid #d8dee4 }
.good { color: #1a7f37 } .bad { color: #b62324 } .faint { color: #57606a } details { margin: .6em 0 }
svg text { font-size: 11px } .plot svg text { fill: #57606a } .plot h2 { font-size: 13px; margin: .8em 0 0 }
</style></head><body>
<h1>Lab ${Number(lab.slice(0, 2))}: ${escaped(title)}: <span class="${verdict === 'passed' ? 'good' : 'bad'}">${words}</span></h1>
<p>${points} of ${most} points · ${escaped(time)} · ${seconds(result.took_ms)} · seed ${seed} · <span class="faint">${escaped(folder)}</span></p>
<table><tr><th></th><th>item</th><th>points</th><th>time</th></tr>
${result.items.map(row).join('\n')}</table>
<p>Again: <code>${escaped(result.again)}</code></p>
${diagrams.map(({ title: name, entries }) => `<h2>${escaped(name)}</h2>\n${picture(entries)}`).join('\n')}
${exhibits.map(section).join('\n')}
</body></html>
`;
}

function row(item: ItemResult): string {
  const { status, name, says, points, points_max: most, took_ms: tookMs, failure, error } = item;
  const sign = { passed: '✔', failed: '✘', broken: '!', 'left out': '–' }[status];
  const why =
    failure !== null
      ? `<p>expected</p><pre>${escaped(failure.expected)}</pre><p>came</p><pre class="bad">${escaped(failure.came)}</pre>` +
        `${failure.remark === null ? '' : `<p>${escaped(failure.remark)}</p>`}<p>read ${escaped(failure.page)}</p>`
      : error !== null
        ? `<p>the check itself broke</p><pre class="bad">${escaped(error)}</pre>`
        : '';
  const colour = status === 'passed' ? 'good' : status === 'left out' ? 'faint' : 'bad';
  const worth = status === 'left out' ? 'left out' : `${points}/${most}`;
  return `<tr><td class="${colour}">${sign}</td><td>${escaped(says)} <span class="faint">${escaped(name)}</span>${why}</td><td>${worth}</td><td>${seconds(tookMs)}</td></tr>`;
}

function section({ title, events, trace, loads }: Exhibit): string {
  const curves = curvesOf(events);
  const plots =
    events.length === 0
      ? []
      : [
          plot('Instances that are on', curves.seconds, curves.instances),
          plot('Sessions that are on', curves.seconds, [curves.sessions]),
        ];
  const listed = events
    .slice(0, EVENTS_SHOWN_MAX)
    .map(({ at, text }) => `${timeOfDay(at, events[0]?.at ?? at)}  ${text}`);
  const more = events.length > EVENTS_SHOWN_MAX ? `\n… and ${events.length - EVENTS_SHOWN_MAX} more` : '';
  return `<h2>${escaped(title)}</h2>
<div class="plot">${plots.join('\n')}</div>
${loads.map(loadSection).join('\n')}
<details open><summary>Messages</summary>${picture(withoutHealth(trace))}</details>
<details><summary>Events, seconds from the first</summary><pre>${escaped(listed.join('\n') + more)}</pre></details>`;
}

function picture(entries: readonly TraceEntry[]): string {
  if (entries.length === 0) return '<p class="faint">No message was traced.</p>';
  const rest = entries.length - MESSAGES_DRAWN_MAX;
  const more = rest > 0 ? `<p class="faint">… and ${rest} more messages</p>` : '';
  return `<div class="picture">${sequenceSvg(entries)}</div>${more}`;
}

function loadSection(load: LoadReport): string {
  const line = (name: string, value: (at: LoadReport['timeline'][number]) => number) => ({
    name,
    points: load.timeline.map((second) => [second.second + 1, value(second)] as const),
  });
  const head = TABLE_HEAD.map((name) => `<th>${escaped(name)}</th>`).join('');
  const body = load.rows.map(
    (each) =>
      `<tr>${cellsOf(each)
        .map((cell) => `<td>${escaped(cell)}</td>`)
        .join('')}</tr>`,
  );
  return `<h3>Load: ${load.users} users, ${load.seconds} s</h3><table><tr>${head}</tr>${body.join('\n')}</table>
<pre>${escaped(loadVerdict(load))}</pre><div class="plot">${plot('Latency in ms', Math.max(1, load.seconds), [
    line('p50', (second) => second.p50Ms),
    line('p95', (second) => second.p95Ms),
    line('p99', (second) => second.p99Ms),
    line('max', (second) => second.maxMs),
  ])}${plot('Requests a second', Math.max(1, load.seconds), [line('requests', (second) => second.requests)])}</div>`;
}

/** Seconds since the first, three places. */
function timeOfDay(at: number, start: number): string {
  return ((at - start) / 1000).toFixed(3).padStart(8);
}
