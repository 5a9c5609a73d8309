/**
 * Recording an instance's machine, where somebody asked for it (SSMMP_RECORD_DIR).
 *
 * Lives here: a journal that is only written. Does not live here: reading it back; it is an ordinary journal folder
 * (ssmmp/shell/journal-recovery.ts), one segment long. Nothing is flushed: an instance does not come back.
 */
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { JournalHeader } from '../../../ssmmp/machine/journal.ts';
import type { Stamped } from '../../../ssmmp/machine/machine.ts';
import type { JournalWriter } from '../../../ssmmp/shell/driver.ts';
import { asciiJson, lineBytes, writeLine } from '../../../ssmmp/shell/journal-line.ts';
import { segmentName } from '../../../ssmmp/shell/journal-segments.ts';
import type { InstanceSettings } from '../core/arguments.ts';
import { initialState, saveState } from '../core/state.ts';
import { instanceMachine } from '../core/step.ts';

/** A recording stops here, in bytes. */
export const RECORDING_BYTES_MAX = 256 * 1024 * 1024;

/** Begins the recording of an instance in a folder of its own, `<service>-<id>-<pid>`. Throws where the disk does. */
export function startRecording(folder: string, settings: InstanceSettings, now: number): JournalWriter {
  const own = join(folder, `${settings.serviceName}-${settings.instanceId}-${process.pid}`);
  mkdirSync(own, { recursive: true, mode: 0o700 });
  const fd = openSync(join(own, segmentName(1)), 'wx', 0o600);
  process.once('exit', () => closeSync(fd));
  const header: JournalHeader = {
    format: 'ssmmp-journal',
    formatVersion: 1,
    machine: instanceMachine.name,
    machineVersion: instanceMachine.version,
    firstRecord: 1,
    at: now,
    mark: { service: settings.serviceName, instance: settings.instanceId },
    state: saveState(initialState(settings)),
  };
  let waiting = [asciiJson(header)];
  let n = 0;
  let bytes = 0;
  return {
    append(input: Stamped, effects: readonly unknown[]): void {
      n += 1;
      if (bytes < RECORDING_BYTES_MAX) waiting.push(asciiJson({ n, in: input, out: effects }));
    },
    commit(): undefined {
      const lines = waiting;
      waiting = [];
      if (lines.length === 0) return;
      const buffer = Buffer.allocUnsafe(lines.reduce((sum, line) => sum + lineBytes(line), 0));
      let end = 0;
      for (const line of lines) end = writeLine(buffer, end, line);
      for (let from = 0; from < end;) from += writeSync(fd, buffer, from, end - from);
      bytes += end;
    },
  };
}
