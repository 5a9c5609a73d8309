/** `ssmmp journal` on a recorded journal: no cluster is needed. The words are those of docs/journal.md. */
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { managerMachine } from '../../manager/core/step.ts';
import { asciiJson, lineBytes, readLine, writeLine } from '../../ssmmp/shell/journal-line.ts';
import { run, type Ran } from './cluster.ts';

const RECORDED = fileURLToPath(
  new URL(`../journals/manager-${managerMachine.version}/scale-migrate-drain`, import.meta.url),
);

describe('ssmmp journal', function () {
  this.timeout(30_000);
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ssmmp-journal-'));
    cpSync(RECORDED, folder, { recursive: true });
    file = join(folder, readdirSync(folder).find((name) => name.startsWith('journal-')) as string);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const journal = (...args: string[]): Promise<Ran> => run('ssmmp', ['journal', ...args, folder]);

  it('check, replay and show: sound, the same again, and what was known at a record', async () => {
    const { records, stateHash } = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as {
      records: number;
      stateHash: string;
    };
    const check = await journal('check');
    expect(check).to.include({ code: 0, err: '' });
    expect(check.out).to.include(`records 1 to ${records}`).and.to.include(`sound: a start reads ${records} records`);
    expect((await journal('replay')).out).to.include(
      `${records} records replayed with the effects that were recorded; state ${stateHash}`,
    );
    const show = await journal('show', '--at', '120');
    expect(show.out).to.match(/^record 120 {2}\d\d:.*\n< .*[^]*\nNODE +ADDRESS +STATUS\n1 +127\.0\.76\.11 +registered/);
    const data = JSON.parse((await journal('show', '--at', '120', '-o', 'json')).out) as Record<string, unknown>;
    expect(data).to.have.all.keys('record', 'nodes', 'services', 'instances', 'sessions', 'gateways');
    expect((await journal('show', '--at', String(records + 1))).err).to.equal(
      `ssmmp: the journal ends at record ${records}\n`,
    );
  });

  it('a damaged one is refused with the command that repairs it, and that command does', async () => {
    const bytes = readFileSync(file);
    const at = bytes.length >> 1;
    bytes[at] = (bytes[at] as number) ^ 1;
    writeFileSync(file, bytes);
    const { code, err } = await journal('check');
    expect(code).to.equal(1);
    const offset = /ssmmp journal repair --at (\d+) /.exec(err)?.[1] ?? '';
    expect(Number(offset)).to.be.within(1, at);
    expect((await journal('repair', '--at', '5')).err).to.include('nothing was changed');
    expect(await journal('repair', '--at', offset)).to.include({ code: 0, err: '' });
    expect((await journal('check')).out).to.include('sound:');
  });

  it('a replay that differs is told with its record, exit 2', async () => {
    // An effect that no Manager would have had, with a sound checksum: what an older, wrong version might have left.
    const bytes = readFileSync(file);
    const from = bytes.indexOf(10, bytes.indexOf(10) + 1) + 1;
    const end = bytes.indexOf(10, from);
    const record = JSON.parse(readLine(bytes, from, end) as string) as { n: number; out: unknown[] };
    record.out.push({ kind: 'close', connection: 9, why: 'never said' });
    const json = asciiJson(record);
    const line = Buffer.alloc(lineBytes(json));
    writeLine(line, 0, json);
    writeFileSync(file, Buffer.concat([bytes.subarray(0, from), line, bytes.subarray(end + 1)]));
    const { code, err } = await journal('replay');
    expect(code).to.equal(2);
    expect(err).to.include(`effects of record ${record.n} differ`);
    expect((await journal('check')).code).to.equal(0);
  });

  it('a folder without a journal is named', async () => {
    const { code, err } = await run('ssmmp', ['journal', 'check', tmpdir() + '/nothing-here']);
    expect(code).to.equal(1);
    expect(err).to.include('holds no journal: expected a folder with files journal-<number>.jsonl');
  });
});
