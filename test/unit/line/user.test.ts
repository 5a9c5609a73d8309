/** The user protocol of cnapp.md: its table, both sides' reading and writing, its limits. */
import { expect } from 'chai';
import fc from 'fast-check';
import type { LineMessage } from '../../../services/protocols/line.ts';
import { formatLine, isLineError, parseLine } from '../../../services/protocols/line.ts';
import type { UserAnswers, UserRequestFields, UserRequestName } from '../../../services/protocols/user.ts';
import * as user from '../../../services/protocols/user.ts';

const names = Object.keys(user.USER_REQUESTS) as UserRequestName[];
const anyText = fc.string({ unit: 'binary' });

function message(type: string, id: number, rest: string): LineMessage {
  const parsed = parseLine(formatLine(type, id, rest));
  if (isLineError(parsed)) throw new Error(parsed.error);
  return parsed;
}

/** Fields for any request, from a pool of values of the right kind. */
function fieldsFor(name: UserRequestName, texts: string[], counts: number[]): UserRequestFields[UserRequestName] {
  const counted = ['size', 'offset', 'mostBytes'];
  const entries = user.USER_REQUESTS[name].lines.map((field, at) => [
    field,
    counted.includes(field) ? counts[at % counts.length] : field === 'data' ? 'AA==' : texts[at % texts.length],
  ]);
  return Object.fromEntries(entries) as UserRequestFields[UserRequestName];
}

describe('user protocol: the table', () => {
  it('has the ten requests of cnapp.md with their lines', () => {
    const rows = names.map((name) => `${name}: ${user.USER_REQUESTS[name].lines.join(' ')}`);
    expect(rows).to.deep.equal([
      'registration_request: user password',
      'login_request: user password',
      'logout_request: token',
      'send_post_request: token text',
      'retrieve_last_10_posts_request: token',
      'send_file_begin_request: token name size sha256',
      'send_file_chunk_request: token uploadId offset data',
      'send_file_end_request: token uploadId',
      'get_file_request: token name offset mostBytes',
      'list_files_request: token after',
    ]);
  });
});

describe('user protocol: requests', () => {
  it('writes the example of cnapp.md', () => {
    const rest = user.userRequest('send_post_request', { token: 'T', text: 'Hello' }, '0f2c0f2c');
    expect(formatLine('send_post_request', 30970, rest)).to.equal(
      'Type: send_post_request ~ Message_id: 30970 ~ Operation_id: 0f2c0f2c ~ Line_1: T ~ Line_2: Hello',
    );
  });

  it('property: parseUserRequest reads what userRequest wrote', () => {
    const operation = fc.stringMatching(/^[A-Za-z0-9-]{8,64}$/);
    const counts = fc.array(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), { minLength: 1, maxLength: 3 });
    const texts = fc.array(anyText, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.constantFrom(...names), texts, counts, operation, (name, someTexts, someCounts, operationId) => {
        const fields = fieldsFor(name, someTexts, someCounts);
        const parsed = user.parseUserRequest(message(name, 5, user.userRequest(name, fields, operationId)));
        if (user.isUserProblem(parsed)) throw new Error(parsed.sentence);
        const kept = user.USER_REQUESTS[name].changes ? operationId : null;
        expect(parsed).to.deep.equal({ name, id: 5, operationId: kept, fields });
      }),
    );
  });

  it('reads by name, ignores lines it does not know, and takes a missing Line_2 of list_files as empty', () => {
    const parsed = user.parseUserRequest(message('list_files_request', 5, ' ~ X: y ~ Line_9: z ~ Line_1: T'));
    expect(parsed).to.deep.equal({
      name: 'list_files_request',
      id: 5,
      operationId: null,
      fields: { token: 'T', after: '' },
    });
  });

  it('says which line is missing or unreadable, with 400', () => {
    const rows: [type: string, rest: string, pattern: RegExp][] = [
      ['login_request', ' ~ Line_1: bob', /Line_2 \(password\) is missing/],
      ['login_request', ' ~ Line_1: bob ~ Line_2: %', /Line_2 \(password\) is not percent-encoded/],
      ['login_request', ' ~ Line_1: bob ~ Line_1: bob', /stands twice/],
      [
        'send_file_chunk_request',
        ' ~ Line_1: T ~ Line_2: u ~ Line_3: -1 ~ Line_4: ',
        /Line_3 \(offset\) must be a whole/,
      ],
      ['get_file_request', ' ~ Line_1: T ~ Line_2: u ~ Line_3: 01 ~ Line_4: 1', /Line_3 \(offset\) must be a whole/],
      ['send_post_request', ' ~ Operation_id: short ~ Line_1: T ~ Line_2: x', /Operation_id must be 8 to 64/],
      ['no_such_request', '', /unknown Type 'no_such_request'/],
      ['constructor', '', /unknown Type/],
    ];
    for (const [type, rest, pattern] of rows) {
      const parsed = user.parseUserRequest(message(type, 5, rest));
      expect(parsed, rest).to.include({ status: 400 });
      expect((parsed as user.UserProblem).sentence).to.match(pattern);
    }
  });

  it('ignores even an unreadable Operation_id on login and reads', () => {
    const parsed = user.parseUserRequest(message('login_request', 5, ' ~ Operation_id: % ~ Line_1: a ~ Line_2: b'));
    expect(parsed).to.include({ operationId: null });
  });

  it('property: never throws on any rest', () => {
    const piece = fc.constantFrom(' ~ ', 'Line_1', 'Line_2', ': ', '%', 'Operation_id', 'a', '7', '%41', '\u00e9');
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.array(piece), (name, pieces) => {
        const parsed = user.parseUserRequest({ type: name, id: 1, rest: ' ~ ' + pieces.join('') });
        if (!user.isUserProblem(parsed)) user.checkUserRequest(parsed);
      }),
    );
  });
});

