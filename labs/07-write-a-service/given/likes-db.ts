/**
 * likes-db: a BaaS that keeps texts by key, each with a version. Given; nothing in it knows what a like is.
 *
 * It answers when what it says is on disk, and not before.
 */
import type { ServiceContext, ServiceDefinition } from '../../../services/kit/service.ts';
import { responseTypeOf } from '../../../services/protocols/line.ts';
import { errorRest, okRest } from '../../../services/protocols/user.ts';
import { openStore } from '../../../services/store/open.ts';
import { storeRefusal } from '../../../services/store/operations.ts';
import { readable } from '../../../services/store/store.ts';
import type { Row, Store } from '../../../services/store/store.ts';
import { COMMIT_REQUEST, decodeCommit, decodeRead, encodeEntries, READ_REQUEST } from './store-protocol.ts';
import type { Put } from './store-protocol.ts';

interface EntryRow extends Row {
  readonly value: string;
  readonly version: number;
}

/** What tests may do around a commit: before it, and between the disk and the answer. */
export interface Around {
  readonly before?: () => Promise<void>;
  readonly after?: () => Promise<void>;
}

export function create(context: ServiceContext, around: Around = {}): ServiceDefinition {
  let store: Store;
  const entry = (key: string): EntryRow => store.table<EntryRow>('entries').get(key) ?? { key, value: '', version: 0 };

  async function read(rest: string): Promise<string> {
    const keys = decodeRead(rest);
    if (typeof keys === 'string') return errorRest(400, keys);
    await readable(store, context.now());
    return encodeEntries(keys.map(entry));
  }

  async function commit(rest: string): Promise<string> {
    const puts = decodeCommit(rest);
    if (typeof puts === 'string') return errorRest(400, puts);
    await around.before?.();
    const other = puts.find(({ key, version }) => version !== 'any' && version !== entry(key).version);
    if (other !== undefined) {
      await readable(store, context.now()); // what it was refused for is on disk
      return errorRest(409, `${other.key} has another version than ${other.version}; nothing was changed`, other.key);
    }
    await store.commit(puts.map(({ key, value }: Put) => ({ table: 'entries', put: next(key, value) })));
    await around.after?.();
    return okRest();
  }

  const next = (key: string, value: string): EntryRow => ({ key, value, version: entry(key).version + 1 });

  return {
    async start() {
      store = await openStore(context);
    },
    sockets: {
      'store-socket': async ({ type, rest }) => {
        const answer = (text: string): { type: string; rest: string } => ({ type: responseTypeOf(type), rest: text });
        try {
          if (type === READ_REQUEST) return answer(await read(rest));
          if (type === COMMIT_REQUEST) return answer(await commit(rest));
        } catch (error) {
          return answer(storeRefusal(error, context.serviceName));
        }
        return answer(errorRest(400, `unknown Type '${type}'; known are ${READ_REQUEST} and ${COMMIT_REQUEST}`));
      },
    },
    stop: () => store.close(),
  };
}
