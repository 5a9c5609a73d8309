/** `ssmmp fault hold`: freeze before a message, look at it, then deliver, drop, duplicate or reorder it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Option } from 'commander';
import type { Command } from 'commander';
import type { FaultRecord } from '../../faults/core/fault.ts';
import { DECISIONS } from '../../faults/core/wire.ts';
import type { Decision } from '../../faults/core/wire.ts';
import { isMessageType, MESSAGE_TYPES } from '../../ssmmp/core/catalog.ts';
import { didYouMean } from '../../ssmmp/core/did-you-mean.ts';
import { EXIT, OperatorError } from '../core/exit-code.ts';
import { heldText } from '../core/fault-rows.ts';
import { FrontClient } from '../shell/front-client.ts';
import { styleFor, tell, writeData } from '../shell/output.ts';
import { interruption, nodeArgument, settingsOf, wholeNumber, withExamples } from './command.ts';
import { duration, nodeOf } from './fault.ts';

/** The front is asked this often whether the message has come. */
const LOOK_MS = 50;
const NTH_MAX = 1_000_000;

interface HoldOptions {
  readonly nth: number;
  readonly type?: string;
  readonly node?: string;
  readonly from: 'manager' | 'agent';
  readonly then?: Decision;
  readonly wait: boolean;
  readonly for?: number;
}

export function addHold(fault: Command): void {
  const command = fault
    .command('hold')
    .description("freeze before the Manager's nth message from now, show it; then say what becomes of it")
    .argument('[decision]', `${DECISIONS.join(', ')}: of the message that is held`)
    .argument('[id]', 'the hold it belongs to (default: the one there is)')
    .option(
      '--nth <n>',
      'which one, counted from now; health messages count only if --type names them',
      wholeNumber(1, NTH_MAX),
      1,
    )
    .option('--type <type>', 'only messages of this type')
    .option('--node <node>', 'only on the link of this node', nodeArgument)
    .addOption(new Option('--from <end>', 'who sends it').choices(['manager', 'agent']).default('manager'))
    .addOption(new Option('--then <decision>', 'decide beforehand').choices(DECISIONS))
    .option('--no-wait', 'give the terminal back before the message has come')
    .addOption(new Option('--for <duration>', 'deliver it by itself after this time').argParser(duration))
    .action(async (decision: string | undefined, id: string | undefined, options: HoldOptions, self: Command) => {
      if (decision === undefined) await hold(options, self);
      else await decide(decision, id ?? null, self);
    });
  withExamples(command, [
    ['ssmmp fault hold --type execution_request', 'in another terminal: ssmmp scale post 2'],
    ['ssmmp fault hold duplicate', 'the agent gets it twice (R28: it starts one instance)'],
    ['ssmmp fault hold --type session_ack --from agent --then drop', 'an ack is lost (R39)'],
    ['ssmmp fault hold --nth 3 --node 2 --then reorder', 'the third message to node 2 comes after the fourth'],
  ]);
}

async function hold(options: HoldOptions, command: Command): Promise<void> {
  const settings = settingsOf(command);
  const { type } = options;
  if (type !== undefined && !isMessageType(type))
    throw new OperatorError(EXIT.usage, `no message has the type '${type}'${didYouMean(type, MESSAGE_TYPES)}`);
  const client = new FrontClient(settings);
  const armed = await client.start({
    kind: 'hold',
    node: options.node === undefined ? null : nodeOf(options.node, settings),
    from: options.from,
    type: type ?? null,
    nth: options.nth,
    then: options.then ?? null,
    forMs: options.for ?? null,
  });
  const isJson = settings.output === 'json';
  if (!options.wait) {
    writeData(isJson ? json(armed) : `${armed.id}: armed ${armed.detail}\n`);
    return;
  }
  tell(`${armed.id}: armed ${armed.detail}; waiting for it (Ctrl-C leaves it armed, ${armed.undo} disarms it)`);
  const record = await untilCaught(client, armed.id, interruption());
  if (record === null) return;
  if (isJson) writeData(json(record));
  else if (record.status === 'held') writeData(heldText(record, styleFor(process.stdout)));
  else
    writeData(
      `${record.id}: ${record.detail}\n${(record.message ?? '')
        .split(' ~ ')
        .map((line) => `  ${line}\n`)
        .join('')}`,
    );
}

/** The hold once it has its message, or is over; null when the person goes away first. */
async function untilCaught(client: FrontClient, id: string, stop: AbortSignal): Promise<FaultRecord | null> {
  for (;;) {
    const { faults, ended } = await client.list();
    const record = [...faults, ...ended].find((one) => one.id === id);
    if (record === undefined) throw new OperatorError(EXIT.failed, `${id} is gone; did \`ssmmp up\` end?`);
    if (record.status === 'held' || ended.includes(record)) return record;
    await sleep(LOOK_MS, undefined, { signal: stop }).catch(() => null);
    if (stop.aborted) return null;
  }
}

async function decide(word: string, id: string | null, command: Command): Promise<void> {
  const decision = DECISIONS.find((known) => known === word);
  if (decision === undefined)
    throw new OperatorError(EXIT.usage, `'${word}' is no decision; expected ${DECISIONS.join(', ')}`);
  const settings = settingsOf(command);
  const client = new FrontClient(settings);
  const held = (await client.list()).faults.filter(({ status }) => status === 'held');
  const chosen = id ?? (held.length === 1 ? held[0]?.id : undefined);
  if (chosen === undefined)
    throw new OperatorError(
      EXIT.failed,
      held.length === 0 ? 'no message is held' : `several are held: ${held.map((one) => one.id).join(', ')}; say which`,
    );
  const record = await client.decide({ do: 'decide', id: chosen, decision });
  const waits = record.status === 'held' ? 'goes after the next message' : record.detail;
  writeData(settings.output === 'json' ? json(record) : `${chosen}: ${waits}\n`);
}

function json(record: FaultRecord): string {
  return `${JSON.stringify(record, null, 2)}\n`;
}
