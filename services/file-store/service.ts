/**
 * file-store: F of the BaaS that keeps files. What the requests do is in uploads.ts and files.ts; here they are read and
 * handed over.
 */

import { join } from 'node:path';
import type { Answer, LineMessage, ServiceContext, ServiceDefinition } from '../kit/service.ts';
import * as protocol from '../protocols/files.ts';
import { responseTypeOf } from '../protocols/line.ts';
import { errorRest } from '../protocols/user.ts';
import { dataDirOf, openStore } from '../store/open.ts';
import { Operations } from '../store/operations.ts';
import type { Store } from '../store/store.ts';
import { Files } from './files.ts';
import { Parts } from './parts.ts';
import { Uploads } from './uploads.ts';

/** Where the bytes of files are, in the service's data folder. */
export const PARTS_FOLDER = 'files';

/** `open` is given by tests. */
export function create(
  context: ServiceContext,
  open: (context: ServiceContext) => Promise<Store> = openStore,
): ServiceDefinition {
  let store: Store;
  let parts: Parts;
  let files: Files;
  let uploads: Uploads;

  function handle({ type, rest }: LineMessage): Promise<string> | string {
    switch (type) {
      case protocol.STORE_CHUNK_REQUEST:
        return read(protocol.decodeStoreChunk(rest), (request) => uploads.chunk(request));
      case protocol.READ_FILE_REQUEST:
        return read(protocol.decodeReadFile(rest), (request) => files.read(request));
      case protocol.BEGIN_UPLOAD_REQUEST:
        return read(protocol.decodeBeginUpload(rest), (request) => uploads.begin(request));
      case protocol.END_UPLOAD_REQUEST:
        return read(protocol.decodeEndUpload(rest), (request) => uploads.end(request));
      case protocol.LIST_STORED_REQUEST:
        return read(protocol.decodeListStored(rest), (request) => files.list(request));
      default:
        return errorRest(400, `unknown Type '${type}' on files-socket`);
    }
  }

  return {
    async start() {
      const now = (): number => context.now();
      const { serviceName } = context;
      const warn = (sentence: string): void => context.log.warn({}, sentence);
      store = await open(context);
      parts = new Parts(join(dataDirOf(context), PARTS_FOLDER), context.instanceId);
      files = new Files(store, parts, serviceName, now);
      const operations = new Operations(store, serviceName, now);
      uploads = new Uploads({ store, operations, files, parts, serviceName, now, warn });
      await uploads.removeOrphans();
    },
    sockets: {
      'files-socket': (request: LineMessage, _session, answer: Answer) => {
        const type = responseTypeOf(request.type);
        const rest = handle(request);
        return typeof rest === 'string' ? answer(type, rest) : rest.then((text) => ({ type, rest: text }));
      },
    },
    async stop() {
      await uploads.close();
      parts.closeAll();
      await store.close();
    },
  };
}

function read<T>(decoded: T | string, act: (request: T) => Promise<string>): Promise<string> | string {
  return typeof decoded === 'string' ? errorRest(400, decoded) : act(decoded);
}
