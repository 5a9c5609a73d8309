// The agent's trace file: what is written when, and in which order.
import { expect } from 'chai';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HEALTH_WAIT_MS_MAX, HEALTH_WAIT_MS, HEALTH_WAITING_MAX, TraceFile } from '../../../agent/shell/trace-file.ts';

describe('agent: its trace', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'ssmmp-agent-trace-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const traced = (at: number, type: string): Parameters<TraceFile['add']>[0] => ({
    kind: 'trace', at, hop: 'instance-agent', from: '127.0.0.11', to: 'post/5', exchange: `Manager/${at}`, line: `type: ${type} ~ message_id: ${at}`,
  }); // prettier-ignore
  const HEALTH = 'service_instance_health_request';

  it('health messages wait for another, for one that comes late enough, or for the end; the order is kept', () => {
    const path = join(folder, 'trace.jsonl');
    const trace = new TraceFile(path, () => undefined);
    const written = (): string[] =>
      (existsSync(path) ? readFileSync(path, 'utf8') : '')
        .split('\n')
        .filter(Boolean)
        .map((line) => (JSON.parse(line) as { exchange: string }).exchange);
    trace.add(traced(1, HEALTH));
    trace.add(traced(HEALTH_WAIT_MS, HEALTH));
    expect(written()).to.deep.equal([]);
    trace.add(traced(HEALTH_WAIT_MS + 1, HEALTH));
    expect(written()).to.deep.equal(['Manager/1', `Manager/${HEALTH_WAIT_MS}`, `Manager/${HEALTH_WAIT_MS + 1}`]);
    trace.add(traced(9001, HEALTH));
    trace.add(traced(9002, 'session_request'));
    trace.add(traced(9003, HEALTH));
    trace.close();
    expect(written().slice(3)).to.deep.equal(['Manager/9001', 'Manager/9002', 'Manager/9003']);
  });

  it('so many wait at most, and another message is not kept by them', async () => {
    const path = join(folder, 'trace.jsonl');
    const trace = new TraceFile(path, () => undefined);
    for (let count = 0; count < HEALTH_WAITING_MAX; count += 1) trace.add(traced(1, HEALTH));
    expect(readFileSync(path, 'utf8').split('\n')).to.have.length(HEALTH_WAITING_MAX + 1);
    trace.add(traced(2, HEALTH));
    trace.add(traced(3, 'session_request'));
    const deadline = performance.now() + HEALTH_WAIT_MS_MAX;
    while (!readFileSync(path, 'utf8').includes('Manager/3')) {
      expect(performance.now()).to.be.lessThan(deadline);
      await new Promise((done) => setTimeout(done, 5));
    }
    trace.close();
  });
});
