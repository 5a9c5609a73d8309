/** `ssmmp get KIND`: what the Manager has. */
import { Argument } from 'commander';
import type { Command } from 'commander';
import { LIST_KINDS, liveRows } from '../core/rows.ts';
import type { ListKind, NodeRow } from '../core/rows.ts';
import { renderList } from '../core/tables.ts';
import { styleFor, tell, writeData } from '../shell/output.ts';
import { clientOf, settingsOf, withExamples } from './command.ts';

export function addGet(program: Command): void {
  const command = program
    .command('get')
    .description('list nodes, services, instances, sessions, gateways or timers')
    .addArgument(new Argument('<kind>', 'what to list').choices(LIST_KINDS))
    .option('-a, --all', 'also what is over: instances that are off, sessions that are closed', false)
    .action(async (kind: ListKind, options: { all: boolean }, self: Command) => {
      await get(kind, options.all, self);
    });
  withExamples(command, [
    ['ssmmp get instances', 'every running instance and its node'],
    ['ssmmp get sessions -o wide', 'open sessions with their KEYs'],
    ['ssmmp get services -o json', 'for programs'],
    ['ssmmp get timers', 'how long everything waits, and for what'],
    ['ssmmp get instances -o name', 'one name a line, for other commands'],
  ]);
}

async function get<K extends ListKind>(kind: K, isAll: boolean, command: Command): Promise<void> {
  const { output } = settingsOf(command);
  const rows = await clientOf(command).list(kind, isAll);
  const shown = isAll ? rows : liveRows(kind, rows);
  if (shown.length === 0 && (output === 'table' || output === 'wide')) {
    tell(isAll ? `There are no ${kind}.` : `There are no ${kind} now; --all lists those that are over too.`);
    return;
  }
  writeData(renderList(kind, shown, output, styleFor(process.stdout)));
  const held =
    kind === 'nodes' ? (shown as readonly NodeRow[]).find((row) => typeof row.held === 'string')?.held : null;
  if (held != null) tell(`held: ${held}; they return, or \`ssmmp confirm-lost\` says that they are gone`);
}
