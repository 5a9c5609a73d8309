/**
 * The check of lab 5: do predictions and measured times agree with the student's own journal and trace, and do the formulas
 * hold in a cluster with other durations?
 *
 * Lives here: the items. Does not live here: reading answers (answers.ts), finding failures (failures.ts).
 *
 * A number can be right for a wrong reason: with the default table, seven heartbeats are as long as what is really waited for.
 * So a formula is the explanation, and a second table of timers is its test.
 */
import { scaledTimers } from '../../ssmmp/core/timers.ts';
import { defineChecks, expectThat, linesOf, typeOf, Unmet } from '../runner/api.ts';
import type { LabCluster } from '../runner/api.ts';
import { answersOf, expectMeasured, expectPredicted, valueOf } from './answers.ts';
import { crashesOf, hangsOf, lostNodesOf, twicesOf } from './failures.ts';

/** Between two entries of the trace about one message. */
const SAME_MESSAGE_MS = 30;
/** The cluster of the check: another preset, by one of these factors. */
const ELSEWHERE_PRESET = 'nomad';
const ELSEWHERE_FACTORS = [0.2, 0.22, 0.25];
/** A range that is wider than the time between two questions, and this part of it, says less than it could. */
const WIDER_MAX = 1.2;
/** A bound may be missed by so much: clocks of two processes, and a machine that has other things to do. */
const EARLY_MS = 100;
const LATE_MS = 500;
const GIVEN_UP_MS = 40_000;

export const checks = defineChecks({
  crash: async (work) => {
    const answers = answersOf(work);
    const { died, started, wait_ms: wait } = answers.crash;
    const crash = crashesOf(await work.evidence()).find((each) => each.died.seq === died);
    if (crash === undefined) throw noEvent('crash.died', 'of an instance that a signal ended', died);
    expectThat(crash.waitMs >= EARLY_MS, {
      expected: 'crash.died: a death whose next start had to wait',
      came: `${died}, after which an instance was started within ${crash.waitMs} ms`,
      remark: 'Crash the same service twice, the second time less than ten seconds after the start of what you crash.',
    });
    expectThat(started === crash.started.seq, {
      expected: 'crash.started: the number of the event by which the same service is started next',
      came: `${started}`,
    });
    expectMeasured('crash.wait_ms', wait, crash.waitMs, 'from died to started');
    expectPredicted(answers, 'crash_wait', crash.waitMs);
  },

  hang: async (work) => {
    const answers = answersOf(work);
    const { last_answer: last, given_up: givenUp, given_up_ms: came } = answers.hang;
    const evidence = await work.evidence();
    const hang = hangsOf(evidence).find((each) => each.givenUp.seq === givenUp);
    if (hang === undefined) throw noEvent('hang.given_up', 'by which an instance that hung was given up', givenUp);
    expectThat(
      hang.lastAnswers.some((time) => apartMs(time, last) <= SAME_MESSAGE_MS),
      {
        expected: `hang.last_answer: the time at which ${hang.instance} sent its last service_instance_health_response`,
        came: `'${last}'`,
        remark: 'A question is not an answer: look at who speaks to whom.',
      },
    );
    const from = Date.parse(hang.lastAnswers[0] ?? '') - 1;
    const silence = evidence.trace.filter(
      ({ time, message }) =>
        Date.parse(time) >= from &&
        Date.parse(time) <= hang.givenUp.at &&
        typeOf(message).startsWith('service_instance_health') &&
        message.includes(`service_instance_id: ${hang.instance.split('/')[1] ?? ''} `),
    );
    work.show(`${hang.instance} hangs`, silence);
    expectMeasured('hang.given_up_ms', came, hang.givenUpMs, 'from the last answer to the event');
    expectPredicted(answers, 'hang_given_up', hang.givenUpMs);
  },

  node: async (work) => {
    const answers = answersOf(work);
    const { suspected, lost, served, suspect_ms: suspectMs, lost_ms: lostMs, served_ms: servedMs } = answers.node;
    const loss = lostNodesOf(await work.evidence()).find((each) => each.lost.seq === lost);
    if (loss === undefined) throw noEvent('node.lost', 'by which a node was lost', lost);
    expectThat(suspected === loss.suspected.seq, {
      expected: 'node.suspected: the number of the event by which the same node became suspect',
      came: `${suspected}`,
    });
    const on = loss.served.find(({ seq }) => seq === served);
    if (on === undefined)
      throw noEvent('node.served', "'starting → on', of an instance started when the node was lost", served);
    const times = [
      ['suspect', suspectMs, loss.suspected.at],
      ['lost', lostMs, loss.lost.at],
      ['served', servedMs, on.at],
    ] as const;
    for (const [name, came, at] of times) {
      expectMeasured(`node.${name}_ms`, came, at - loss.lastWordAt, "from the node's last word");
      expectPredicted(answers, `node_${name}`, at - loss.lastWordAt);
    }
  },

  partition: async (work) => {
    const { old, new: replacement, both_ms: bothMs } = answersOf(work).partition;
    const twices = twicesOf(await work.evidence());
    expectThat(twices.length > 0, {
      expected: 'an instance in your journal that came back after it had been replaced',
      came: 'none',
      remark: 'Cut the node off, wait until it is lost and replaced, and heal it then (step 6).',
    });
    const twice = twices.find((each) => each.old === old);
    expectThat(twice !== undefined, {
      expected: 'partition.old: an instance that came back after it had been replaced',
      came: `'${old}'`,
      remark: 'A process that was killed does not come back.',
    });
    expectThat(replacement === twice.new, {
      expected: `partition.new: the instance that was started in place of ${old}`,
      came: `'${replacement}'`,
    });
    expectMeasured('partition.both_ms', bothMs, twice.bothMs, `from ${replacement} on to ${old} off`);
  },

  elsewhere: async (work) => {
    const answers = answersOf(work);
    const factor = ELSEWHERE_FACTORS[work.chance.below(ELSEWHERE_FACTORS.length)] ?? 1;
    const timers = scaledTimers(factor, ELSEWHERE_PRESET);
    const hang = [valueOf(answers, 'hang_at_least', timers), valueOf(answers, 'hang_at_most', timers)] as const;
    const node = [
      valueOf(answers, 'node_lost_at_least', timers),
      valueOf(answers, 'node_lost_at_most', timers),
    ] as const;
    expectNarrow('hang', hang, timers.instanceHealthMs);
    expectNarrow('node_lost', node, timers.heartbeatMs);
    const cluster = await work.up({ nodes: 3, timerScale: factor, args: ['--timers', ELSEWHERE_PRESET] });
    await cluster.must('scale', 'post', '1');
    const [row] = await cluster.running('post', 1);
    const instance = `post/${row?.service_instance_id ?? 0}`;
    // nothing but the gateway's node holds what users need, so the third is one that can go
    const addresses = [2, 3].map((n) => cluster.node(n));
    const gone = addresses.find((address) => address !== row?.service_instance_network_address) ?? cluster.node(3);
    // Of the Manager's questions: the answer that reports the start has no load, and nobody asked for it.
    await cluster.evidenceOf(`an answer of ${instance}`, ({ trace }) =>
      trace.some(({ from, message }) => from === instance && linesOf(message).has('x_load')),
    );
    const stoppedAt = await faultAt(cluster, 'stop', 'instance', instance);
    const offAt = await faultAt(cluster, 'node-off', gone);
    const seen = await cluster.evidenceOf(
      `${instance} is given up and ${gone} lost`,
      (evidence) => {
        const [hung] = hangsOf(evidence);
        const loss = lostNodesOf(evidence).find(({ lost: { data } }) => data['agent_network_address'] === gone);
        return hung !== undefined && loss !== undefined ? { hung, loss } : null;
      },
      GIVEN_UP_MS,
    );
    const where = `--timers ${ELSEWHERE_PRESET} --timer-scale ${factor}`;
    const { givenUp, askedAt } = seen.hung;
    const { lost, lastWordAt } = seen.loss;
    expectHolds('hang', hang, { fromFaultMs: givenUp.at - stoppedAt, silentMs: givenUp.at - askedAt }, where);
    expectHolds('node_lost', node, { fromFaultMs: lost.at - offAt, silentMs: lost.at - lastWordAt }, where);
  },
});

