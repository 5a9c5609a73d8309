/**
 * What a run leaves: `runs/<lab>/<time>/` with results.json, events.json, trace.json, node logs, report.html; and `latest`.
 *
 * Lives here: those files. Does not live here: what stands in them (core/).
 */
import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { reportPage } from '../core/report.ts';
import type { Checked } from './check.ts';
import type { Places } from './places.ts';

/** Older runs of a lab are removed. */
export const RUNS_KEPT = 30;
const LATEST = 'latest';
export const REPORT_FILE = 'report.html';

/** Makes the folder of a run that begins now. Two runs may begin in one millisecond. */
export function makeRunFolder(places: Places, lab: string): string {
  const runs = join(places.runs, lab);
  mkdirSync(runs, { recursive: true });
  const name = new Date().toISOString().replaceAll(/[:.]/g, '-');
  for (let again = 0; ; again += 1) {
    const folder = join(runs, again === 0 ? name : `${name}-${again}`);
    try {
      mkdirSync(folder);
      return folder;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** Writes what was seen; clusters that the check started have left their logs in the folder already. Gives report.html's path. */
export function writeRun(places: Places, folder: string, { result, exhibits, diagrams }: Checked): string {
  const write = (name: string, value: unknown): void =>
    writeFileSync(join(folder, name), `${JSON.stringify(value, null, 2)}\n`);
  write('results.json', result);
  write(
    'events.json',
    exhibits.map(({ title, events }) => ({ title, events })),
  );
  write(
    'trace.json',
    exhibits.map(({ title, trace }) => ({ title, trace })),
  );
  const report = join(folder, REPORT_FILE);
  writeFileSync(report, reportPage(result, exhibits, diagrams));
  rmSync(join(folder, 'built'), { recursive: true, force: true });
  const runs = join(places.runs, result.lab);
  pointLatest(runs, folder);
  dropOld(runs);
  return report;
}

/** The report of a lab's last run. */
export function latestReport(places: Places, lab: string): string {
  return join(places.runs, lab, LATEST, REPORT_FILE);
}

/** A junction on Windows, which needs no rights there; a link elsewhere. */
function pointLatest(runs: string, folder: string): void {
  const link = join(runs, LATEST);
  rmSync(link, { recursive: true, force: true });
  try {
    symlinkSync(folder, link, 'junction');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error; // another run was quicker: it is as late
  }
}

function dropOld(runs: string): void {
  const names = readdirSync(runs)
    .filter((name) => name !== LATEST)
    .sort();
  for (const name of names.slice(0, -RUNS_KEPT)) rmSync(join(runs, name), { recursive: true, force: true });
}
