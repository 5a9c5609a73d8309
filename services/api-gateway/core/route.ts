/**
 * Where a user's request goes: over which plug, as which request of that edge. Pure. Whether the user may, and whether
 * the request is within the limits, was looked at before.
 */

import * as file from '../../protocols/file.ts';
import { END_UPLOAD_DEADLINE_MS } from '../../protocols/files.ts';
import { encodeLogin, LOGIN_REQUEST, LOGOUT_REQUEST } from '../../protocols/login.ts';
import { encodeSendPost, SEND_POST_REQUEST } from '../../protocols/post.ts';
import { encodeRegistration, REGISTRATION_REQUEST } from '../../protocols/registration.ts';
import { encodeLastPosts, LAST_POSTS_REQUEST } from '../../protocols/table.ts';
import type { TokenClaims } from '../../protocols/token.ts';
import type { ParsedUserRequest } from '../../protocols/user.ts';
import { encodeRevokeToken } from '../../protocols/users.ts';
import type { ChunkRequest } from './chunk.ts';

export type PlugName = 'registration-plug' | 'login-plug' | 'post-plug' | 'table-plug' | 'file-plug';

/** A request on an edge. */
export interface EdgeRequest {
  readonly plug: PlugName;
  readonly type: string;
  readonly rest: string;
  /** Requests with the same one take effect in the order sent. */
  readonly affinity?: string;
  readonly deadlineMs?: number;
}

/** A request that needs no token. */
export function routeOpen(
  request: ParsedUserRequest & { name: 'registration_request' | 'login_request' },
  operationId: string,
): EdgeRequest {
  const { user, password } = request.fields;
  if (request.name === 'login_request') {
    return { plug: 'login-plug', type: LOGIN_REQUEST, rest: encodeLogin({ user, password }) };
  }
  const rest = encodeRegistration({ user, operationId, password });
  return { plug: 'registration-plug', type: REGISTRATION_REQUEST, rest };
}

/** A request of a user whose token was checked. */
export function routeOwn(
  request: Exclude<ParsedUserRequest, { name: 'registration_request' | 'login_request' }>,
  claims: TokenClaims,
  operationId: string,
): EdgeRequest {
  const { user } = claims;
  switch (request.name) {
    case 'logout_request':
      return { plug: 'login-plug', type: LOGOUT_REQUEST, rest: encodeRevokeToken({ ...claims, operationId }) };
    case 'send_post_request': {
      const rest = encodeSendPost({ user, operationId, text: request.fields.text });
      return { plug: 'post-plug', type: SEND_POST_REQUEST, rest, affinity: user };
    }
    case 'retrieve_last_10_posts_request':
      return { plug: 'table-plug', type: LAST_POSTS_REQUEST, rest: encodeLastPosts() };
    case 'send_file_begin_request': {
      const { name, size: sizeBytes, sha256 } = request.fields;
      const rest = file.encodeSendFileBegin({ user, operationId, name, sizeBytes, sha256 });
      return { plug: 'file-plug', type: file.SEND_FILE_BEGIN_REQUEST, rest };
    }
    case 'send_file_chunk_request':
      return routeChunk(request.fields, user);
    case 'send_file_end_request': {
      const { uploadId } = request.fields;
      const rest = file.encodeSendFileEnd({ user, operationId, uploadId });
      const deadlineMs = END_UPLOAD_DEADLINE_MS;
      return { plug: 'file-plug', type: file.SEND_FILE_END_REQUEST, rest, affinity: uploadId, deadlineMs };
    }
    case 'get_file_request': {
      const { name, offset, mostBytes } = request.fields;
      const rest = file.encodeGetFile({ user, name, offset, mostBytes });
      return { plug: 'file-plug', type: file.GET_FILE_REQUEST, rest };
    }
    case 'list_files_request':
      return {
        plug: 'file-plug',
        type: file.LIST_FILES_REQUEST,
        rest: file.encodeListFiles({ user, after: request.fields.after }),
      };
  }
}

/** A chunk, from either way of reading it. */
export function routeChunk(chunk: Omit<ChunkRequest, 'token'>, user: string): EdgeRequest {
  const { uploadId, offset, data } = chunk;
  const rest = file.encodeSendFileChunk({ user, uploadId, offset, data });
  return { plug: 'file-plug', type: file.SEND_FILE_CHUNK_REQUEST, rest, affinity: uploadId };
}
