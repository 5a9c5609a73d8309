/** docs/policies.md: its examples are the files in labs/policies, and do what it says of them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { balancing } from '../../../labs/policies/balancing.ts';
import { placement } from '../../../labs/policies/placement.ts';
import { restart } from '../../../labs/policies/restart.ts';
import { scaling } from '../../../labs/policies/scaling.ts';
import { choiceProblem, POLICY_KINDS, type ScalingView } from '../../../ssmmp/core/policy.ts';
import { compilePolicy } from '../../../ssmmp/shell/policy-file.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const DOCS = readFileSync(join(ROOT, 'docs', 'policies.md'), 'utf8');

describe('docs/policies.md', () => {
  for (const kind of POLICY_KINDS)
    it(`shows labs/policies/${kind}.ts as it is, and it compiles`, async () => {
      const folder = join(ROOT, 'labs', 'policies');
      const text = readFileSync(join(folder, `${kind}.ts`), 'utf8');
      expect(DOCS).to.include(`\`\`\`ts\n${text}\`\`\``);
      expect(await compilePolicy(kind, `./${kind}.ts`, folder)).to.include({ ok: true });
    });

  it('its try without a cluster prints what it says', () => {
    const rest = { node: 1, version: null, weight: 1, load: null };
    const candidates = [
      { ...rest, instance: 5, sessions: 1, inFlight: 9 },
      { ...rest, instance: 6, sessions: 4, inFlight: 0 },
    ];
    const view = { at: 0, service: 'post', state: null, source: null, last: 0, choices: 0, candidates };
    expect(balancing(view)).to.deep.equal({ instance: 6 });
    expect(DOCS).to.include('{ instance: 6 }');
  });

  it('placement: stores go to even nodes, the rest where there is room', () => {
    const nodes = [3, 1, 0].map((instances, at) => ({ node: at + 1, address: '', instances, replicas: 0 }));
    const common = { at: 0, service: 's', state: null, version: null, nodes };
    expect(placement({ ...common, kind: 'baas' })).to.deep.equal({ node: 2 });
    expect(placement({ ...common, kind: 'service' })).to.deep.equal({ node: 3 });
  });

  it('scaling: up at once, steady at a steady rate, down when there is room to spare', () => {
    let view: ScalingView = {
      ...{ at: 0, service: 'post', state: null, desired: 1, min: 1, max: 5, sinceMs: 0, starting: 0, waiting: 0 },
      replicas: [],
      limits: { hotMs: 0, coldMs: 0 },
    };
    const rest = { instance: 1, node: 1, version: null, onForMs: 9000, load: 0, overloaded: false, inFlight: 0 };
    const beat = (rate: number): number => {
      const choice = scaling(view);
      expect(choiceProblem('scaling', view, choice)).to.equal(null);
      const replicas = [{ ...rest, requests: 0, requestsSince: rate / 2, sessions: 1 }];
      view = { ...view, sinceMs: 500, state: choice.state ?? null, desired: choice.replicas, replicas };
      return choice.replicas;
    };
    const last = (rate: number, beats: number): number => Array.from({ length: beats }, () => beat(rate)).at(-1) ?? 0;
    expect(last(180, 60)).to.equal(4);
    expect(last(150, 60)).to.equal(4);
    expect(last(20, 100)).to.equal(1);
  });

  it('restart: at once, then after a second, then not for a minute', () => {
    const limits = { firstMs: 200, mostMs: 10_000, windowMs: 30_000, restartsMax: 5 };
    const view = { at: 0, service: 's', state: null, instance: 1, ranMs: 5, reason: 'code 1', limits };
    const after = (count: number) => restart({ ...view, failures: Array.from({ length: count }, () => 0) });
    expect(after(0)).to.deep.equal({ waitMs: 0 });
    expect(after(9)).to.deep.equal({ waitMs: 1000 });
    expect(after(10)).to.include({ waitMs: 60_000, crashLooping: true });
  });
});
