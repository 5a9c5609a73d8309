/** The log of a service: pino's shape, on a stdout that may be gone or not read. */
import { EventEmitter } from 'node:events';
import { expect } from 'chai';
import { openLog, UNREAD_BYTES_MAX } from '../../../services/kit/shell/log.ts';

class Out extends EventEmitter {
  readonly lines: string[] = [];
  writableLength = 0;
  write(line: string): boolean {
    this.lines.push(line);
    return true;
  }
}

function make(): { out: Out; opened: () => number; log: ReturnType<typeof openLog> } {
  const out = new Out();
  let opened = 0;
  const log = openLog(
    { pid: 1, service: 'post', instance: 7 },
    () => 0,
    () => {
      opened += 1;
      return out as unknown as NodeJS.WriteStream;
    },
  );
  return { out, opened: () => opened, log };
}

describe('kit: log', () => {
  it('writes pino’s lines: level, time, who, the line’s own fields, msg', () => {
    const { out, log } = make();
    log.info({}, 'a "quoted" line\n');
    log.warn({ n: 1 }, 'b');
    log.error({ err: { message: 'x' } }, 'c');
    expect(out.lines).to.deep.equal([
      '{"level":30,"time":"1970-01-01T00:00:00.000Z","pid":1,"service":"post","instance":7,"msg":"a \\"quoted\\" line\\n"}\n',
      '{"level":40,"time":"1970-01-01T00:00:00.000Z","pid":1,"service":"post","instance":7,"n":1,"msg":"b"}\n',
      '{"level":50,"time":"1970-01-01T00:00:00.000Z","pid":1,"service":"post","instance":7,"err":{"message":"x"},"msg":"c"}\n',
    ]);
  });

  it('opens stdout with the first line and not before', () => {
    const { opened, log } = make();
    expect(opened()).to.equal(0);
    log.info({}, 'a');
    log.info({}, 'b');
    expect(opened()).to.equal(1);
  });

  it('survives an agent that is gone', () => {
    const { out, log } = make();
    log.info({}, 'a');
    out.emit('error', new Error('EPIPE'));
    log.info({}, 'b');
    expect(out.lines).to.have.length(1);
  });

  it('drops lines that nobody reads, and says how many', () => {
    const { out, log } = make();
    log.info({}, 'a');
    out.writableLength = UNREAD_BYTES_MAX + 1;
    log.info({}, 'b');
    log.info({}, 'c');
    out.writableLength = 0;
    log.info({}, 'd');
    expect(out.lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).to.deep.equal([
      'a',
      '2 lines were dropped: nobody read them',
      'd',
    ]);
  });
});