describe('user protocol: answers', () => {
  const samples: { [N in UserRequestName]: UserAnswers[N] } = {
    registration_request: {},
    login_request: { token: 'a.b-c' },
    logout_request: {},
    send_post_request: { postId: '17' },
    retrieve_last_10_posts_request: {
      posts: [
        { post_id: '2', user: 'bob', time: '2026-01-01T00:00:00.000Z', text: 'a, b ~ c\n\u{1f600} ' },
        { post_id: '1', user: 'eve', time: '2026-01-01T00:00:00.000Z', text: '\x1b[31m' },
      ],
    },
    send_file_begin_request: { uploadId: 'u1', offset: 32768 },
    send_file_chunk_request: { nextOffset: 65536 },
    send_file_end_request: { name: 'a, b.txt' },
    get_file_request: { data: 'AAAA', nextOffset: 3, size: 3, sha256: 'ab'.repeat(32) },
    list_files_request: { files: [{ name: 'a, b', size: 12, time: '2026-01-01T00:00:00.000Z' }] },
  };

  for (const name of names) {
    it(`${name}: the client reads what the gateway wrote`, () => {
      const type = name.replace('request', 'response');
      const answer = user.parseUserAnswer(name, message(type, 9, user.answerRest(name, samples[name])));
      expect(answer).to.deep.equal({ ok: true, status: 200, ...samples[name] });
    });
  }

  it('an error carries its sentence and, where present, data', () => {
    const full = message('send_file_chunk_response', 9, user.errorRest(409, 'wrong offset, go on at 64', 64));
    expect(full.rest).to.equal(' ~ Status: 409 ~ Line_3: wrong offset%2C go on at 64 ~ Line_4: 64');
    expect(user.parseUserAnswer('send_file_chunk_request', full)).to.deep.equal({
      ok: false,
      status: 409,
      message: 'wrong offset, go on at 64',
      data: '64',
    });
    const bare = message('error_response', 9, ' ~ Status: 400');
    expect(user.parseUserAnswer('login_request', bare)).to.deep.equal({
      ok: false,
      status: 400,
      message: user.USER_STATUSES[400],
      data: null,
    });
  });

  it('says why an answer is none', () => {
    const rows: [type: string, rest: string][] = [
      ['login_response', ' ~ Status: 200'],
      ['login_response', ' ~ Line_3: T'],
      ['login_response', ' ~ Status: 2x ~ Line_3: T'],
      ['logout_response', ' ~ Status: 200 ~ Line_3: T'],
    ];
    for (const [type, rest] of rows) {
      expect(user.parseUserAnswer('login_request', message(type, 1, rest)), rest).to.be.a('string');
    }
    const badPost = message('retrieve_last_10_posts_response', 1, ' ~ Status: 200 ~ Line_3: 1, bob, now');
    expect(user.parseUserAnswer('retrieve_last_10_posts_request', badPost)).to.match(/Line_3/);
  });
});

