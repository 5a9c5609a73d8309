/**
 * file-transfer: F of the service that takes and gives files. Stateless: where a transfer stands, file-store knows, so
 * another instance goes on with the next chunk as if nothing had been.
 * The chunks of one upload, and its end, are passed on in the order in which they came.
 */

import type { Answer, LineMessage, ServiceContext, ServiceDefinition } from '../kit/service.ts';
import { passOn, unknownType, unreadableRest } from '../passing/pass.ts';
import {
  decodeGetFile,
  decodeListFiles,
  decodeSendFileBegin,
  decodeSendFileEnd,
  GET_FILE_REQUEST,
  LIST_FILES_REQUEST,
  SEND_FILE_BEGIN_REQUEST,
  SEND_FILE_CHUNK_REQUEST,
  SEND_FILE_END_REQUEST,
  uploadOfChunk,
} from '../protocols/file.ts';
import {
  BEGIN_UPLOAD_REQUEST,
  END_UPLOAD_DEADLINE_MS,
  END_UPLOAD_REQUEST,
  LIST_STORED_REQUEST,
  READ_FILE_REQUEST,
  STORE_CHUNK_REQUEST,
} from '../protocols/files.ts';
import { responseTypeOf } from '../protocols/line.ts';
import {
  checkFileName,
  checkFileSize,
  checkSha256,
  checkUploadId,
  problemRest,
  type UserProblem,
} from '../protocols/user.ts';

export function create(context: ServiceContext): ServiceDefinition {
  const files = context.plug('files-plug');

  function handle(request: LineMessage, answer: Answer): void {
    const { rest } = request;
    const refuse = (wrong: UserProblem | string): void =>
      answer(responseTypeOf(request.type), typeof wrong === 'string' ? unreadableRest(wrong) : problemRest(wrong));
    switch (request.type) {
      case SEND_FILE_CHUNK_REQUEST: {
        const affinity = uploadOfChunk(rest); // the one request of 43 KB: what is in it, file-store looks at once
        if (affinity === '') return refuse('the line Upload is missing');
        return passOn(files, STORE_CHUNK_REQUEST, rest, request, answer, { affinity });
      }
      case SEND_FILE_BEGIN_REQUEST: {
        const begin = decodeSendFileBegin(rest);
        if (typeof begin === 'string') return refuse(begin);
        const wrong = checkFileName(begin.name) ?? checkFileSize(begin.sizeBytes) ?? checkSha256(begin.sha256);
        if (wrong !== null) return refuse(wrong);
        return passOn(files, BEGIN_UPLOAD_REQUEST, rest, request, answer);
      }
      case SEND_FILE_END_REQUEST: {
        const end = decodeSendFileEnd(rest);
        if (typeof end === 'string') return refuse(end);
        const wrong = checkUploadId(end.uploadId);
        if (wrong !== null) return refuse(wrong);
        const options = { affinity: end.uploadId, deadlineMs: END_UPLOAD_DEADLINE_MS };
        return passOn(files, END_UPLOAD_REQUEST, rest, request, answer, options);
      }
      case GET_FILE_REQUEST: {
        const get = decodeGetFile(rest);
        if (typeof get === 'string') return refuse(get);
        const wrong = checkFileName(get.name);
        if (wrong !== null) return refuse(wrong);
        return passOn(files, READ_FILE_REQUEST, rest, request, answer);
      }
      case LIST_FILES_REQUEST: {
        const list = decodeListFiles(rest);
        if (typeof list === 'string') return refuse(list);
        return passOn(files, LIST_STORED_REQUEST, rest, request, answer);
      }
      default:
        return answer(responseTypeOf(request.type), unknownType(request.type, KNOWN));
    }
  }

  return { sockets: { 'file-socket': (request, _session, answer) => handle(request, answer) } };
}

const KNOWN = [
  SEND_FILE_BEGIN_REQUEST,
  SEND_FILE_CHUNK_REQUEST,
  SEND_FILE_END_REQUEST,
  GET_FILE_REQUEST,
  LIST_FILES_REQUEST,
];
