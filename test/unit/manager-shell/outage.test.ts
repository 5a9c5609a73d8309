/** A Manager whose disk takes nothing, or whose journal is gone: what it does, and how it comes back. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { pino } from 'pino';
import { RESTORED_GAP } from '../../../manager/core/start.ts';
import type { TimedEvent } from '../../../manager/shell/history.ts';
import type { ErrorBody } from '../../../manager/shell/http-replies.ts';
import { startManager } from '../../../manager/shell/manager.ts';
import { DISK_FULL_FILE } from '../../../ssmmp/shell/disk-fault.ts';
import { JournalFollower } from '../../../ssmmp/shell/journal-follower.ts';
import { lineOf, SUBNET, testGraph, TestManager, testOptions, until } from './cluster.ts';

describe('the Manager’s disk', function () {
  this.timeout(30_000);
  let cluster: TestManager;
  beforeEach(() => (cluster = new TestManager(6)));
  afterEach(() => cluster.remove());

  const events = async (): Promise<TimedEvent[]> => (await cluster.ask('/v1/events')).body;

  /** What `main.ts` does when the disk takes writes again. */
  async function startAgain(): Promise<void> {
    const outage = await (cluster.manager as NonNullable<typeof cluster.manager>).writableAgain;
    await cluster.stop();
    cluster.manager = await startManager(testOptions(cluster.address, cluster.stateDir, { timerScale: 0.2 }), {
      graph: testGraph(),
      log: pino({ level: 'silent' }),
      outage,
    });
  }

  async function fillAndEmpty(fill: () => void, empty: () => void): Promise<void> {
    await cluster.start({ timerScale: 0.2 });
    const agent = await cluster.agent(61);
    await agent.hear('execution_request');
    const known = (await events()).length;
    fill();
    await until(() => agent.isClosed, 'close of the agent’s connection');
    const ready = await cluster.ask('/readyz');
    expect(ready.status).to.equal(503);
    expect((ready.body as ErrorBody).message).to.match(/disk failed: ENOSPC.*the Manager goes on by itself/);
    expect(await cluster.ask('/v1/nodes')).to.include({ status: 200 });
    const told = (await events()).at(-1);
    expect(told?.text).to.match(/ENOSPC/);
    expect(await events()).to.have.length.at.least(known);
    empty();
    await startAgain();
    const outage = (await events()).find(({ text }) => /nothing was acknowledged for \d+ ms/.test(text));
    expect(outage?.seq, 'the event that was told has this number for ever').to.equal(told?.seq);
    const again = await cluster.agent(61);
    expect(lineOf(await again.hear('execution_request'), 'service_name')).to.equal('gate');
    await cluster.stop();
    expect((await cluster.start()).state.agents.size).to.equal(1);
  }

  it('is full on demand: reads go on, the event is told, and all goes on by itself when there is room', async () => {
    const file = (): string => join(cluster.stateDir, 'journal', DISK_FULL_FILE);
    await fillAndEmpty(
      () => writeFileSync(file(), ''),
      () => rmSync(file()),
    );
  });

  it('is really full: a small disk of its own', async function () {
    const folder = mkdtempSync(join(tmpdir(), 'ssmmp-small-disk-'));
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]);
    if (mounted.status !== 0) {
      rmSync(folder, { recursive: true });
      console.log('      skipped: a disk of its own needs Linux and root (mount -t tmpfs)');
      return this.skip();
    }
    const own = cluster;
    try {
      cluster = Object.assign(new TestManager(6), { stateDir: join(folder, 'state') });
      await fillAndEmpty(
        () => spawnSync('dd', ['if=/dev/zero', `of=${join(folder, 'fill')}`, 'bs=4096']),
        () => rmSync(join(folder, 'fill')),
      );
      await cluster.stop();
    } finally {
      await cluster.remove();
      cluster = own;
      spawnSync('umount', [folder]);
      rmSync(folder, { recursive: true });
    }
  });

  it('full at a start: readable, and waits', async () => {
    await cluster.start();
    await cluster.agent(62);
    await cluster.stop();
    writeFileSync(join(cluster.stateDir, 'journal', DISK_FULL_FILE), '');
    await cluster.start({ timerScale: 0.2 });
    expect((await cluster.ask('/readyz')).status).to.equal(503);
    expect((await cluster.ask('/v1/nodes')).body).to.have.length(1);
    rmSync(join(cluster.stateDir, 'journal', DISK_FULL_FILE));
    await startAgain();
    await cluster.agent(62);
  });

  it('R51 a journal that is lost comes back from the mirror, with a gap in all ids', async () => {
    const mirror = join(cluster.stateDir, 'mirror');
    const folder = join(cluster.stateDir, 'journal');
    const follower = new JournalFollower({ folder, mirror, tell: (sentence) => expect.fail(sentence) });
    const { state: before } = await cluster.start({ mirror });
    await cluster.agent(63);
    await until(() => before.instances.size > 0, 'an instance');
    const { nextInstanceId, nextMessageId, nextEvent } = before;
    await cluster.stop();
    await follower.stop();
    rmSync(folder, { recursive: true });
    const { state, readyLine } = await cluster.start({ mirror });
    expect(readyLine).to.contain('epoch 2');
    expect([...state.agents.keys()]).to.deep.equal([`${SUBNET}.63`]);
    expect(state.nextInstanceId).to.equal(nextInstanceId + RESTORED_GAP.instances);
    expect(state.nextMessageId).to.be.at.least(nextMessageId + RESTORED_GAP.messages);
    expect(state.nextEvent).to.be.at.least(nextEvent + RESTORED_GAP.events);
    expect((await events()).map(({ text }) => text).join()).to.match(/the state comes from .*mirror/);
    // once only: from then on the journal goes on where the mirror ends
    await cluster.stop();
    const again = await cluster.start({ mirror });
    expect(again.state.nextInstanceId).to.equal(state.nextInstanceId);
  });

  it('R51 a damaged journal gives way to a sound mirror, and is kept', async () => {
    const mirror = join(cluster.stateDir, 'mirror');
    const folder = join(cluster.stateDir, 'journal');
    const follower = new JournalFollower({ folder, mirror, tell: (sentence) => expect.fail(sentence) });
    await cluster.start({ mirror });
    await cluster.agent(64);
    await cluster.stop();
    await follower.stop();
    const path = join(folder, readdirSync(folder)[0] as string);
    const bytes = readFileSync(path);
    const second = bytes.indexOf(10, bytes.indexOf(10) + 1) + 1;
    bytes[second + 20] = (bytes[second + 20] as number) ^ 1;
    writeFileSync(path, bytes);
    const { state } = await cluster.start({ mirror });
    expect([...state.agents.keys()]).to.deep.equal([`${SUBNET}.64`]);
    expect(existsSync(`${folder}.lost-1`)).to.equal(true);
  });
});
