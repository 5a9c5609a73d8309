/** The small pure parts of the client: visible text, gateways, completion, names of partial files, verbs. */
import { expect } from 'chai';
import fc from 'fast-check';
import { completionPoint, completions, quoted } from '../../../cli-client/core/completion.ts';
import { chooseDns, chooseGateways, formatGateway, parseGateway } from '../../../cli-client/core/gateways.ts';
import { partName } from '../../../cli-client/core/part-name.ts';
import { idJson, jsonText, postsText } from '../../../cli-client/core/render.ts';
import { VERBS } from '../../../cli-client/core/verbs.ts';
import { visible, visibleJson, visibleLines } from '../../../cli-client/core/visible.ts';
import * as shlex from 'shlex';

/** What a terminal could obey: C0, DEL, C1 but for our own newline. */
const OBEYED = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/;

describe('cnapp: visible text', () => {
  it('shows control and escape characters and what turns the writing', () => {
    expect(visible('a\x1b[31mb\r\n\t\x7f\u0000')).to.equal('a\u241b[31mb\u240d\u240a\u2409\u2421\u2400');
    expect(visible('\u009b31m \u202e \u2066 \ufeff')).to.equal('<U+009B>31m <U+202E> <U+2066> <U+FEFF>');
    expect(visible('\u{e0041}')).to.equal('<U+E0041>');
  });
  it('leaves other text as it is, joined emoji included', () => {
    const text = 'gr\u00fc\u00df \u4f60\u597d \u{1f469}\u200d\u{1f52c} ~ , %';
    expect(visible(text)).to.equal(text);
  });
  it('sets the lines of a post off from what we print', () => {
    expect(visibleLines('a\nb', '    ')).to.equal('a\u240a\n    b');
  });
  it('property: nothing that a terminal obeys goes out, in any format', () => {
    const plain = { strong: String, faint: String, good: String, bad: String };
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const posts = [{ post_id: text, user: text, time: text, text }];
        expect(visible(text)).not.to.match(OBEYED);
        expect(postsText(posts, plain)).not.to.match(OBEYED);
        expect(jsonText(posts)).not.to.match(OBEYED);
        expect(JSON.parse(visibleJson(posts))).to.deep.equal(posts);
      }),
    );
  });
  it('ids are numbers in JSON where they are exact', () => {
    expect([idJson('17'), idJson('017'), idJson('a'), idJson('99999999999999999')]).to.deep.equal([
      17,
      '017',
      'a',
      '99999999999999999',
    ]);
  });
});

describe('cnapp: which gateway', () => {
  it('reads HOST, HOST:PORT and IPv6 in brackets or bare', () => {
    const rows: [string, string][] = [
      ['127.0.0.12', '127.0.0.12:8080'],
      ['localhost:99', 'localhost:99'],
      ['[::1]:99', '[::1]:99'],
      ['[fe80::1]', '[fe80::1]:8080'],
      ['::1', '[::1]:8080'],
    ];
    for (const [text, formatted] of rows) {
      const gateway = parseGateway(text);
      if (typeof gateway === 'string') throw new Error(gateway);
      expect(formatGateway(gateway)).to.equal(formatted);
    }
    for (const text of ['', ':8080', 'a:0', 'a:65536', 'a:b', 'a b', '[::1', 'a/b', 'http://a']) {
      expect(parseGateway(text), text).to.be.a('string');
    }
  });
  it('flag before environment before the running cluster before the default', () => {
    const cluster = { path: 'c.json', text: '{"subnet":"127.0.7","gateways":[{"address":"127.0.7.11","port":8080}]}' };
    const choose = (flag: string | null, environment: string | null, hasCluster: boolean): string => {
      const choice = chooseGateways({ flag, environment, cluster: hasCluster ? cluster : null });
      return typeof choice === 'string' ? choice : choice.gateways.map(formatGateway).join(' ');
    };
    expect(choose('a:1', 'b:2', true)).to.equal('a:1');
    expect(choose(null, 'b:2, c:3', true)).to.equal('b:2 c:3');
    expect(choose(null, '', true)).to.equal('127.0.7.11:8080');
    expect(choose(null, null, false)).to.equal('127.0.0.11:8080');
    expect(choose('a:x', null, false)).to.match(/^--gateway: expected HOST/);
  });
  it('the DNS: flag before environment before the running cluster, whose is a guess', () => {
    const cluster = { path: 'c.json', text: '{"gateways":[],"dns":{"address":"127.0.7.1","port":55557}}' };
    const choose = (flag: string | null, environment: string | null, hasCluster: boolean): unknown =>
      chooseDns({ flag, environment, cluster: hasCluster ? cluster : null });
    expect(choose('127.0.8.1:53', '127.0.9.1', true)).to.deep.equal({ address: '127.0.8.1', port: 53 });
    expect(choose(null, '127.0.9.1', true)).to.deep.equal({ address: '127.0.9.1', port: 55557 });
    expect(choose('[::1]:53', null, false)).to.deep.equal({ address: '::1', port: 53 });
    expect(choose('::1', null, false)).to.deep.equal({ address: '::1', port: 55557 });
    expect(choose(null, '', true)).to.deep.equal({ address: '127.0.7.1', port: 55557, isGuess: true });
    expect(choose(null, null, false)).to.equal(null);
    for (const text of ['', 'localhost', '1:2', '127.0.0.256', '127.0.0.1:0', 'a:b'])
      expect(choose(text, null, true), text).to.match(/^--dns: expected ADDR or ADDR:PORT/);
    expect(choose(null, 'localhost', true)).to.match(/^CNAPP_DNS: expected/);
    for (const text of [
      '',
      '{',
      'null',
      '{}',
      '{"dns":1}',
      '{"dns":{"address":"x","port":1}}',
      '{"dns":{"address":1}}',
    ])
      expect(chooseDns({ flag: null, environment: null, cluster: { path: 'c.json', text } }), text).to.equal(null);
  });
  it('says what is wrong with a cluster file', () => {
    for (const text of ['', '{', 'null', '{}', '{"gateways":{}}', '{"gateways":[{"address":1,"port":2}]}', '[]']) {
      const choice = chooseGateways({ flag: null, environment: null, cluster: { path: 'c.json', text } });
      expect(choice, text).to.match(/^c\.json: /);
    }
  });
});

