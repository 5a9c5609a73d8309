/**
 * A real journal: the Manager's own machine, its own encoder, the real writer, on a disk in memory.
 *
 * Lives here: a short life of a small cluster as inputs, writing it, and the state after each record. Does not live here:
 * damage, crashes.
 */
import { initialManager, saveManager } from '../../../manager/core/save.ts';
import { managerMachine } from '../../../manager/core/step.ts';
import type { ManagerEffect } from '../../../manager/core/effects.ts';
import type { ManagerInput } from '../../../manager/core/inputs.ts';
import type { ManagerState } from '../../../manager/core/state.ts';
import { markOf } from '../../../manager/shell/history.ts';
import { recordText } from '../../../manager/shell/record-text.ts';
import { openJournal, type OpenedJournal } from '../../../ssmmp/shell/journal-file.ts';
import { recoverJournal, type Recovery } from '../../../ssmmp/shell/journal-recovery.ts';
import type { JournalFs } from '../../../ssmmp/shell/journal-segments.ts';
import { Obedient } from '../manager/obedient.ts';

export const FOLDER = '/journal';

const TINY = `
cnapp: tiny
alias: gateway.tiny.test
services:
  gate:  {kind: gateway, public: {users: 8080}, replicas: {min: 1, max: 1}}
  front: {kind: service}
edges:
  - [gate, [front-plug, front-socket], front]
`;

/** The inputs of a life: nodes register, sessions open, a service is scaled and migrates, and so on for `rounds`. */
export function inputsOfALife(rounds: number): ManagerInput[] {
  const cluster = new Obedient(TINY);
  for (let round = 1; round <= rounds; round += 1) {
    cluster.open('gate', 'front-plug', 'front-socket', 'front');
    cluster.command(2 * round, { command: 'scale', service: 'front', replicas: 1 + (round % 2), dry_run: false });
    cluster.pass(300);
    const [front] = cluster.of('front');
    cluster.command(2 * round + 1, {
      command: 'migrate',
      instance: String(front?.id ?? 0),
      to: null,
      dry_run: false,
    });
  }
  return cluster.m.journal.map((record) => record.in);
}

/** The state after 0, 1, 2 … inputs, as text. */
export function statesAfter(inputs: readonly ManagerInput[]): string[] {
  const state = initialManager();
  const states = [textOf(state)];
  for (const input of inputs) {
    managerMachine.step(state, input);
    states.push(textOf(state));
  }
  return states;
}

export function textOf(state: ManagerState): string {
  return JSON.stringify(saveManager(state));
}

export type Opened = OpenedJournal<ManagerState, ManagerInput, ManagerEffect>;

/** Opens the Manager's journal as the Manager does. */
export function openManagerJournal(disk: JournalFs, segmentBytes?: number): Opened {
  return openJournal<ManagerState, ManagerInput, ManagerEffect>({
    folder: FOLDER,
    disk,
    machine: managerMachine,
    initial: initialManager,
    mark: markOf,
    encode: recordText,
    ...(segmentBytes === undefined ? {} : { segmentBytes }),
  });
}

/** Reads it back and changes nothing. */
export function recoverManager(disk: JournalFs): Recovery<ManagerState> {
  return recoverJournal(managerMachine, { folder: FOLDER, disk });
}

/** Steps and records inputs, `batch` of them a commit. `told` hears how many are appended and how many acknowledged. */
export async function recordInputs(
  opened: Extract<Opened, { ok: true }>,
  inputs: readonly ManagerInput[],
  batch: number,
  told: (appended: number, acknowledged: number) => void = () => {},
): Promise<void> {
  for (let from = 0; from < inputs.length; from += batch) {
    const some = inputs.slice(from, from + batch);
    for (const input of some) opened.journal.append(input, managerMachine.step(opened.state, input).effects);
    told(from + some.length, from);
    await opened.journal.commit(true);
    told(from + some.length, from + some.length);
  }
}
