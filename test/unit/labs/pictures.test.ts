/**
 * The pictures of the chapters: every lab has one, every one is shown with words for who cannot see it and a sentence on what to
 * look at, and every file is an SVG document that says nothing about the machine that drew it. And how they are drawn.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { plotFile } from '../../../load/core/plot.ts';
import { pictureSvg } from '../../../labs/runner/core/picture.ts';
import type { Picture } from '../../../labs/runner/core/picture.ts';
import { sequenceSvg } from '../../../labs/runner/core/sequence.ts';
import { readLabs } from '../../../labs/runner/shell/lab-folder.ts';
import { placesOf } from '../../../labs/runner/shell/places.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url)).replace(/[\\/]$/, '');
const BYTES_MAX = 60_000;
/** Fewer letters are a name, not words for somebody who cannot see the picture. */
const ALT_LETTERS_MIN = 20;

/** What keeps a text from being a well-formed XML document; '' for nothing. */
function illFormed(svg: string): string {
  const open: string[] = [];
  let end = 0;
  for (const { index, 0: tag, 1: close, 2: name = '', 3: rest = '', 4: alone } of svg.matchAll(
    /<(\/?)([a-zA-Z][\w:-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/g,
  )) {
    const text = svg.slice(end, index);
    if (/[<>]/.test(text) || (open.length === 0 && text.trim() !== '')) return `text ${text} before ${tag}`;
    const attributes = [...rest.matchAll(/\s([\w:-]+)="/g)].map(([, attribute]) => attribute);
    if (new Set(attributes).size !== attributes.length) return `an attribute twice in ${tag}`;
    if (close === '/' && open.pop() !== name) return `${tag} closes something else`;
    if (close !== '/' && open.length === 0 && end > 0) return `${tag} is a second root`;
    if (close !== '/' && alone !== '/') open.push(name);
    end = index + tag.length;
  }
  const wrong = /&(?!(?:#\d+|amp|lt|gt|quot|apos);)/.exec(svg);
  if (wrong !== null) return `a bare & at ${wrong.index}`;
  return open.length > 0 || svg.slice(end).trim() !== '' ? `it ends inside ${open.join(' ')}: ${svg.slice(end)}` : '';
}

describe('labs: pictures of the chapters', () => {
  it('what is no document is told from what is one', () => {
    expect(illFormed('<svg a="1"><g><b/>x &#60;</g></svg>\n')).to.equal('');
    const broken = [
      '<svg>',
      '<svg><g></svg>',
      '<svg>a & b</svg>',
      '<svg a=1></svg>',
      '<svg>1 < 2</svg>',
      '<a/><b/>',
      '<svg/>x',
    ];
    for (const text of broken) expect(illFormed(text), text).not.to.equal('');
  });

  for (const { name, folder } of readLabs(placesOf(ROOT))) {
    it(`${name} has pictures, each with words`, () => {
      const chapter = readFileSync(join(folder, 'README.md'), 'utf8');
      const shown = [...chapter.matchAll(/^!\[(.*)\]\((.*)\)\n\n(?=(.*)$)/gm)];
      expect(shown.length, 'pictures in README.md').to.be.at.least(1);
      for (const [, alt = '', path = '', below = ''] of shown) {
        expect(existsSync(join(folder, path)), path).to.equal(true);
        expect(alt.length, `alt text of ${path}`).to.be.at.least(ALT_LETTERS_MIN);
        expect(below, `what stands below ${path}`).to.match(/^(?:[A-Z*(]|!\[)/);
      }
      const files = readdirSync(join(folder, 'pictures')).map((file) => `pictures/${file}`);
      expect(shown.map(([, , path]) => path).sort()).to.deep.equal(files.sort());
      expect(existsSync(join(folder, 'pictures.ts')), 'what draws them').to.equal(true);
      for (const path of files) {
        const svg = readFileSync(join(folder, path), 'utf8');
        expect(svg.length, path).to.be.below(BYTES_MAX);
        expect(illFormed(svg), path).to.equal('');
        expect(svg, path).to.match(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
        expect(svg, `${path} has a ground of its own`).to.match(/<rect [^>]*fill="(?:#fff|white)"/);
        expect(svg, path).not.to.match(/NaN|undefined|Infinity|<script|href=|\/(?:home|root|tmp|work|Users)\//);
        expect(svg.match(/\b127\.\d+\.\d+\.\d+/g) ?? [], path).to.satisfy((all: string[]) =>
          all.every((address) => address.startsWith('127.0.0.')),
        );
      }
    });
  }
});

describe('labs: how a picture is drawn', () => {
  const lines = [{ name: 'a <b>', points: [[0, 1], [2, 3]] as const }]; // prettier-ignore

  it('a plot as a file has its title, its ground and its marks, and is a document', () => {
    const svg = plotFile('T & <t>', 2, lines, [{ second: 1, name: 'killed' }]);
    expect(illFormed(svg)).to.equal('');
    expect(svg).to.include('T &#38; &#60;t&#62;').and.include('killed').and.include('fill="#fff"');
    expect(plotFile('t', 2, lines)).not.to.include('killed');
  });

  it('a plot names round moments', () => {
    const moments = [...plotFile('t', 67, lines).matchAll(/>([\d.]+) s</g)].map(([, at]) => at);
    expect(moments).to.deep.equal(['0', '10', '20', '30', '40', '50', '60']);
  });

  it('an edge that is pointed at stands out, and no other', () => {
    const text =
      'services: {g: {kind: gateway, public: {u: 1}}, d: {kind: baas}}\nedges: [[g, [p, s], d], [g, [q, s], d]]';
    const marked = pictureSvg({ kind: 'graph', text, marked: 'g/p' });
    expect(illFormed(marked)).to.equal('');
    expect(marked.match(/url\(#marked\)/g)).to.have.length(1);
    expect(pictureSvg({ kind: 'graph', text })).not.to.include('marked');
    expect(() => pictureSvg({ kind: 'graph', text: 'edges: [' })).to.throw('graph.yaml:1');
  });

  it('notes stand between messages, also at the edge, where there would be no room', () => {
    const message = {
      time: 'T1.0',
      hop: 'agent-Manager',
      from: 'agent 1',
      to: 'Manager',
      exchange: 'a/1',
      message: 'type: x',
    };
    const svg = sequenceSvg([
      message,
      { time: 'T2.0', over: null, text: '*** a fault' },
      { time: 'T3.0', over: 'Manager', text: 'long '.repeat(20) },
    ]);
    expect(illFormed(svg)).to.equal('');
    expect(svg.match(/<rect x=/g), 'columns').to.have.length(2);
    expect(svg)
      .to.include('*** a fault')
      .and.match(/text-anchor="end"[^>]*>long /);
  });

  it('addresses are those of chapters, and a picture of nothing is an error', () => {
    const svg = pictureSvg({ kind: 'drawn', svg: '<svg><text>127.77.3.12:54000</text></svg>' });
    expect(svg).to.equal('<svg><text>127.0.0.12:54000</text></svg>\n');
    const nothing: Picture[] = [
      { kind: 'messages', entries: [] },
      { kind: 'plot', title: 't', seconds: 2, lines: [] },
      { kind: 'plot', title: 't', seconds: 2, lines: [{ name: 'a', points: [] }] },
      { kind: 'plot', title: 't', seconds: 0, lines },
    ];
    for (const picture of nothing) expect(() => pictureSvg(picture)).to.throw('a picture of nothing');
  });
});
