/**
 * file-transfer: takes and gives files, as the built-in one does, and keeps the bytes in piece-store. It works.
 *
 * Where each upload stands is in `uploads`. Move it while an upload is under way, and look what the next instance knows.
 */
import { randomUUID } from 'node:crypto';
import type { ServiceContext, ServiceDefinition } from 'ssmmp-lab/services/kit/service.ts';
import {
  decodeGetFile,
  decodeListFiles,
  decodeSendFileBegin,
  decodeSendFileChunk,
  decodeSendFileEnd,
  GET_FILE_REQUEST,
  LIST_FILES_REQUEST,
  SEND_FILE_BEGIN_REQUEST,
  SEND_FILE_CHUNK_REQUEST,
  SEND_FILE_END_REQUEST,
} from 'ssmmp-lab/services/protocols/file.ts';
import { errorRest, fileLine, okRest, okRestOfRaw } from 'ssmmp-lab/services/protocols/user.ts';
import { answering, bytesIn, Pieces } from 'ssmmp-lab/labs/04-move-without-being-noticed/services/pieces.ts';

interface Upload {
  readonly id: string;
  readonly user: string;
  readonly name: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** The next chunk begins here. */
  next: number;
}

const pieceOf = (user: string, uploadId: string): string => `upload/${user}/${uploadId}`;
const fileOf = (user: string, name: string): string => `file/${user}/${name}`;

const noUpload = (): string => errorRest(404, 'there is no such upload of yours');
const wrongOffset = (came: number, right: number): string =>
  errorRest(409, `the upload has ${right} bytes and not ${came}: go on from there`, right);

export function create(context: ServiceContext): ServiceDefinition {
  const pieces = new Pieces(context.plug('pieces-plug'));
  const uploads = new Map<string, Upload>();

  /** 200: upload id, and the offset to go on from. */
  async function begin(rest: string): Promise<string> {
    const wanted = decodeSendFileBegin(rest);
    if (typeof wanted === 'string') return errorRest(400, wanted);
    const { user, name, sizeBytes, sha256 } = wanted;
    for (const { id, next, ...known } of uploads.values())
      if (known.user === user && known.name === name && known.sizeBytes === sizeBytes && known.sha256 === sha256)
        return okRest([id, String(next)]);
    const id = randomUUID();
    uploads.set(id, { id, user, name, sizeBytes, sha256, next: 0 });
    await pieces.open(pieceOf(user, id), '');
    return okRest([id, '0']);
  }

  /** 200: the offset of the next chunk. 409: the right one. */
  async function chunk(rest: string): Promise<string> {
    const sent = decodeSendFileChunk(rest);
    if (typeof sent === 'string') return errorRest(400, sent);
    const { user, uploadId, offset, data } = sent;
    const upload = uploads.get(uploadId);
    if (upload === undefined || upload.user !== user) return noUpload();
    if (offset !== upload.next) return wrongOffset(offset, upload.next);
    upload.next += bytesIn(data); // at once: more chunks are on their way
    const { next } = upload;
    await pieces.append(pieceOf(user, uploadId), 'any', data);
    return okRest([String(next)]);
  }

  /** 200: the name. 409: bytes are missing. 422: they are others than was said; the upload is dropped. */
  async function end(rest: string): Promise<string> {
    const sent = decodeSendFileEnd(rest);
    if (typeof sent === 'string') return errorRest(400, sent);
    const { user, uploadId } = sent;
    const upload = uploads.get(uploadId);
    if (upload === undefined || upload.user !== user) return noUpload();
    if (upload.next !== upload.sizeBytes) return wrongOffset(upload.sizeBytes, upload.next);
    const piece = await pieces.look(pieceOf(user, uploadId));
    if (piece?.sha256 !== upload.sha256) {
      uploads.delete(uploadId);
      await pieces.drop(pieceOf(user, uploadId));
      return errorRest(422, `the SHA-256 of what came is ${piece?.sha256 ?? '-'} and not ${upload.sha256}`);
    }
    await pieces.link(pieceOf(user, uploadId), fileOf(user, upload.name));
    return okRest([upload.name]);
  }

  /** 200: data in base64, next offset, size, SHA-256. */
  async function get(rest: string): Promise<string> {
    const asked = decodeGetFile(rest);
    if (typeof asked === 'string') return errorRest(400, asked);
    const { user, name, offset, mostBytes } = asked;
    const piece = await pieces.look(fileOf(user, name));
    if (piece === null) return errorRest(404, 'you have no such file');
    const data = await pieces.read(fileOf(user, name), offset, mostBytes);
    return okRestOfRaw([data, String(offset + bytesIn(data)), String(piece.length), piece.sha256]);
  }

  /** 200: a line for each file. */
  async function list(rest: string): Promise<string> {
    const asked = decodeListFiles(rest);
    if (typeof asked === 'string') return errorRest(400, asked);
    const found = await pieces.names(fileOf(asked.user, ''));
    const files = found.map(({ name, length, time }) => {
      return { name: name.slice(fileOf(asked.user, '').length), size: length, time };
    });
    return okRestOfRaw(files.filter(({ name }) => name > asked.after).map(fileLine));
  }

  async function answerTo(type: string, rest: string): Promise<string> {
    if (type === SEND_FILE_BEGIN_REQUEST) return await begin(rest);
    if (type === SEND_FILE_CHUNK_REQUEST) return await chunk(rest);
    if (type === SEND_FILE_END_REQUEST) return await end(rest);
    if (type === GET_FILE_REQUEST) return await get(rest);
    if (type === LIST_FILES_REQUEST) return await list(rest);
    return errorRest(400, `unknown Type '${type.slice(0, 64)}'`);
  }

  return { sockets: { 'file-socket': answering(answerTo) } };
}
