/**
 * The whole reference CNApp in one process: the nine services, wired edge by edge as services/cnapp.yaml says, without
 * kit, agent or Manager. A plug hands a request to the handler at the other end in a later turn. Only the gateway's user
 * socket is real, so that tests speak to it as a user's client does.
 *
 * Time is a number that tests move; passwords are "hashed" by a fake unless real ones are asked for; stores are in
 * memory, on a fake disk or in a folder.
 */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { create as createFileStore } from '../../../services/file-store/service.ts';
import { create as createFileTransfer } from '../../../services/file-transfer/service.ts';
import { create as createGateway } from '../../../services/api-gateway/service.ts';
import { listenToUsers, USER_LIMITS, type UserLimits } from '../../../services/api-gateway/shell/user-socket.ts';
import { PlugError, type Plug, type ServiceContext, type ServiceDefinition } from '../../../services/kit/service.ts';
import { create as createLogin } from '../../../services/login/service.ts';
import { argon2Passwords, type Passwords } from '../../../services/password/password.ts';
import { create as createPost } from '../../../services/post/service.ts';
import { create as createPostsDb } from '../../../services/posts-db/service.ts';
import { formatLine, parseLine, type LineMessage } from '../../../services/protocols/line.ts';
import { create as createRegistration } from '../../../services/registration/service.ts';
import { openLowdbStore } from '../../../services/store/lowdb-store.ts';
import { openMemoryStore } from '../../../services/store/memory-store.ts';
import type { Store } from '../../../services/store/store.ts';
import { create as createTable } from '../../../services/table/service.ts';
import { create as createUsersDb } from '../../../services/users-db/service.ts';
import { FakeDisk } from '../store/fake-disk.ts';
import { UserClient } from './user-client.ts';

export type ServiceName =
  | 'api-gateway'
  | 'registration'
  | 'login'
  | 'post'
  | 'table'
  | 'file-transfer'
  | 'users-db'
  | 'posts-db'
  | 'file-store';

const ADDRESS = '127.0.45.1';

/** A hash that costs nothing and shows that it is none. */
export const fakePasswords: Passwords = {
  hash: (password) => Promise.resolve(`fake:${(salts += 1)}:${password}`),
  verify: (hash, password) => Promise.resolve(hash !== '' && hash.split(':').slice(2).join(':') === password),
};
let salts = 0;

export interface AppOptions {
  readonly passwords?: Passwords | 'argon2';
  /** Where files are kept, and everything else with `stores: 'folder'`. */
  readonly dataDir: string;
  readonly stores?: 'memory' | 'fake-disk' | 'folder';
}

/** Something a test does to a request on its way; answers true when the request is dealt with. */
type Interception = (service: ServiceName, request: LineMessage) => PlugError | Promise<void> | null;

export class InMemoryApp {
  nowMs = 1_800_000_000_000;
  readonly port: number;
  /** Disks of the stores, with `stores: 'fake-disk'`. */
  readonly disks = new Map<string, FakeDisk>();
  /** Every request that reached a handler: `service type`. */
  readonly handled: string[] = [];
  /** Every line that a service logged. */
  readonly logged: string[] = [];
  intercept: Interception = () => null;
  readonly #options: AppOptions;
  readonly #definitions = new Map<ServiceName, ServiceDefinition>();
  readonly #edges: readonly (readonly [string, readonly [string, string], string])[];
  #gateway: { drain(): Promise<void>; load(): { inFlight: number; requests: number } } | null = null;
  #instances = 0;

  private constructor(options: AppOptions, port: number) {
    this.#options = options;
    this.port = port;
    const graph = parse(readFileSync(new URL('../../../services/cnapp.yaml', import.meta.url), 'utf8')) as {
      edges: [string, [string, string], string][];
    };
    this.#edges = graph.edges;
  }

  static async start(options: AppOptions): Promise<InMemoryApp> {
    const app = new InMemoryApp(options, nextPort());
    const names: ServiceName[] = ['users-db', 'posts-db', 'file-store', 'registration', 'login', 'post', 'table'];
    for (const name of [...names, 'file-transfer', 'api-gateway'] as const) await app.restart(name);
    return app;
  }

  /** Puts a new instance in the place of the old one, which is left as it is: as after a kill. */
  async restart(name: ServiceName): Promise<void> {
    const context = this.#context(name, (this.#instances += 1));
    const definition = this.#create(name, context);
    await definition.start?.(context);
    this.#definitions.set(name, definition);
    if (name !== 'api-gateway') return;
    await this.#gateway?.drain();
    this.#gateway = await definition.rawSockets!['user-socket']!(context, this.port);
  }

  definition(name: ServiceName): ServiceDefinition {
    return this.#definitions.get(name)!;
  }