describe('cnapp: names of partial files', () => {
  it('says the content, and fits into 255 bytes', () => {
    expect(partName('a.txt', 'ab'.repeat(32))).to.equal('a.txt.abababababababab.part');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 255 }), (name) => {
        expect(Buffer.byteLength(partName(name, 'ab'.repeat(32)))).to.be.at.most(255);
      }),
    );
  });
});

describe('cnapp: Tab completion', () => {
  const complete = (line: string, names: string[] = []): string[] => completions(completionPoint(line), names);
  it('verbs, aliases, options, formats', () => {
    expect(complete('send')).to.deep.equal(['send-post', 'send-file']);
    expect(complete('who')).to.deep.equal(['whoami']);
    expect(complete('send_')).to.deep.equal(['send_post', 'send_file']);
    expect(complete('retr')).to.include('retrieve_last_10_posts');
    expect(complete('file_')).to.deep.equal(['file_transfer']);
    expect(complete('help last-p')).to.deep.equal(['last-posts']);
    expect(complete('get-file --')).to.deep.equal(['--out', '--help']);
    expect(complete('last-posts -o j')).to.deep.equal(['json']);
    expect(complete('file_transfer g')).to.deep.equal(['get']);
    expect(complete('nonsense a')).to.deep.equal([]);
    expect(complete('send-post a')).to.deep.equal([]);
  });
  it('file names, quoted where needed, only for the first argument', () => {
    expect(completionPoint('get-file ').kind).to.equal('serverFile');
    expect(completionPoint('file_transfer get x').kind).to.equal('serverFile');
    expect(completionPoint('send-file ./a').kind).to.equal('localFile');
    expect(completionPoint('get-file --out x').kind).to.equal('localFile');
    expect(completionPoint('get-file --out x ').kind).to.equal('serverFile');
    expect(completionPoint('get-file a ').kind).to.equal('nothing');
    expect(complete('get-file h', ['holiday.jpg', 'x'])).to.deep.equal(['holiday.jpg']);
    expect(complete("get-file 'my f", ['my file'])).to.deep.equal(["'my file'"]);
    expect(completionPoint("get-file 'my f").start).to.equal(9);
  });
  it('property: a quoted word is read back as it was', () => {
    const word = fc.string().filter((text) => text !== '');
    fc.assert(fc.property(word, (text) => void expect(shlex.split(quoted(text))).to.deep.equal([text])));
  });
  it('property: never throws', () => {
    fc.assert(fc.property(fc.string(), (line) => void complete(line, ['a'])));
  });
});

describe('cnapp: verbs', () => {
  it('has the verbs of design.md and the mode names of the slides, each word once', () => {
    expect(VERBS.map((verb) => verb.name)).to.deep.equal([
      'register',
      'login',
      'logout',
      'whoami',
      'send-post',
      'last-posts',
      'send-file',
      'get-file',
      'list-files',
    ]);
    const words = VERBS.flatMap((verb) => [verb.name, ...verb.aliases]);
    expect(new Set(words).size).to.equal(words.length);
    expect(words).to.include.members(['registration', 'send_post', 'retrieve_last_10_posts']);
  });
});
