// The parts of the agent's shell that need no process: command line, files, log lines, output, probes.
import { expect } from 'chai';
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { asLogLine } from '../../../agent/shell/log-line.ts';
import { readOptions, type AgentOptions } from '../../../agent/shell/options.ts';
import { Output } from '../../../agent/shell/output.ts';
import { acceptAll, takenPorts } from '../../../agent/shell/probes.ts';
import { commandOf, loadRepository } from '../../../agent/shell/repository.ts';
import { RotatingFile } from '../../../agent/shell/rotating-file.ts';
import { StateFile } from '../../../agent/shell/state-file.ts';
import { service } from './test-agent.ts';

const ADDRESS = '127.0.48.41';
const NAMES = { node: '127.0.48.11', service: 'post', instance: 5 };
let folder: string;

async function until(what: string, isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 5000;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error(`waited for ${what}`);
    await new Promise((done) => setTimeout(done, 5));
  }
}

/** Gives each test of a `describe` a folder of its own. */
function withFolder(): void {
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'ssmmp-agent-unit-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
}

describe('agent: command line', () => {
  const needed = ['--address', '127.0.0.11', '--manager', '127.0.0.1', '--repository', 'r.yaml'];
  const options = (...more: string[]): AgentOptions => readOptions([...needed, ...more], {}) as AgentOptions;

  it('has defaults for everything but address, Manager and repository', () => {
    expect(options()).to.deep.equal({
      address: '127.0.0.11',
      port: 55556,
      manager: { address: '127.0.0.1', port: 55555 },
      repositoryFile: resolve('r.yaml'),
      stateDir: resolve('.ssmmp/nodes/127.0.0.11'),
      dataDir: resolve('.ssmmp/baas'),
      strict: false,
      sharedAddress: false,
      timerScale: 1,
      timerPreset: 'lab',
    });
  });

  it('puts data beside the folder above the state directory, as in .ssmmp/nodes/1 and .ssmmp/baas', () => {
    expect(options('--state-dir', '/s/nodes/1').dataDir).to.equal(resolve('/s/baas'));
    expect(options('--state-dir', '/s/nodes/1', '--data-dir', '/d').dataDir).to.equal(resolve('/d'));
  });

  it('R15 takes IPv6 in any spelling and keeps the canonical one', () => {
    const read = readOptions(['--address', '0:0::0001', '--manager', '[::1]:5000', '--repository', 'r'], {});
    expect(read).to.deep.include({ address: '::1', manager: { address: '::1', port: 5000 } });
  });

  it('flag before environment', () => {
    expect(readOptions(needed, { SSMMP_TIMERS: 'nomad' })).to.include({ timerPreset: 'nomad' });
    expect(readOptions([...needed, '--timers', 'fast'], {})).to.match(/^timers fast: expected lab, nomad, kubernetes/);
    expect(readOptions(needed, { SSMMP_TIMER_SCALE: '3' })).to.include({ timerScale: 3 });
    expect(readOptions([...needed, '--timer-scale', '2'], { SSMMP_TIMER_SCALE: '3' })).to.include({ timerScale: 2 });
  });

  it('a shared address leaves the port open (R16)', () => {
    expect(options('--shared-address').port).to.equal(null);
    expect(options('--shared-address', '--port', '55563').port).to.equal(55563);
  });

  for (const missing of ['--address', '--manager', '--repository'])
    it(`says when ${missing} is missing`, () => {
      const at = needed.indexOf(missing);
      const rest = [...needed.slice(0, at), ...needed.slice(at + 2)];
      expect(readOptions(rest, {})).to.be.a('string').and.include(missing);
    });
});

describe('agent: log lines', () => {
  it('a JSON object passes through, named', () => {
    expect(asLogLine('{"level":30,"msg":"x"}', NAMES, 0)).to.equal(
      '{"node":"127.0.48.11","service":"post","instance":5,"level":30,"msg":"x"}',
    );
    expect(asLogLine('{}', NAMES, 0)).to.equal('{"node":"127.0.48.11","service":"post","instance":5}');
  });

  it('what names itself stays as it is', () => {
    const line = '{"node":"n","service":"s","instance":1,"msg":"x"}';
    expect(asLogLine(line, NAMES, 0)).to.equal(line);
    expect(asLogLine('{"service":"s","msg":"x"}', NAMES, 0)).to.equal(
      '{"node":"127.0.48.11","instance":5,"service":"s","msg":"x"}',
    );
  });

  for (const text of ['plain words', '[1,2]', '{not json', '"text"', 'caf\u00e9 \u001b[31m'])
    it(`${JSON.stringify(text)} becomes the msg of one`, () => {
      expect(JSON.parse(asLogLine(text, NAMES, 1000) as string)).to.deep.equal({
        level: 30,
        time: '1970-01-01T00:00:01.000Z',
        ...NAMES,
        msg: text,
      });
    });

  it('empty lines are none, CR is no part of one', () => {
    expect(asLogLine('', NAMES, 0)).to.equal(null);
    expect(asLogLine(' \r', NAMES, 0)).to.equal(null);
    expect(asLogLine('x\r', NAMES, 0)).to.include('"msg":"x"');
  });
});

