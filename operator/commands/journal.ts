/** `ssmmp journal check|repair|replay|show`: the Manager's journal, without a Manager. What it is: docs/journal.md. */
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { checkJournal, replayJournal, travelTo, type JournalSummary } from '../../ssmmp/shell/journal-tool.ts';
import { repairJournal } from '../../ssmmp/shell/journal-recovery.ts';
import { EXIT, OperatorError, Outcome } from '../core/exit-code.ts';
import { recordText, type JournalRecordData } from '../core/record-text.ts';
import type { ListKind } from '../core/rows.ts';
import { renderList } from '../core/tables.ts';
import { journalFolder, loadManagerJournal } from '../shell/manager-journal.ts';
import { styleFor, tell, writeData } from '../shell/output.ts';
import { settingsOf, withExamples } from './command.ts';

const LISTS: readonly ListKind[] = ['nodes', 'services', 'instances', 'sessions'];

export function addJournal(program: Command): void {
  const journal = program
    .command('journal')
    .description("check, repair and replay the Manager's journal; look at any moment of the past");
  withExamples(journal, [
    ['ssmmp journal check', 'is the journal of this cluster sound?'],
    ['ssmmp journal repair --at 4711 .ssmmp/journal', 'give up what lies behind a damaged place; copies stay'],
    ['ssmmp journal replay', 'step through all of it again and compare'],
    ['ssmmp journal show --at 120', 'what record 120 was, and what the Manager knew then'],
  ]);
  addCheck(journal);
  addRepair(journal);
  addReplay(journal);
  addShow(journal);
}

function addCheck(journal: Command): void {
  const command = subcommand(journal, 'check', 'read it as a start would, and the older segments too; changes nothing');
  command.action(async (path: string | undefined, _options: unknown, self: Command) => {
    const { folder } = journalFolder(path ?? settingsOf(self).stateDir);
    const { machine } = await loadManagerJournal();
    const found = checkJournal(machine, { folder });
    if (!found.ok) throw new OperatorError(EXIT.failed, found.problem, null, { ...found, folder });
    if (isJson(self)) writeJson({ folder, ...found });
    else {
      writeData(`${folder}: ${summaryText(found.summary)}\n`);
      writeData(`sound: a start reads ${found.replayed} records\n`);
    }
    for (const warning of found.warnings) tell(`note: ${warning}`);
    if (found.torn !== null)
      tell(
        `note: ${found.torn.segment} ends in ${found.torn.bytes} bytes that are no record (a write that was cut off); a start cuts them at ${found.torn.offset} and keeps a copy`,
      );
    if (found.history === null) return;
    tell(`note: older segments, which a start does not read: ${found.history}`);
    throw new Outcome(EXIT.differences);
  });
  withExamples(command, [
    ['ssmmp journal check', 'of the cluster in .ssmmp'],
    ['ssmmp journal check copies/monday', 'of any folder; -o json for programs'],
  ]);
}

function addRepair(journal: Command): void {
  const command = subcommand(
    journal,
    'repair',
    'give up everything from an offset on, in the segment that `check` refuses and those behind it; copies stay',
  );
  command.requiredOption('--at <offset>', 'the offset that `check` names, and no other', offset);
  command.action(async (path: string | undefined, options: { at: number }, self: Command) => {
    const { folder, stateDir } = journalFolder(path ?? settingsOf(self).stateDir);
    const { machine, lock } = await loadManagerJournal();
    const taken = lock(stateDir);
    if (!taken.ok) throw new OperatorError(EXIT.failed, taken.problem);
    try {
      const { ok, sentence } = repairJournal(machine, { folder }, options.at);
      if (!ok) throw new OperatorError(EXIT.failed, sentence);
      if (isJson(self)) writeJson({ folder, offset: options.at, sentence });
      else writeData(`${sentence}\n`);
    } finally {
      taken.release();
    }
  });
  withExamples(command, [['ssmmp journal repair --at 4711', 'offset 4711, as the refused start said']]);
}

function addReplay(journal: Command): void {
  const command = subcommand(
    journal,
    'replay',
    'step through every record that is kept: effects and states must be the recorded ones',
  );
  command.action(async (path: string | undefined, _options: unknown, self: Command) => {
    const { folder } = journalFolder(path ?? settingsOf(self).stateDir);
    const { machine } = await loadManagerJournal();
    const found = replayJournal(machine, { folder });
    if (!found.ok) throw new OperatorError(EXIT.differences, found.problem, null, { folder });
    if (isJson(self)) writeJson({ folder, ...found });
    else {
      writeData(`${folder}: ${summaryText(found.summary)}\n`);
      writeData(`${found.records} records replayed with the effects that were recorded; state ${found.stateHash}\n`);
    }
  });
  withExamples(command, [
    ['ssmmp journal replay', 'of the cluster in .ssmmp, also while it runs'],
    ['ssmmp journal replay test/journals/scale-migrate-drain', 'of a recorded one'],
  ]);
}

function addShow(journal: Command): void {
  const command = subcommand(journal, 'show', 'one record, and what the Manager knew just after it');
  command.requiredOption('--at <record>', 'the number of a record', offset);
  command.action(async (path: string | undefined, options: { at: number }, self: Command) => {
    const { folder } = journalFolder(path ?? settingsOf(self).stateDir);
    const { machine, lists } = await loadManagerJournal();
    const found = travelTo(machine, { folder }, options.at);
    if (!found.ok) throw new OperatorError(EXIT.failed, found.problem);
    const rows = lists(found.state);
    if (isJson(self)) return writeJson({ record: found.record, ...rows });
    const style = styleFor(process.stdout);
    if (found.record !== null) writeData(recordText(found.record as unknown as JournalRecordData, style));
    for (const kind of LISTS) writeData(`\n${renderList(kind, rows[kind], 'table', style)}`);
  });
  withExamples(command, [
    ['ssmmp journal show --at 120', 'the tables of `ssmmp get`, as they were'],
    ['ssmmp journal show --at 120 -o json', 'for programs'],
  ]);
}

function subcommand(journal: Command, name: string, description: string): Command {
  return journal
    .command(name)
    .description(description)
    .argument('[dir]', 'a journal folder or a state directory (default: that of the cluster)');
}

function offset(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a whole number.');
}

function summaryText({ segments, bytes, firstRecord, lastRecord, lastAt }: JournalSummary): string {
  const parts = segments === 1 ? '1 segment' : `${segments} segments`;
  return `${parts}, ${(bytes / 1024).toFixed(0)} KiB, records ${firstRecord} to ${lastRecord}, until ${lastAt}`;
}

function isJson(command: Command): boolean {
  return settingsOf(command).output === 'json';
}

function writeJson(value: unknown): void {
  writeData(`${JSON.stringify(value, null, 2)}\n`);
}
