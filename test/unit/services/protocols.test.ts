/** Both sides of every edge's protocol agree, whatever the fields hold; and framing does not care how text is cut. */
import { expect } from 'chai';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { LineSplitter } from '../../../services/api-gateway/core/lines.ts';
import { readAnswer, statusOf } from '../../../services/protocols/answer.ts';
import * as file from '../../../services/protocols/file.ts';
import { formatLine, parseLine, type LineMessage } from '../../../services/protocols/line.ts';
import * as login from '../../../services/protocols/login.ts';
import * as post from '../../../services/protocols/post.ts';
import * as registration from '../../../services/protocols/registration.ts';
import { formatToken, parseToken, tokenBody } from '../../../services/protocols/token.ts';
import { errorRest, okRest } from '../../../services/protocols/user.ts';
import * as users from '../../../services/protocols/users.ts';

const text = fc.string({ unit: 'binary' });
const number = fc.maxSafeNat();
const operationId = fc.stringMatching(/^[A-Za-z0-9-]{8,64}$/);
const base64 = fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('base64'));
const tokenId = fc.stringMatching(/^[A-Za-z0-9_-]{22}$/);

/** Writes, sends as a line, reads. */
function agree<T>(fields: fc.Arbitrary<T>, encode: (value: T) => string, decode: (rest: string) => T | string): void {
  fc.assert(
    fc.property(fields, (value) => {
      const line = formatLine('a_request', 1, encode(value));
      expect(line).to.match(/^[\x20-\x7e]*$/);
      expect(decode((parseLine(line) as LineMessage).rest)).to.deep.equal(value);
    }),
  );
}

/** Whatever comes, a decoder answers with a request or a sentence. */
function neverThrows(decode: (rest: string) => unknown): void {
  fc.assert(fc.property(fc.string(), (rest) => void decode(rest)));
  const lines = fc.array(fc.constantFrom('User', 'Operation_id', 'Size', 'Offset', 'Text', 'Data', 'Upload', 'Since'));
  fc.assert(
    fc.property(lines, fc.string(), (names, contents) => {
      decode(names.map((name) => ` ~ ${name}: ${contents}`).join(''));
    }),
  );
}

describe('protocols of the edges', () => {
  it('registration and login', () => {
    const fields = { user: text, password: text };
    agree(fc.record({ ...fields, operationId }), registration.encodeRegistration, registration.decodeRegistration);
    agree(fc.record(fields), login.encodeLogin, login.decodeLogin);
    neverThrows(registration.decodeRegistration);
    neverThrows(login.decodeLogin);
  });

  it('post', () => {
    agree(fc.record({ user: text, operationId, text }), post.encodeSendPost, post.decodeSendPost);
    neverThrows(post.decodeSendPost);
  });

  it('file', () => {
    const sha256 = fc.stringMatching(/^[0-9a-f]{64}$/);
    const begin = fc.record({ user: text, operationId, name: text, sizeBytes: number, sha256 });
    agree(begin, file.encodeSendFileBegin, file.decodeSendFileBegin);
    const chunk = fc.record({ user: text, uploadId: text, offset: number, data: base64 });
    agree(chunk, file.encodeSendFileChunk, file.decodeSendFileChunk);
    agree(fc.record({ user: text, operationId, uploadId: text }), file.encodeSendFileEnd, file.decodeSendFileEnd);
    const get = fc.record({ user: text, name: text, offset: number, mostBytes: number });
    agree(get, file.encodeGetFile, file.decodeGetFile);
    agree(fc.record({ user: text, after: text }), file.encodeListFiles, file.decodeListFiles);
    for (const decode of [file.decodeSendFileBegin, file.decodeSendFileChunk, file.decodeSendFileEnd]) {
      neverThrows(decode);
    }
    for (const decode of [file.decodeGetFile, file.decodeListFiles, file.uploadOfChunk]) neverThrows(decode);
  });

  it('users', () => {
    const register = fc.record({ user: text, operationId, passwordHash: text });
    agree(register, users.encodeRegisterUser, users.decodeRegisterUser);
    agree(fc.record({ user: text }), users.encodeBeginLogin, users.decodeBeginLogin);
    const end = fc.record({ user: text, attempt: text, succeeded: fc.boolean() });
    agree(end, users.encodeEndLogin, users.decodeEndLogin);
    const revoke = fc.record({ user: text, operationId, tokenId, expiresMs: number });
    agree(revoke, users.encodeRevokeToken, users.decodeRevokeToken);
    agree(fc.record({ since: number }), users.encodeRevokedSince, users.decodeRevokedSince);
    const begun = fc.record({ user: text, passwordHash: text, attempt: text });
    agree(begun, users.encodeLoginBegun, (rest) => users.decodeLoginBegun(readAnswer(rest)) ?? 'unreadable');
    const tokens = fc.array(fc.record({ tokenId, expiresMs: number }));
    const revoked = fc.record({ upTo: number, more: fc.boolean(), tokens });
    agree(revoked, users.encodeRevoked, (rest) => users.decodeRevoked(readAnswer(rest)) ?? 'unreadable');
  });

  it('answers: the status is found without reading the rest', () => {
    expect(statusOf(okRest(['a']))).to.equal(200);
    expect(statusOf(errorRest(503, 'sentence', 7))).to.equal(503);
    expect(readAnswer(errorRest(503, 'a sentence', 7))).to.deep.equal({ status: 503, lines: ['a sentence', '7'] });
    for (const rest of ['', ' ~ Status: x', ' ~ Status: 2e1', ' ~ Line_3: a', 'Status: 200']) {
      expect(statusOf(rest), rest).to.equal(0);
      expect(readAnswer(rest).status, rest).to.equal(500);
    }
  });

  it('tokens', () => {
    const user = fc.stringMatching(/^[A-Za-z0-9_.-]{3,32}$/);
    const expiresMs = fc.integer({ min: 1_700_000_000_000, max: 9_000_000_000_000 });
    const signature = fc.stringMatching(/^[A-Za-z0-9_-]{43}$/);
    fc.assert(
      fc.property(fc.record({ expiresMs, tokenId, user }), signature, (claims, signed) => {
        const body = tokenBody(claims);
        expect(parseToken(formatToken(signed, body))).to.deep.equal({ ...claims, signature: signed, body });
      }),
    );
    fc.assert(fc.property(fc.string(), (token) => parseToken(token) === null));
  });
});

