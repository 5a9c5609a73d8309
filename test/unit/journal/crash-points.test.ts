/**
 * Every crash point of the Manager's journal: any prefix, one flipped bit in any byte, a power cut between any two calls
 * to the disk (also of a rotation, of a recovery, of a repair). The law: what comes back is the state after some number of
 * records, none that was acknowledged is missing, or the start is refused with the offset and the command that repairs.
 */
import { expect } from 'chai';
import { managerMachine } from '../../../manager/core/step.ts';
import type { ManagerInput } from '../../../manager/core/inputs.ts';
import { repairJournal } from '../../../ssmmp/shell/journal-recovery.ts';
import { segmentName } from '../../../ssmmp/shell/journal-segments.ts';
import { CrashDisk, type World } from './crash-disk.ts';
import {
  FOLDER,
  inputsOfALife,
  openManagerJournal,
  recordInputs,
  recoverManager,
  statesAfter,
  textOf,
} from './manager-journal.ts';

/** Records of the journal whose bytes are cut and flipped one by one. */
const SHORT = 20;

describe('the Manager’s journal, at every crash point', function () {
  this.timeout(60_000);
  let inputs: ManagerInput[];
  let states: string[];

  before(() => {
    inputs = inputsOfALife(12);
    states = statesAfter(inputs);
  });

  /** A journal of so many records, in one segment, or in two where the second holds the last `inSecond`. */
  const written = async (records: number, inSecond: number | null = null): Promise<World> => {
    const disk = new CrashDisk();
    const opened = openManagerJournal(disk.fs);
    if (!opened.ok) throw new Error(opened.problem);
    await recordInputs(opened, inputs.slice(0, records - (inSecond ?? 0)), 5);
    if (inSecond !== null) {
      opened.journal.begin();
      await recordInputs(opened, inputs.slice(records - inSecond, records), 5);
    }
    return disk.world();
  };

  /** Number of records that came back, or -1 when it was refused; fails when it is neither. */
  const recordsIn = (world: World, what: string): number => {
    const recovery = recoverManager(new CrashDisk(world).fs);
    if (recovery.ok) {
      const records = recovery.nextRecord - 1;
      if (recovery.state !== null && textOf(recovery.state) !== states[records])
        throw new Error(`${what}: not the state after ${records} records`);
      return records;
    }
    expect(recovery.problem, what).to.match(
      /offset \d+.*ssmmp journal repair|no segment of the journal has a sound header/s,
    );
    return -1;
  };

  const withFile = (world: World, name: string, bytes: Buffer): World => new Map(world).set(name, bytes);

  it('cut at any byte: the complete records before it', async () => {
    const world = await written(SHORT);
    const [[name, whole]] = [...world] as [[string, Buffer]];
    const headerEnd = whole.indexOf(10) + 1;
    let complete = 0;
    for (let length = headerEnd; length <= whole.length; length += 1) {
      if (length > headerEnd && whole[length - 1] === 10) complete += 1;
      expect(recordsIn(withFile(world, name, whole.subarray(0, length)), `cut at ${length}`)).to.equal(complete);
    }
    expect(complete).to.equal(SHORT);
  });

  for (const inSecond of [null, 0, 1, 2])
    it(`one flipped bit in any byte, ${inSecond === null ? 'one segment' : `two segments, ${inSecond} records in the newest`}`, async () => {
      const world = await written(SHORT, inSecond);
      const name = [...world.keys()].at(-1) as string;
      const whole = world.get(name) as Buffer;
      const lastLine = whole.lastIndexOf(10, whole.length - 2) + 1;
      for (let at = 0; at < whole.length; at += 1) {
        const flipped = Buffer.from(whole);
        flipped[at] = (whole[at] as number) ^ (1 << (at % 8));
        const records = recordsIn(withFile(world, name, flipped), `byte ${at}`);
        // Only the last line looks like a torn write; a header is got around where nothing stands on its line.
        const isLast = at >= lastLine;
        const possible = isLast ? (inSecond === 0 ? [SHORT] : [SHORT - 1]) : inSecond === null ? [-1] : [-1, SHORT];
        expect(possible, `byte ${at}: ${records} records`).to.include(records);
      }
    });

  it('a power cut between any two calls of the disk: every acknowledged record, and no other state', async () => {
    const disk = new CrashDisk();
    let [appended, acknowledged, worlds, renames] = [0, 0, 0, 0];
    disk.changed = (what) => {
      if (what.startsWith('rename')) renames += 1;
      for (const world of disk.worlds()) {
        worlds += 1;
        expect(recordsIn(world, `cut after ${what}`), what).to.be.within(acknowledged, appended);
      }
    };
    const opened = openManagerJournal(disk.fs, 8_000);
    if (!opened.ok) throw new Error(opened.problem);
    await recordInputs(opened, inputs, 9, (now, done) => ([appended, acknowledged] = [now, done]));
    expect(renames, 'segments').to.be.greaterThan(2);
    expect(worlds).to.be.greaterThan(100);
  });

  it('a power cut while the journal is read back and goes on: as if it had never been', async () => {
    const whole = await written(SHORT, 4);
    const newest = segmentName(SHORT - 3);
    const bytes = whole.get(newest) as Buffer;
    const flippedHeader = Buffer.from(bytes);
    flippedHeader[30] = (bytes[30] as number) ^ 1;
    const starts: [string, World, number][] = [
      ['a torn end', withFile(whole, newest, bytes.subarray(0, bytes.length - 9)), SHORT - 1],
      ['an end of zeros', withFile(whole, newest, Buffer.concat([bytes, Buffer.alloc(99)])), SHORT],
      ['a damaged header', withFile(whole, newest, flippedHeader), SHORT],
      ['a draft', withFile(whole, `${segmentName(SHORT + 1)}.tmp`, bytes.subarray(0, 40)), SHORT],
    ];
    for (const [what, start, records] of starts) {
      const disk = new CrashDisk(start);
      const cuts: World[] = [];
      let acknowledged = 0;
      disk.changed = () => {
        if (acknowledged === 0) cuts.push(...disk.worlds());
      };
      const opened = openManagerJournal(disk.fs);
      if (!opened.ok) throw new Error(opened.problem);
      for (const world of cuts) expect(recordsIn(world, `${what}, cut again`), what).to.equal(records);
      await recordInputs(opened, inputs.slice(records, records + 5), 5, (_now, done) => (acknowledged = done));
      expect(recordsIn(disk.world(), `${what}, gone on`)).to.equal(records + 5);
    }
  });

  it('a power cut while it is repaired: the same repair again, and nothing before the damage is lost', async () => {
    const whole = await written(SHORT);
    const [[name, bytes]] = [...whole] as [[string, Buffer]];
    const lines = [...bytes.entries()].filter(([, byte]) => byte === 10).map(([at]) => at + 1);
    const offset = lines[10] as number;
    const damaged = Buffer.from(bytes);
    damaged[offset + 20] = (bytes[offset + 20] as number) ^ 2;
    const disk = new CrashDisk(withFile(whole, name, damaged));
    const cuts: World[] = [];
    disk.changed = () => cuts.push(...disk.worlds());
    expect(repairJournal(managerMachine, { folder: FOLDER, disk: disk.fs }, offset).ok).to.equal(true);
    expect(recordsIn(disk.world(), 'repaired')).to.equal(10);
    let again = 0;
    for (const world of cuts) {
      const records = recordsIn(world, 'cut in the repair');
      expect([-1, 10]).to.include(records);
      if (records === 10) continue;
      again += 1;
      const second = new CrashDisk(world);
      expect(repairJournal(managerMachine, { folder: FOLDER, disk: second.fs }, offset).ok).to.equal(true);
      expect(recordsIn(second.world(), 'repaired again')).to.equal(10);
    }
    expect(again).to.be.greaterThan(0);
  });
});