describe('agent: rotating file', () => {
  withFolder();
  it('turns over at its limit and keeps one before', () => {
    const path = join(folder, 'f');
    const file = new RotatingFile(path, 100, () => undefined);
    for (let at = 0; at < 10; at += 1) {
      file.add(`${at}`.repeat(30));
      file.flush();
    }
    expect(readdirSync(folder).sort()).to.deep.equal(['f', 'f.1']);
    expect(readFileSync(path, 'utf8')).to.include('9999');
    expect(readFileSync(`${path}.1`, 'utf8').length).to.be.at.most(100);
  });

  it('goes on where it was, and writes by itself', async () => {
    const path = join(folder, 'f');
    writeFileSync(path, 'before\n');
    new RotatingFile(path, 1000, () => undefined).add('after');
    await until('the write', () => readFileSync(path, 'utf8') === 'before\nafter\n');
  });
});

describe('agent: a disk that takes nothing', () => {
  withFolder();

  it('lines are lost and told once; nobody stops because of it', () => {
    const told: string[] = [];
    const file = new RotatingFile(join(folder, 'no', 'such', 'folder'), 100, (sentence) => told.push(sentence));
    for (const line of ['one', 'two']) {
      file.add(line);
      file.flush();
    }
    expect(told).to.have.length(1);
    expect(told[0]).to.include('ENOENT');
    file.close();
  });
});

describe('agent: output of instances', () => {
  withFolder();
  let output: Output;
  let raw: number;
  const log = (): string =>
    existsSync(join(folder, 'logs', 'post-5.log')) ? readFileSync(join(folder, 'logs', 'post-5.log'), 'utf8') : '';
  const messages = (): unknown[] =>
    log()
      .split('\n')
      .filter(Boolean)
      .map((line) => (JSON.parse(line) as { msg: unknown }).msg);
  beforeEach(() => {
    output = new Output(
      folder,
      NAMES.node,
      () => 0,
      () => undefined,
    );
    raw = output.open('post-5');
    output.follow('post', 5);
  });
  afterEach(() => {
    output.close();
    closeSync(raw);
  });

  it('follows what is written, line by line, whatever the pieces', async () => {
    writeSync(raw, 'one\ntw');
    await until('the first line', () => messages().length === 1);
    writeSync(raw, 'o\n{"msg":"three"}\n');
    await until('the others', () => messages().length === 3);
    expect(messages()).to.deep.equal(['one', 'two', 'three']);
  });

  it('a character cut in two by the pieces is whole', async () => {
    const bytes = Buffer.from('caf\u00e9\n');
    writeSync(raw, bytes.subarray(0, 4));
    await new Promise((done) => setTimeout(done, 50));
    writeSync(raw, bytes.subarray(4));
    await until('the line', () => messages().length === 1);
    expect(messages()).to.deep.equal(['caf\u00e9']);
  });

  it('collects the rest at the end, a last line without LF too, and removes the raw file', () => {
    writeSync(raw, 'last words');
    output.finish('post', 5);
    expect(messages()).to.deep.equal(['last words']);
    expect(readdirSync(join(folder, 'output'))).to.deep.equal([]);
  });

  it('cuts off what it has collected once the child is quiet, and goes on', async () => {
    writeSync(raw, 'one\n');
    await until('the cut', () => readFileSync(join(folder, 'output', 'post-5')).length === 0);
    writeSync(raw, 'two\n');
    await until('the next line', () => messages().length === 2);
    expect(messages()).to.deep.equal(['one', 'two']);
  });

  it('a child that writes faster than anybody could read loses output, and the log says so', () => {
    const block = Buffer.alloc(1024 * 1024, 'x');
    for (let megabytes = 0; megabytes < 17; megabytes += 1) writeSync(raw, block);
    output.finish('post', 5);
    expect(messages()).to.have.length(1);
    expect(messages()[0]).to.match(/^17825792 bytes of output dropped/);
  });

  it('a line without end is cut into pieces', () => {
    writeSync(raw, 'x'.repeat(300_000));
    output.finish('post', 5);
    expect(
      log()
        .split('\n')
        .every((line) => line.length < 70_000),
    ).to.equal(true);
    expect(messages().join('').length).to.equal(300_000);
  });

  it('R47 what was written while there was no agent is collected by the next', () => {
    output.close();
    appendFileSync(join(folder, 'output', 'post-5'), 'meanwhile\n');
    writeFileSync(join(folder, 'output', '.spare-post-1'), 'idle\n');
    const next = new Output(
      folder,
      NAMES.node,
      () => 0,
      () => undefined,
    );
    next.collectLeft((_service, instance) => instance === 5);
    expect(messages(), 'its process lives: it is followed later').to.deep.equal([]);
    next.collectLeft(() => false);
    expect(messages()).to.deep.equal(['meanwhile']);
    expect(readdirSync(join(folder, 'output'))).to.deep.equal([]);
    next.close();
  });
});