describe('LineSplitter', () => {
  const LENGTH_MAX = 8;
  const pieces = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '\n'), maxLength: 30 }), { maxLength: 12 });

  function split(parts: readonly string[]): string[] {
    const splitter = new LineSplitter(LENGTH_MAX);
    const found: string[] = [];
    for (const part of parts) {
      splitter.feed(part);
      found.push(...taken(splitter));
      expect(splitter.heldLength).to.be.at.most(LENGTH_MAX);
    }
    return found;
  }

  function* taken(splitter: LineSplitter): Generator<string> {
    for (let line = splitter.next(); line !== null; line = splitter.next())
      yield typeof line === 'string' ? line : `too long ${line.head.slice(0, LENGTH_MAX)}`;
  }

  it('finds the same lines whole, in pieces and character by character', () => {
    fc.assert(
      fc.property(pieces, (parts) => {
        const all = parts.join('');
        const lines = all.split('\n');
        const last = lines.pop()!;
        const expected = lines.map((line) =>
          line.length > LENGTH_MAX ? `too long ${line.slice(0, LENGTH_MAX)}` : line,
        );
        if (last.length > LENGTH_MAX) expected.push(`too long ${last.slice(0, LENGTH_MAX)}`);
        for (const cut of [[all], parts, [...all]]) expect(split(cut)).to.deep.equal(expected);
      }),
    );
  });

  it('looks for a line only when it is asked for one, and keeps the rest as it came', () => {
    fc.assert(
      fc.property(pieces, (parts) => {
        const lazy = new LineSplitter(LENGTH_MAX);
        const found: string[] = [];
        for (const part of parts) {
          lazy.feed(part);
          const line = taken(lazy).next();
          if (line.done !== true) found.push(line.value);
        }
        found.push(...taken(lazy));
        expect(found).to.deep.equal(split([parts.join('')]));
      }),
    );
  });

  it('keeps nothing of what came before half a line', () => {
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc') as () => void;
    const splitters = Array.from({ length: 400 }, () => new LineSplitter(100));
    gc();
    const before = process.memoryUsage().heapUsed;
    for (const [at, splitter] of splitters.entries()) {
      splitter.feed(`${String(at).padEnd(64 * 1024, 'x')}\nand half a line behind it`);
      Array.from(taken(splitter));
    }
    gc();
    expect(splitters.every(({ isInLine }) => isInLine)).to.equal(true);
    expect(process.memoryUsage().heapUsed - before, '400 slices of 64 KiB').to.be.lessThan(5_000_000);
  });
});
