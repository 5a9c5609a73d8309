/**
 * Instances of the student's file-transfer and a piece-store, in one process and without a mesh: for checks of an instant.
 *
 * Lives here: making them, asking them. Does not live here: what is asked and expected (scenarios.ts).
 *
 * Theory. Each instance is the module loaded anew, so what it keeps in variables ends with it, as it does with a process. The
 * store is the lab's own, on a disk; a scenario may have it refuse an append, or hold one.
 */
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { PlugError } from '../../../services/kit/service.ts';
import type {
  LineMessage,
  Logger,
  Plug,
  Reply,
  ServiceContext,
  ServiceDefinition,
} from '../../../services/kit/service.ts';
import { readAnswer } from '../../../services/protocols/answer.ts';
import { create as createStore } from '../services/keep.ts';
import { APPEND_REQUEST } from '../services/pieces.ts';

/** A request that is not answered after so long never is. */
const PATIENCE_MS = 5_000;
const START_MS = 1_000;

/** What was expected and what came; told to the student. */
export class Wrong extends Error {
  readonly text: { readonly expected: string; readonly came: string; readonly remark?: string };
  constructor(expected: string, came: string, remark?: string) {
    super(expected);
    this.text = remark === undefined ? { expected, came } : { expected, came, remark };
  }
}

export interface Answered {
  readonly status: number;
  readonly lines: readonly string[];
}

const quiet: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };

function contextOf(facts: Partial<ServiceContext>): ServiceContext {
  return {
    serviceName: 'file-transfer',
    instanceId: 1,
    address: '127.0.0.1',
    dataDir: null,
    env: {},
    log: quiet,
    socketNames: [],
    plugNames: [],
    plug: (name) => {
      throw new Error(`the graph gives this service no plug '${name}'`);
    },
    orderedPlug: (name) => {
      throw new Error(`the graph gives this service no plug '${name}' without ids`);
    },
    now: () => Date.now(),
    abandon: (why) => {
      throw new Error(why);
    },
    ...facts,
  };
}

/** piece-store in this process. */
export class InnerStore {
  readonly #definition: ServiceDefinition;
  /** The next append is answered so, and not done. */
  refuseNext: string | null = null;
  /** Appends wait for this. */
  hold: Promise<void> = Promise.resolve();

  private constructor(dataDir: string) {
    const context = contextOf({ serviceName: 'piece-store', dataDir });
    this.#definition = createStore(context, { before: () => this.hold });
  }

  static async open(dataDir: string): Promise<InnerStore> {
    const store = new InnerStore(dataDir);
    await store.#definition.start?.(contextOf({}));
    return store;
  }

  async ask(type: string, rest: string): Promise<LineMessage> {
    if (type === APPEND_REQUEST && this.refuseNext !== null) {
      const refusal = this.refuseNext;
      this.refuseNext = null;
      return { type: 'append_response', id: 1, rest: refusal };
    }
    const handler = this.#definition.sockets?.['pieces-socket'];
    const reply = (await handler?.({ type, id: 1, rest }, { key: '-' }, () => undefined)) as Reply;
    return { ...reply, id: 1 };
  }

  async close(): Promise<void> {
    await this.#definition.stop?.();
  }
}

/** One instance of the student's service. */
export class InnerInstance {
  readonly #definition: ServiceDefinition;

  private constructor(definition: ServiceDefinition) {
    this.#definition = definition;
  }

  /** `program`: mine/file-transfer.ts, built. */
  static async start(program: string, store: InnerStore): Promise<InnerInstance> {
    const require = createRequire(program);
    Reflect.deleteProperty(require.cache, program);
    const { create } = require(program) as { create?: (context: ServiceContext) => ServiceDefinition };
    if (typeof create !== 'function')
      throw new Wrong('mine/file-transfer.ts exports a function `create`', `it exports ${typeof create}`);
    let hello = (): void => undefined;
    const started = new Promise<void>((resolve) => (hello = resolve));
    const plug: Plug = {
      // the kit gives no session to an instance that has not said hello
      request: async (type, rest) => {
        await started;
        return await store.ask(type, rest);
      },
      forward: (type, rest, done) => {
        void plug.request(type, rest).then(
          (response) => done(response, null),
          (error: unknown) => done(null, error instanceof PlugError ? error : new PlugError(503, String(error))),
        );
      },
    };
    const context = contextOf({
      socketNames: ['file-socket'],
      plugNames: ['pieces-plug'],
      plug: (name) => (name === 'pieces-plug' ? plug : contextOf({}).plug(name)),
    });
    const definition = create(context);
    const isStarted = await Promise.race([
      Promise.resolve(definition.start?.(context)).then(() => true),
      sleep(START_MS, false, { ref: false }),
    ]);
    if (!isStarted)
      throw new Wrong('start() ends', 'it does not: it must not wait for a plug, which works after the start only');
    hello();
    return new InnerInstance(definition);
  }

  /** Asks as the gateway does. An answer that never comes is a Wrong. */
  async ask(what: string, type: string, rest: string): Promise<Answered> {
    const answered = await Promise.race([this.#ask(type, rest), sleep(PATIENCE_MS, null, { ref: false })]);
    if (answered === null) throw new Wrong(`${what} is answered`, `nothing came in ${PATIENCE_MS / 1000} s`);
    return answered;
  }

  async #ask(type: string, rest: string): Promise<Answered> {
    const handler = this.#definition.sockets?.['file-socket'];
    if (handler === undefined) throw new Wrong('create() gives a handler for file-socket', 'it gives none');
    const text = await new Promise<string>((resolve) => {
      const failed = (error: unknown): void => resolve(` ~ Status: 500 ~ Line_3: it threw ${String(error)}`);
      try {
        const outcome = handler({ type, id: 1, rest }, { key: 'gateway' }, (_, answer) => resolve(answer));
        if (outcome !== undefined) Promise.resolve(outcome).then((reply) => resolve(reply.rest), failed);
      } catch (error) {
        failed(error);
      }
    });
    return readAnswer(text);
  }
}
