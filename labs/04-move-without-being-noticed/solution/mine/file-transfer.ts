/**
 * file-transfer: takes and gives files. It keeps nothing: where an upload stands, piece-store knows, and what the upload is, stands
 * there beside its bytes. So any instance can go on with any upload, and it does not even notice that it does.
 *
 * The store alone decides where a chunk belongs: it adds the bytes if the piece is as long as the chunk's offset says. What it
 * refuses has come too early, or a second time; the length that it has tells which.
 */
import { createHash } from 'node:crypto';
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

/** What is known of an upload from its beginning on, kept with its bytes. */
interface Upload {
  readonly name: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

const pieceOf = (user: string, uploadId: string): string => `upload/${user}/${uploadId}`;
const fileOf = (user: string, name: string): string => `file/${user}/${name}`;

const noUpload = (): string => errorRest(404, 'there is no such upload of yours');
const wrongOffset = (came: number, right: number): string =>
  errorRest(409, `the upload has ${right} bytes and not ${came}: go on from there`, right);

export function create(context: ServiceContext): ServiceDefinition {
  const pieces = new Pieces(context.plug('pieces-plug'));

  /** 200: upload id, and the offset to go on from. The same file has the same id, so who begins again goes on. */
  async function begin(rest: string): Promise<string> {
    const wanted = decodeSendFileBegin(rest);
    if (typeof wanted === 'string') return errorRest(400, wanted);
    const { user, name, sizeBytes, sha256 } = wanted;
    const upload: Upload = { name, sizeBytes, sha256 };
    const about = JSON.stringify(upload);
    const id = createHash('sha256').update(about).digest('hex');
    return okRest([id, String(await pieces.open(pieceOf(user, id), about))]);
  }

  /** 200: the offset of the next chunk. 409: the right one. */
  async function chunk(rest: string): Promise<string> {
    const sent = decodeSendFileChunk(rest);
    if (typeof sent === 'string') return errorRest(400, sent);
    const { user, uploadId, offset, data } = sent;
    const next = offset + bytesIn(data);
    const appended = await pieces.append(pieceOf(user, uploadId), offset, data);
    if (appended === null) return noUpload();
    // not added, and the piece reaches further: somebody was here before with this chunk, perhaps we ourselves
    if (appended.added || next <= appended.length) return okRest([String(next)]);
    return wrongOffset(offset, appended.length);
  }

  /** 200: the name. 409: bytes are missing. 422: they are others than was said; the upload is dropped. */
  async function end(rest: string): Promise<string> {
    const sent = decodeSendFileEnd(rest);
    if (typeof sent === 'string') return errorRest(400, sent);
    const piece = await pieces.look(pieceOf(sent.user, sent.uploadId));
    if (piece === null) return noUpload();
    const upload = JSON.parse(piece.about) as Upload;
    if (piece.length < upload.sizeBytes) return wrongOffset(upload.sizeBytes, piece.length);
    if (piece.sha256 !== upload.sha256) {
      await pieces.drop(pieceOf(sent.user, sent.uploadId));
      return errorRest(422, `the SHA-256 of what came is ${piece.sha256} and not ${upload.sha256}`);
    }
    await pieces.link(pieceOf(sent.user, sent.uploadId), fileOf(sent.user, upload.name));
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
