/**
 * Edge 5, file-plug to file-socket: api-gateway passes what a user does with files on to file-transfer. Both sides.
 * What the answers hold is in cnapp.md's table. Edge 10 has requests of the same lines: see files.ts.
 */

import { FieldsReader } from './fields.ts';
import { encodePart, restOf } from './line.ts';

export const SEND_FILE_BEGIN_REQUEST = 'send_file_begin_request';
export const SEND_FILE_CHUNK_REQUEST = 'send_file_chunk_request';
export const SEND_FILE_END_REQUEST = 'send_file_end_request';
export const GET_FILE_REQUEST = 'get_file_request';
export const LIST_FILES_REQUEST = 'list_files_request';

export interface SendFileBegin {
  readonly user: string;
  readonly operationId: string;
  readonly name: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** A chunk needs no operation id: its place in the file is one. */
export interface SendFileChunk {
  readonly user: string;
  readonly uploadId: string;
  readonly offset: number;
  /** Base64, not decoded: only the store needs the bytes. */
  readonly data: string;
}

export interface SendFileEnd {
  readonly user: string;
  readonly operationId: string;
  readonly uploadId: string;
}

export interface GetFile {
  readonly user: string;
  readonly name: string;
  readonly offset: number;
  readonly mostBytes: number;
}

export interface ListFiles {
  readonly user: string;
  /** The name to start after, '' for the first. */
  readonly after: string;
}

export function encodeSendFileBegin(begin: SendFileBegin): string {
  return restOf([
    ['User', encodePart(begin.user)],
    ['Operation_id', begin.operationId],
    ['Name', encodePart(begin.name)],
    ['Size', String(begin.sizeBytes)],
    ['Sha256', begin.sha256],
  ]);
}

export function decodeSendFileBegin(rest: string): SendFileBegin | string {
  const fields = new FieldsReader(rest);
  const begin: SendFileBegin = {
    user: fields.text('User'),
    operationId: fields.raw('Operation_id'),
    name: fields.text('Name'),
    sizeBytes: fields.number('Size'),
    sha256: fields.raw('Sha256'),
  };
  return fields.problem ?? begin;
}

export function encodeSendFileChunk(chunk: SendFileChunk): string {
  const { user, uploadId, offset, data } = chunk;
  return ` ~ User: ${encodePart(user)} ~ Upload: ${encodePart(uploadId)} ~ Offset: ${offset} ~ Data: ${data}`;
}

export function decodeSendFileChunk(rest: string): SendFileChunk | string {
  const fields = new FieldsReader(rest);
  const chunk: SendFileChunk = {
    user: fields.text('User'),
    uploadId: fields.text('Upload'),
    offset: fields.number('Offset'),
    data: fields.raw('Data'),
  };
  return fields.problem ?? chunk;
}

/** The upload of a chunk as it stands in the text, without reading the rest: for whoever only passes it on. */
export function uploadOfChunk(rest: string): string {
  const from = rest.indexOf(' ~ Upload: ');
  if (from === -1) return '';
  const start = from + ' ~ Upload: '.length;
  const end = rest.indexOf(' ~ ', start);
  return rest.slice(start, end === -1 ? rest.length : end);
}

export function encodeSendFileEnd(end: SendFileEnd): string {
  return restOf([
    ['User', encodePart(end.user)],
    ['Operation_id', end.operationId],
    ['Upload', encodePart(end.uploadId)],
  ]);
}

export function decodeSendFileEnd(rest: string): SendFileEnd | string {
  const fields = new FieldsReader(rest);
  const end: SendFileEnd = {
    user: fields.text('User'),
    operationId: fields.raw('Operation_id'),
    uploadId: fields.text('Upload'),
  };
  return fields.problem ?? end;
}

export function encodeGetFile(get: GetFile): string {
  return restOf([
    ['User', encodePart(get.user)],
    ['Name', encodePart(get.name)],
    ['Offset', String(get.offset)],
    ['Most', String(get.mostBytes)],
  ]);
}

export function decodeGetFile(rest: string): GetFile | string {
  const fields = new FieldsReader(rest);
  const get: GetFile = {
    user: fields.text('User'),
    name: fields.text('Name'),
    offset: fields.number('Offset'),
    mostBytes: fields.number('Most'),
  };
  return fields.problem ?? get;
}

export function encodeListFiles(list: ListFiles): string {
  return restOf([
    ['User', encodePart(list.user)],
    ['After', encodePart(list.after)],
  ]);
}

export function decodeListFiles(rest: string): ListFiles | string {
  const fields = new FieldsReader(rest);
  const list: ListFiles = { user: fields.text('User'), after: fields.text('After') };
  return fields.problem ?? list;
}
