/**
 * piece-store: F of the BaaS that keeps pieces. Names are rows of a store, bytes are files in `pieces/`, named by a number.
 *
 * Lives here: that. Does not live here: how fast it is, what it writes down about chunks (piece-store.ts), its protocol (pieces.ts).
 *
 * It answers when what it says is on disk. What concerns one name is done one after the other; names do not wait for each other.
 */
import { createHash, randomUUID } from 'node:crypto';
import { promises } from 'node:fs';
import { join } from 'node:path';
import type {
  LineMessage,
  Reply,
  ServiceContext,
  ServiceDefinition,
  SessionInfo,
} from '../../../services/kit/service.ts';
import { FieldsReader } from '../../../services/protocols/fields.ts';
import { encodePart, joinParts, responseTypeOf } from '../../../services/protocols/line.ts';
import { errorRest, okRest, okRestOfRaw } from '../../../services/protocols/user.ts';
import { makeFolder } from '../../../services/store/disk.ts';
import { dataDirOf, openStore } from '../../../services/store/open.ts';
import { storeRefusal } from '../../../services/store/operations.ts';
import type { Row, Store } from '../../../services/store/store.ts';
import * as protocol from './pieces.ts';

/** `key` is the name. */
interface NameRow extends Row {
  readonly file: string;
  readonly about: string;
  readonly time: string;
}

/** One append_request, as whoever looks on sees it. */
export interface AppendSeen {
  readonly name: string;
  /** How many bytes the piece had. */
  readonly offset: number;
  readonly bytes: number;
  readonly added: boolean;
  readonly session: SessionInfo;
}

/** What may happen around an append: before it, and between the disk and the answer. */
export interface Around {
  readonly before?: (append: { readonly name: string; readonly end: number }) => Promise<void>;
  readonly after?: (seen: AppendSeen) => Promise<void>;
}

const NAMES = 'names';

export function create(context: ServiceContext, around: Around = {}): ServiceDefinition {
  let store: Store;
  const folder = join(dataDirOf(context), 'pieces');
  const lengths = new Map<string, number>();
  const digests = new Map<string, { length: number; sha256: string }>();
  /** What is under way, by name. */
  const last = new Map<string, Promise<string>>();

  const row = (name: string): NameRow | undefined => store.table<NameRow>(NAMES).get(name);
  const put = (changed: NameRow): Promise<void> => store.commit([{ table: NAMES, put: changed }]);
  const none = (name: string): string => errorRest(404, `there is no piece ${name.slice(0, 64)}`);

  async function lengthOf(file: string): Promise<number> {
    const known = lengths.get(file);
    if (known !== undefined) return known;
    const found = await promises.stat(join(folder, file)).then(
      ({ size }) => size,
      () => 0,
    );
    lengths.set(file, found);
    return found;
  }

  async function append(name: string, at: string, data: string, session: SessionInfo): Promise<string> {
    const bytes = Buffer.from(data, 'base64');
    const named = row(name);
    if (named === undefined) return none(name);
    await around.before?.({ name, end: (await lengthOf(named.file)) + bytes.length });
    const offset = await lengthOf(named.file);
    const added = at === 'any' || at === String(offset);
    if (added) {
      const handle = await promises.open(join(folder, named.file), 'a');
      await handle.write(bytes);
      await handle.datasync();
      await handle.close();
      lengths.set(named.file, offset + bytes.length);
    }
    await around.after?.({ name, offset, bytes: bytes.length, added, session });
    if (added) return okRest([String(offset + bytes.length)]);
    return errorRest(409, `the piece has ${offset} bytes and not ${at}: nothing was added`, offset);
  }

  async function look(name: string): Promise<string> {
    const named = row(name);
    if (named === undefined) return none(name);
    const length = await lengthOf(named.file);
    let known = digests.get(named.file);
    if (known?.length !== length) {
      const bytes = length === 0 ? Buffer.alloc(0) : await promises.readFile(join(folder, named.file));
      known = { length, sha256: createHash('sha256').update(bytes).digest('hex') };
      digests.set(named.file, known);
    }
    return okRest([String(length), known.sha256, named.about]);
  }

  async function read(name: string, offset: number, most: number): Promise<string> {
    const named = row(name);
    if (named === undefined) return none(name);
    const length = Math.max(0, Math.min(most, (await lengthOf(named.file)) - offset));
    if (length === 0) return okRestOfRaw(['']);
    const handle = await promises.open(join(folder, named.file), 'r');
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, offset);
    await handle.close();
    return okRestOfRaw([buffer.subarray(0, bytesRead).toString('base64')]);
  }

  async function names(prefix: string): Promise<string> {
    const lines: string[] = [];
    for (const { key, file, time } of [...store.table<NameRow>(NAMES).values()])
      if (key.startsWith(prefix)) lines.push(joinParts([key, String(await lengthOf(file)), time]));
    return okRestOfRaw(lines);
  }

  async function act({ type, rest }: LineMessage, fields: FieldsReader, session: SessionInfo): Promise<string> {
    const name = fields.text('Name');
    switch (type) {
      case protocol.OPEN_REQUEST: {
        const known = row(name);
        const time = new Date(context.now()).toISOString();
        if (known === undefined) await put({ key: name, file: randomUUID(), about: fields.text('About'), time });
        return okRest([String(await lengthOf(row(name)?.file ?? ''))]);
      }
      case protocol.APPEND_REQUEST:
        return await append(name, fields.raw('At'), fields.raw('Data'), session);
      case protocol.LOOK_REQUEST:
        return await look(name);
      case protocol.READ_REQUEST:
        return await read(name, fields.number('Offset'), fields.number('Most'));
      case protocol.LINK_REQUEST: {
        const [as, known] = [fields.text('As'), row(name)];
        if (known === undefined) return none(name);
        await put({ ...known, key: as });
        return okRest();
      }
      case protocol.DROP_REQUEST:
        if (row(name) !== undefined) await store.commit([{ table: NAMES, remove: name }]);
        return okRest();
      default:
        return errorRest(400, `unknown Type on pieces-socket: ${type.slice(0, 64)} (${encodePart(rest.slice(0, 64))})`);
    }
  }

  async function answerTo(request: LineMessage, session: SessionInfo): Promise<string> {
    const fields = new FieldsReader(request.rest);
    if (request.type === protocol.NAMES_REQUEST) return await names(fields.text('Prefix'));
    const name = fields.text('Name');
    if (fields.problem !== null) return errorRest(400, fields.problem);
    const before = last.get(name) ?? Promise.resolve('');
    const mine = before
      .then(() => act(request, fields, session))
      .catch((error: unknown) => storeRefusal(error, context.serviceName));
    last.set(name, mine);
    const answer = await mine;
    if (last.get(name) === mine) last.delete(name);
    return fields.problem === null ? answer : errorRest(400, fields.problem);
  }

  return {
    async start() {
      makeFolder(folder);
      store = await openStore(context);
    },
    sockets: {
      'pieces-socket': async (request, session): Promise<Reply> => ({
        type: responseTypeOf(request.type),
        rest: await answerTo(request, session),
      }),
    },
    stop: () => store.close(),
  };
}