describe('agent: state file', () => {
  withFolder();
  const state = {
    node: 'n1',
    cluster: 'c',
    epoch: 4,
    spent: [],
    instances: [
      {
        id: 5,
        service: 'post',
        pid: 77,
        startTime: '123',
        sockets: [{ socket: 'S', port: 54001 }],
        ready: true,
        mute: false,
      },
    ],
  };

  it('comes back as it was', () => {
    const file = new StateFile(join(folder, 'agent.json'));
    file.save(state);
    expect(file.load()).to.deep.equal(state);
    file.close();
  });

  it('is readable by others under the names of the specification', () => {
    const file = new StateFile(join(folder, 'agent.json'));
    file.save(state);
    const { children } = JSON.parse(readFileSync(join(folder, 'agent.json'), 'utf8')) as { children: unknown[] };
    expect(children[0]).to.deep.include({ service_name: 'post', service_instance_id: 5, pid: 77, start_time: '123' });
    file.close();
  });

  it('R47 missing, empty or broken: unknown, not none', () => {
    const path = join(folder, 'agent.json');
    for (const text of [null, '', '{"x_node":', '[]', 'null', '{"x_node":5,"children":[]}']) {
      if (text !== null) writeFileSync(path, text);
      expect(new StateFile(path).load(), String(text)).to.equal(null);
    }
  });

  it('R47 killed between its two steps, it is found all the same', () => {
    const path = join(folder, 'agent.json');
    const file = new StateFile(path);
    file.save(state);
    file.close();
    renameSync(path, `${path}.new`);
    expect(new StateFile(path).load()).to.deep.equal(state);
  });

  it('a child that cannot be one is left out', () => {
    const path = join(folder, 'agent.json');
    writeFileSync(
      path,
      JSON.stringify({
        x_node: 'n',
        children: [{ pid: 1, service_name: 'x', service_instance_id: 3 }, { pid: 'x' }, {}],
      }),
    );
    expect(new StateFile(path).load()?.instances).to.deep.equal([]);
  });
});

describe('agent: probes', () => {
  let server: Server;
  beforeEach((done) => void (server = createServer((peer) => peer.destroy()).listen(54001, ADDRESS, done)));
  afterEach((done) => void server.close(done));

  it('R21 finds the ports that somebody holds, and leaves the others free', async () => {
    expect(await takenPorts(ADDRESS, [54001, 54002, 54003])).to.deep.equal([54001]);
    expect(await takenPorts(ADDRESS, [54002])).to.deep.equal([]);
    expect(await takenPorts(ADDRESS, [])).to.deep.equal([]);
  });

  it('R21 sees one that listens on every address', async () => {
    const wide = createServer();
    await new Promise<void>((done) => wide.listen(0, '0.0.0.0', done));
    const { port } = wide.address() as AddressInfo;
    expect(await takenPorts(ADDRESS, [port])).to.deep.equal([port]);
    await new Promise((done) => wide.close(done));
  });

  it('R26 all sockets must accept', async () => {
    expect(await acceptAll(ADDRESS, [54001])).to.equal(true);
    expect(await acceptAll(ADDRESS, [54001, 54002])).to.equal(false);
  });
});

describe('agent: repository', () => {
  withFolder();
  const load = (text: string): ReturnType<typeof loadRepository> => {
    const path = join(folder, 'repository.yaml');
    writeFileSync(path, text);
    return loadRepository(path);
  };

  it('knows its folder, and runs node as the Node that runs the agent', () => {
    const repository = load('services:\n  post: {run: [node, post.js, --flag]}\n');
    if (typeof repository === 'string') throw new Error(repository);
    expect(repository.folder).to.equal(folder);
    expect(commandOf(repository.services[0]!)).to.deep.equal([process.execPath, 'post.js', '--flag']);
    expect(commandOf(service('x', { run: ['python3', 'x.py'] }))).to.deep.equal(['python3', 'x.py']);
  });

  it('says what is wrong and where', () => {
    expect(load('services: 5')).to.match(/repository\.yaml:1:\d+ /);
    expect(loadRepository(join(folder, 'nope.yaml'))).to.match(/^the repository .*nope\.yaml cannot be read: ENOENT/);
  });

  it('R07 all names must fit into a registration', () => {
    const names = Array.from({ length: 1000 }, (_, at) => `  ${'s'.repeat(50)}${at}: {run: [x]}\n`);
    expect(load(`services:\n${names.join('')}`)).to.match(/take \d+ bytes; at most 40960/);
  });
});