describe('user protocol: limits', () => {
  const fine: [check: (value: string) => unknown, value: string][] = [
    [user.checkUserName, 'bob'],
    [user.checkUserName, 'A-z_9.' + 'x'.repeat(26)],
    [user.checkPassword, '12345678'],
    [user.checkPassword, '\u{1f600}'.repeat(128)],
    [user.checkPostText, '\u0000'],
    [user.checkPostText, '\u00e9'.repeat(2048)],
    [user.checkFileName, '...'],
    [user.checkFileName, '\u20ac'.repeat(85)],
    [user.checkSha256, 'aB'.repeat(32)],
    [user.checkOperationId, 'abcdefg-'],
    [user.checkChunkData, ''],
    [user.checkChunkData, 'A'.repeat(43688) + 'AAA='],
  ];
  const wrong: [check: (value: string) => user.UserProblem | null, value: string, status: number][] = [
    [user.checkUserName, 'bo', 400],
    [user.checkUserName, 'x'.repeat(33), 400],
    [user.checkUserName, 'b\u00f6b', 400],
    [user.checkUserName, 'bob\n', 400],
    [user.checkPassword, '1234567', 400],
    [user.checkPassword, '\u{1f600}'.repeat(7), 400],
    [user.checkPassword, 'x'.repeat(129), 400],
    [user.checkPostText, '', 400],
    [user.checkPostText, '\u00e9'.repeat(2048) + 'x', 413],
    [user.checkFileName, '', 400],
    [user.checkFileName, '.', 400],
    [user.checkFileName, '..', 400],
    [user.checkFileName, '../escaped.txt', 400],
    [user.checkFileName, 'a\\b', 400],
    [user.checkFileName, 'a\u0085b', 400],
    [user.checkFileName, '\u20ac'.repeat(85) + 'x', 400],
    [user.checkSha256, 'ab'.repeat(31), 400],
    [user.checkOperationId, 'abcdefg', 400],
    [user.checkOperationId, 'a'.repeat(65), 400],
    [user.checkOperationId, 'abcd_efgh', 400],
    [user.checkChunkData, 'AA=A', 400],
    [user.checkChunkData, 'AB==', 400],
    [user.checkChunkData, 'A', 400],
    [user.checkChunkData, 'A'.repeat(43692), 413],
  ];
  it('takes values within', () => {
    for (const [check, value] of fine) expect(check(value), value.slice(0, 40)).to.equal(null);
    expect(user.checkFileSize(0)).to.equal(null);
    expect(user.checkFileSize(2 ** 31)).to.equal(null);
  });
  it('refuses values beyond, with a sentence in 7-bit ASCII', () => {
    for (const [check, value, status] of wrong) {
      const found = check(value);
      expect(found?.status, value.slice(0, 40)).to.equal(status);
      expect(found?.sentence).to.match(/^[\x20-\x7e]{10,200}$/);
    }
    expect(user.checkFileSize(2 ** 31 + 1)).to.include({ status: 413 });
  });
  it('never repeats a password', () => {
    expect(user.checkPassword('hunter2')?.sentence).not.to.contain('hunter2');
  });
  it('checkUserRequest looks at every field but leaves login to the password check (401)', () => {
    const check = <N extends UserRequestName>(name: N, fields: UserRequestFields[N]): user.UserProblem | null =>
      user.checkUserRequest(
        user.parseUserRequest(message(name, 1, user.userRequest(name, fields))) as user.ParsedUserRequest,
      );
    expect(check('registration_request', { user: 'bob', password: 'short' })).to.include({ status: 400 });
    expect(check('login_request', { user: '', password: 'short' })).to.equal(null);
    expect(check('send_post_request', { token: 'T', text: '' })).to.include({ status: 400 });
    expect(check('get_file_request', { token: 'T', name: '../x', offset: 0, mostBytes: 1 })).to.include({
      status: 400,
    });
    const begin = { token: 'T', name: 'a', size: 2 ** 31 + 1, sha256: 'ab'.repeat(32) };
    expect(check('send_file_begin_request', begin)).to.include({ status: 413 });
    expect(check('list_files_request', { token: 'T', after: '' })).to.equal(null);
  });
  it('property: utf8Bytes and base64Bytes agree with Node', () => {
    fc.assert(fc.property(anyText, (text) => expect(user.utf8Bytes(text)).to.equal(Buffer.byteLength(text)) && true));
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(user.base64Bytes(Buffer.from(bytes).toString('base64'))).to.equal(bytes.length);
      }),
    );
    fc.assert(
      fc.property(fc.stringMatching(/^[AQg1+=]{0,12}$/), (text) => {
        const isBase64 = Buffer.from(text, 'base64').toString('base64') === text;
        expect(user.base64Bytes(text) !== null, text).to.equal(isBase64);
      }),
    );
  });
});
