/**
 * A plot over time as SVG text, for pages that open from disk without a server or a script, and as a file of its own.
 *
 * Lives here: axes, lines, colours. Does not live here: what is plotted (page.ts, labs/runner/core/report.ts, the pictures of
 * labs).
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
/** At most so many moments are named below a plot, and the beginning. */
const SECONDS_NAMED_MAX = 8;
/** Above a plot that is a file: its title, and the names of its marks. */
const TITLE_HEIGHT = 26;
const MARK_HEIGHT = 14;

export interface PlotLine {
  readonly name: string;
  /** Second of the run, value. */
  readonly points: readonly (readonly [second: number, value: number])[];
  /** Holds its value until the next point. */
  readonly isStep?: boolean;
}

/** A moment that a plot names. */
export interface PlotMark {
  readonly second: number;
  readonly name: string;
}

/** One plot over so many seconds, more than none: a heading and its SVG. */
export function plot(title: string, seconds: number, lines: readonly PlotLine[]): string {
  return `<h2>${escaped(title)}</h2>
<svg viewBox="0 0 ${PLOT_WIDTH} ${HEIGHT}" width="${PLOT_WIDTH}" height="${HEIGHT}" role="img" aria-label="${escaped(title)}">${inside(seconds, lines, [])}</svg>`;
}

/** The same as a whole SVG document, with its title and its own ground in it, so that it can be read on a page of any colour. */
export function plotFile(
  title: string,
  seconds: number,
  lines: readonly PlotLine[],
  marks: readonly PlotMark[] = [],
): string {
  const head = marks.length > 0 ? TITLE_HEIGHT + MARK_HEIGHT : TITLE_HEIGHT;
  const [height, top] = [HEIGHT + head, -head];
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 ${top} ${PLOT_WIDTH} ${height}" width="${PLOT_WIDTH}" height="${height}" ` +
    `font-family="system-ui, sans-serif" font-size="11" fill="#57606a" role="img" aria-label="${escaped(title)}">` +
    `<rect y="${top}" width="${PLOT_WIDTH}" height="${height}" fill="#fff"/>` +
    `<text x="${LEFT}" y="${top + 18}" font-size="13" font-weight="600" fill="#1c2128">${escaped(title)}</text>` +
    `${inside(seconds, lines, marks)}</svg>`
  );
}

function inside(seconds: number, lines: readonly PlotLine[], marks: readonly PlotMark[]): string {
  const most = roundUp(Math.max(1, ...lines.flatMap(({ points }) => points.map(([, value]) => value))));
  const x = (second: number): number => LEFT + (second / seconds) * (PLOT_WIDTH - LEFT - RIGHT);
  const y = (value: number): number => HEIGHT - BOTTOM - (value / most) * (HEIGHT - TOP - BOTTOM);
  const grid: string[] = [];
  for (let tick = 0; tick <= TICKS; tick += 1) {
    const value = (most * tick) / TICKS;
    grid.push(
      `<line x1="${LEFT}" x2="${PLOT_WIDTH - RIGHT}" y1="${near(y(value))}" y2="${near(y(value))}" stroke="#d8dee4"/>`,
      `<text x="${LEFT - 6}" y="${near(y(value) + 4)}" text-anchor="end">${short(value)}</text>`,
    );
  }
  const step = roundUp(seconds / SECONDS_NAMED_MAX);
  for (let second = 0; second <= seconds; second += step)
    grid.push(`<text x="${near(x(second))}" y="${HEIGHT - 8}" text-anchor="middle">${short(second)} s</text>`);
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
  const named = marks.map(
    ({ second, name }) =>
      `<line x1="${near(x(second))}" x2="${near(x(second))}" y1="${TOP - 8}" y2="${HEIGHT - BOTTOM}" stroke="#1c2128" stroke-dasharray="4 3"/>` +
      `<text x="${near(x(second))}" y="${TOP - 12}" text-anchor="middle" fill="#1c2128">${escaped(name)}</text>`,
  );
  return [...grid, ...drawn, ...named].join('');
}

/** 1, 2, 4 or 8 times a power of ten, and not less than the value. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 4, 8, 10].find((step) => step * power >= value) ?? 10) * power;
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