/** Does a fault; milliseconds since 1970 when it began. */
async function faultAt(cluster: LabCluster, ...words: string[]): Promise<number> {
  const [fault] = JSON.parse(await cluster.must('fault', ...words, '-o', 'json')) as { since: string }[];
  return Date.parse(fault?.since ?? '');
}

function expectNarrow(name: string, [from, to]: readonly [number, number], periodMs: number): void {
  expectThat(to > from && to - from <= periodMs * WIDER_MAX, {
    expected: `formulas.${name}_at_least and _at_most: two bounds, the second later, and as near as they can be said`,
    came: `with other timers than yours: ${from} and ${to} ms`,
    remark: 'The fault comes at any moment between two questions. How much does that make?',
  });
}

/**
 * What was measured from the fault lies between the bounds. The later bound is also what is measured from the last word on (of an
 * instance: from the question that it answered last, which is hardly earlier, and not late on a busy machine): the fault came
 * right after it then. That one does not depend on when the fault came, so no formula holds by luck.
 */
function expectHolds(
  name: string,
  [from, to]: readonly [number, number],
  { fromFaultMs, silentMs }: { readonly fromFaultMs: number; readonly silentMs: number },
  where: string,
): void {
  const isBetween = fromFaultMs >= from - EARLY_MS && fromFaultMs <= to + LATE_MS;
  const isWhole = silentMs >= to - EARLY_MS && silentMs <= to + LATE_MS;
  expectThat(isBetween && isWhole, {
    expected: `formulas.${name}_at_least and _at_most that hold with ${where}`,
    came: `they give ${from} to ${to} ms; it took ${fromFaultMs} ms from the fault and ${silentMs} ms from the last word`,
    remark:
      'With your own table the same sum may come from other timers by chance. When does the Manager look at its clock?',
  });
}

/** Milliseconds between an ISO time and a time of day as the trace prints it; Infinity where it is none. */
function apartMs(iso: string, timeOfDay: string): number {
  const apart = Math.abs(Date.parse(`${iso.slice(0, 'yyyy-mm-ddT'.length)}${timeOfDay.trim()}Z`) - Date.parse(iso));
  return Number.isNaN(apart) ? Number.POSITIVE_INFINITY : apart;
}

function noEvent(name: string, which: string, came: number): Unmet {
  return new Unmet({
    expected: `${name}: the number of an event ${which}, in your journal`,
    came: `${came}`,
    remark: '`npx ssmmp events -o wide` shows the numbers.',
  });
}
