/**
 * A plot over time as SVG text, for pages that open from disk without a server or a script.
 *
 * Lives here: axes, lines, colours. Does not live here: what is plotted (page.ts, labs/runner/core/report.ts).
 */

export const PLOT_WIDTH = 860;
const HEIGHT = 200;
const LEFT = 56;
const RIGHT = 150;
const TOP = 12;
const BOTTOM = 26;
/** Lines of a plot that are told apart by colour; more take the first ones again. */
const COLOURS = ['#1f6feb', '#d1540f', '#2a7f3f', '#8250df', '#b62324', '#0e7490', '#946200', '#555d66', '#bf3989'];
const TICKS = 4;

export interface PlotLine {
  readonly name: string;
  /** Second of the run, value. */
  readonly points: readonly (readonly [second: number, value: number])[];
  /** Holds its value until the next point. */
  readonly isStep?: boolean;
}

/** One plot over so many seconds: a heading and its SVG. */
export function plot(title: string, seconds: number, lines: readonly PlotLine[]): string {
  const most = roundUp(Math.max(1, ...lines.flatMap(({ points }) => points.map(([, value]) => value))));
  const x = (second: number): number => LEFT + (second / seconds) * (PLOT_WIDTH - LEFT - RIGHT);
  const y = (value: number): number => HEIGHT - BOTTOM - (value / most) * (HEIGHT - TOP - BOTTOM);
  const grid: string[] = [];
  for (let tick = 0; tick <= TICKS; tick += 1) {
    const value = (most * tick) / TICKS;
    const second = (seconds * tick) / TICKS;
    grid.push(
      `<line x1="${LEFT}" x2="${PLOT_WIDTH - RIGHT}" y1="${y(value)}" y2="${y(value)}" stroke="#d8dee4"/>`,
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
    const label = `<text x="${PLOT_WIDTH - RIGHT + 10}" y="${TOP + 10 + at * 15}" style="fill:${colour}">${escaped(name)}</text>`;
    return `<polyline fill="none" stroke="${colour}" stroke-width="1.6" points="${way.join(' ')}"/>${label}`;
  });
  return `<h2>${escaped(title)}</h2>
<svg viewBox="0 0 ${PLOT_WIDTH} ${HEIGHT}" width="${PLOT_WIDTH}" height="${HEIGHT}" role="img" aria-label="${escaped(title)}">${grid.join('')}${drawn.join('')}</svg>`;
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

/** Text that can stand in HTML and SVG. */
export function escaped(raw: string): string {
  return raw.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