  gateway(): { drain(): Promise<void>; load(): { inFlight: number; requests: number } } {
    return this.#gateway!;
  }

  /** One more gateway, on a port of its own, with the same services behind it. */
  async secondGateway(limits: Partial<UserLimits> = {}): Promise<number> {
    const port = nextPort();
    const context = this.#context('api-gateway', (this.#instances += 1));
    const raw = await listenToUsers(context, port, { ...USER_LIMITS, ...limits });
    this.#others.push(() => raw.drain());
    return port;
  }
  readonly #others: (() => Promise<void>)[] = [];

  /** A request to a socket, as a plug sends it. */
  async request(service: ServiceName, socket: string, type: string, rest: string): Promise<LineMessage> {
    const message: LineMessage = { type, id: 1, rest };
    await new Promise((resolve) => setImmediate(resolve));
    const intercepted = this.intercept(service, message);
    if (intercepted instanceof PlugError) throw intercepted;
    await intercepted;
    this.handled.push(`${service} ${type}`);
    return new Promise((resolve, reject) => {
      const answer = (answerType: string, answerRest: string): void => {
        // Through the text of a line and back, as over a connection.
        const line = formatLine(answerType, 1, answerRest);
        setImmediate(() => resolve(parseLine(line) as LineMessage));
      };
      const handler = this.#definitions.get(service)!.sockets![socket]!;
      const reply = handler(message, { key: 'in memory' }, answer);
      if (reply !== undefined) Promise.resolve(reply).then((r) => answer(r.type, r.rest), reject);
    });
  }

  connect(port = this.port): Promise<UserClient> {
    return UserClient.open(ADDRESS, port);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#others.map((drain) => drain()));
    await this.#gateway?.drain();
    for (const definition of this.#definitions.values()) await definition.stop?.();
  }

  #context(serviceName: ServiceName, instanceId: number): ServiceContext {
    const log = (level: string) => (obj: object, msg: string) =>
      void this.logged.push(`${level} ${serviceName} ${msg} ${JSON.stringify(obj)}`);
    const dataDir = ['users-db', 'posts-db', 'file-store'].includes(serviceName)
      ? `${this.#options.dataDir}/${serviceName}`
      : null;
    return {
      serviceName,
      instanceId,
      address: ADDRESS,
      dataDir,
      env: {},
      log: { info: log('info'), warn: log('warn'), error: log('error') },
      socketNames: [],
      plugNames: [],
      plug: (name) => this.#plug(serviceName, name),
      orderedPlug: () => {
        throw new Error('no service of the CNApp has a plug without ids');
      },
      now: () => this.nowMs,
      abandon: (why) => void this.logged.push(`abandon ${serviceName} ${why}`),
    };
  }

  #plug(source: string, plugName: string): Plug {
    const edge = this.#edges.find(([from, [plug]]) => from === source && plug === plugName);
    if (edge === undefined) throw new Error(`${source} has no plug ${plugName}`);
    const [, [, socket], destination] = edge;
    const request: Plug['request'] = (type, rest) => this.request(destination as ServiceName, socket, type, rest);
    return {
      request,
      forward: (type, rest, done) =>
        void request(type, rest).then(
          (response) => done(response, null),
          (error: unknown) => {
            if (!(error instanceof PlugError)) throw error;
            done(null, error);
          },
        ),
    };
  }

  #create(name: ServiceName, context: ServiceContext): ServiceDefinition {
    const passwords =
      this.#options.passwords === 'argon2' ? argon2Passwords() : (this.#options.passwords ?? fakePasswords);
    const open = this.#options.stores === 'folder' ? undefined : (): Promise<Store> => this.#open(context);
    switch (name) {
      case 'api-gateway':
        return createGateway(context);
      case 'registration':
        return createRegistration(context, passwords);
      case 'login':
        return createLogin(context, passwords);
      case 'post':
        return createPost(context);
      case 'table':
        return createTable(context);
      case 'file-transfer':
        return createFileTransfer(context);
      case 'users-db':
        return createUsersDb(context, open);
      case 'posts-db':
        return createPostsDb(context, open);
      case 'file-store':
        return createFileStore(context, open);
    }
  }

  #open(context: ServiceContext): Promise<Store> {
    if (this.#options.stores !== 'fake-disk') return Promise.resolve(openMemoryStore());
    let disk = this.disks.get(context.serviceName);
    if (disk === undefined) this.disks.set(context.serviceName, (disk = new FakeDisk()));
    return openLowdbStore({ disk, epoch: context.instanceId });
  }
}

let ports = 0;

/** Ports of this file alone, on an address of these tests alone. */
function nextPort(): number {
  ports += 1;
  return 8080 + ((process.pid * 7 + ports) % 20_000);
}
