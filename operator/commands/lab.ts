/** `ssmmp lab`: the course. list, start, hint, reset, status, report; check and watch are in lab-check.ts, grade in lab-grade.ts. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { findLab, LabError, readLabs } from '../../labs/runner/shell/lab-folder.ts';
import type { Lab } from '../../labs/runner/shell/lab-folder.ts';
import type { Places } from '../../labs/runner/shell/places.ts';
import { runLabProgram } from '../../labs/runner/shell/prepare.ts';
import { latestReport } from '../../labs/runner/shell/run-folder.ts';
import {
  findWork,
  nextHint,
  readMemory,
  resetWork,
  shortPath,
  startWork,
  WORK_FOLDERS,
  workFolders,
} from '../../labs/runner/shell/work-folder.ts';
import { Outcome } from '../core/exit-code.ts';
import type { ExitCode } from '../core/exit-code.ts';
import { columnsText } from '../core/tables.ts';
import { labErrors, labPlaces, runsOption } from '../shell/labs.ts';
import { styleFor, tell, writeData } from '../shell/output.ts';
import { settingsOf, withExamples } from './command.ts';
import { addLabCheck, addLabWatch } from './lab-check.ts';
import { addLabGrade } from './lab-grade.ts';

export function addLab(program: Command): void {
  const lab = program.command('lab').description('labs: start one, work on it, have it checked');
  withExamples(lab, [
    ['ssmmp lab list', 'the course'],
    ['ssmmp lab start 0', 'a working folder of your own, my-labs/00-…'],
    ['ssmmp lab check', 'how far are you? (in the working folder)'],
    ['ssmmp lab watch', 'check again on every save'],
    ['ssmmp lab hint', 'a hint for the first item that does not pass'],
    ['ssmmp lab grade submissions/* --lab 0', 'for instructors'],
  ]);
  addList(lab);
  addStart(lab);
  addLabCheck(lab);
  addLabWatch(lab);
  addRun(lab);
  addHint(lab);
  addReset(lab);
  addStatus(lab);
  addReport(lab);
  addLabGrade(lab);
}

function addList(lab: Command): void {
  const command = lab
    .command('list')
    .description('all labs, in the order of the course')
    .action(async (_options: unknown, self: Command) => {
      const labs = await labErrors(() => readLabs(labPlaces()));
      if (settingsOf(self).output === 'json') return writeData(`${JSON.stringify(labs.map(labRow), null, 2)}\n`);
      const style = styleFor(process.stdout);
      const head = ['LAB', 'TITLE', 'MINUTES', 'POINTS', 'NEEDS'].map(style.heading);
      const rows = labs.map((each) => [
        String(each.number),
        each.title,
        String(each.minutes),
        String(pointsOf(each)),
        each.needs.join(', ') || '-',
      ]);
      writeData(columnsText([head, ...rows]));
    });
  withExamples(command, [['ssmmp lab list', 'title, minutes, points, and what to do before']]);
}

function labRow(lab: Lab): Record<string, unknown> {
  const { number, name, title, goal, minutes, needs } = lab;
  return { lab: number, name, title, goal, minutes, points: pointsOf(lab), needs };
}

function pointsOf({ checks }: Lab): number {
  return checks.reduce((sum, { points }) => sum + points, 0);
}

function addStart(lab: Command): void {
  const command = lab
    .command('start')
    .description('make a working folder of your own with the starter files and the text')
    .argument('<lab>', 'its number')
    .option('--dir <folder>', `where (default: ${WORK_FOLDERS}/<name>)`)
    .action(async (wanted: string, options: { dir?: string }) => {
      await labErrors(async () => {
        const places = labPlaces();
        const found = findLab(places, wanted);
        const folder = resolve(options.dir ?? join(WORK_FOLDERS, found.name));
        await startWork(found, folder, places);
        writeData(`${shortPath(folder)}\n`);
        const style = styleFor(process.stderr);
        tell(`Lab ${found.number}, ${style.heading(found.title)}, about ${found.minutes} minutes.`);
        tell(`Next: cd ${shortPath(folder)}, read README.md there, and ask \`npx ssmmp lab check\` when you like.`);
      });
    });
  withExamples(command, [
    ['ssmmp lab start 0', `into ${WORK_FOLDERS}/00-meet-the-cnapp`],
    ['ssmmp lab start 1 --dir ~/course/lab1', 'into a folder of your choice'],
  ]);
}

function addRun(lab: Command): void {
  const command = lab
    .command('run')
    .description('run a program that a lab has for you')
    .argument('<program>', 'its name; the text of the lab says which there are')
    .argument('[words...]', 'what it is told')
    .option('--lab <lab>', 'the number of the lab (default: the folder you stand in)')
    .option('--dir <folder>', 'the working folder')
    .allowUnknownOption()
    .action(async (name: string, words: string[], options: { dir?: string; lab?: string }) => {
      const code = await labErrors(() => {
        const places = labPlaces();
        const work = findWork(places, options.lab ?? null, options.dir ?? null);
        return runLabProgram(work.lab, name, words, work.folder, places);
      });
      if (code !== 0) throw new Outcome(code as ExitCode);
    });
  withExamples(command, [['ssmmp lab run simulate 1', 'in the working folder of lab 11: its first bug']]);
}

function addHint(lab: Command): void {
  const command = lab
    .command('hint')
    .description('the next of three hints for an item')
    .argument('[item]', 'name of an item (default: the first that did not pass the last check)')
    .option('--lab <lab>', 'its number (default: the folder you stand in)')
    .option('--dir <folder>', 'the working folder')
    .action(async (item: string | undefined, options: { dir?: string; lab?: string }) => {
      await labErrors(() => {
        const places = labPlaces();
        const work = findWork(places, options.lab ?? null, options.dir ?? null);
        const names = work.lab.checks.map(({ name }) => name);
        if (item !== undefined && !names.includes(item))
          throw new LabError(`lab ${work.lab.number} has no item '${item}'; there are ${names.join(', ')}`, true);
        const last = readMemory(work.folder)?.last;
        if (item === undefined && last?.verdict === 'passed')
          return tell(
            `Nothing is left to hint at: the last check passed. \`npx ssmmp lab hint ${names[0] ?? ''}\` asks for one item.`,
          );
        const failed = last?.failed ?? [];
        const about = item ?? names.find((name) => failed.includes(name)) ?? (names[0] as string);
        const { text, step, of } = nextHint(work.folder, work.lab, about);
        tell(`Hint ${step} of ${of} for ${about}:`);
        writeData(`${text}\n`);
      });
    });
  withExamples(command, [
    ['ssmmp lab hint', 'for the first item that does not pass'],
    ['ssmmp lab hint break-it', 'for this item; once more shows the next'],
  ]);
}

function addReset(lab: Command): void {
  const command = lab
    .command('reset')
    .description('begin a lab again; what you had is kept in a copy beside it')
    .argument('[lab]', 'its number (default: the folder you stand in)')
    .option('--dir <folder>', 'the working folder')
    .action(async (wanted: string | undefined, options: { dir?: string }) => {
      await labErrors(async () => {
        const places = labPlaces();
        const work = findWork(places, wanted ?? null, options.dir ?? null);
        const copy = await resetWork(work.lab, work.folder, places);
        writeData(`${shortPath(work.folder)}\n`);
        tell(`Lab ${work.lab.number} begins anew; what you had is in ${shortPath(copy)}.`);
        if (work.folder === process.cwd()) tell('You stand in the old folder now: cd .. and into the new one.');
      });
    });
  withExamples(command, [['ssmmp lab reset 0', 'nothing is deleted']]);
}

function addStatus(lab: Command): void {
  const command = lab
    .command('status')
    .description('what you have started, your points, and the hints you took')
    .action(async (_options: unknown, self: Command) => {
      const places = labPlaces();
      const rows = (await labErrors(() => readLabs(places))).map((each) => statusRow(places, each));
      if (settingsOf(self).output === 'json') return writeData(`${JSON.stringify(rows, null, 2)}\n`);
      const style = styleFor(process.stdout);
      const head = ['LAB', 'TITLE', 'STATE', 'POINTS', 'HINTS', 'FOLDER'].map(style.heading);
      const cells = rows.map(({ lab: number, title, state, best, points_max, hints, folder }) => [
        String(number),
        title,
        state === 'passed' ? style.good(state) : state,
        state === 'not started' ? `-/${points_max}` : `${best}/${points_max}`,
        String(hints),
        folder ?? '-',
      ]);
      writeData(columnsText([head, ...cells]));
    });
  withExamples(command, [['ssmmp lab status', 'the best whole check counts']]);
}

function statusRow(places: Places, lab: Lab) {
  const folder = workFolders(places, lab.name).find((each) => readMemory(each) !== null) ?? ownFolder(lab);
  const memory = folder === null ? null : readMemory(folder);
  const pointsMax = pointsOf(lab);
  const best = memory?.best ?? 0;
  const state =
    memory === null ? 'not started' : best === pointsMax ? 'passed' : memory.last === null ? 'started' : 'not yet';
  const hints = Object.values(memory?.hints ?? {}).reduce((sum, count) => sum + count, 0);
  return {
    lab: lab.number,
    title: lab.title,
    state,
    best,
    points_max: pointsMax,
    hints,
    folder: memory === null || folder === null ? null : shortPath(folder),
  };
}

/** The folder one stands in, where it is this lab's. */
function ownFolder(lab: Lab): string | null {
  return readMemory(process.cwd())?.lab === lab.name ? process.cwd() : null;
}

function addReport(lab: Command): void {
  const command = lab
    .command('report')
    .description('the path of the last report.html; open it in a browser')
    .argument('[lab]', 'its number (default: the folder you stand in)')
    .option('--dir <folder>', 'the working folder')
    .addOption(runsOption())
    .action(async (wanted: string | undefined, options: { dir?: string; runs?: string }) => {
      await labErrors(() => {
        const places = labPlaces(options.runs);
        const name = wanted === undefined ? null : findLab(places, wanted).name;
        const path = latestReport(places, name ?? findWork(places, null, options.dir ?? null).lab.name);
        if (!existsSync(path)) throw new LabError(`${path} is not there: no check has run yet`);
        writeData(`${path}\n`);
      });
    });
  withExamples(command, [
    ['ssmmp lab report', 'of the last check in this folder'],
    ['xdg-open $(ssmmp lab report 0)', 'on Linux; `open` on macOS'],
  ]);
}
