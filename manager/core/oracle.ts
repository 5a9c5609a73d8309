/**
 * Who answers for a policy that is a file of somebody's own.
 *
 * Lives here: question and answer. Does not live here: how it is run (manager/shell/policy-oracle.ts), what is done with
 * the answer (consult.ts). An oracle never throws; whatever goes wrong is an answer too.
 */
import type { Json, PolicyKind, PolicyViews } from '../../ssmmp/core/policy.ts';

export interface PolicyQuestion {
  readonly kind: PolicyKind;
  readonly file: string;
  readonly code: string;
  readonly view: PolicyViews[PolicyKind];
}

/** What it returned, or a sentence why it returned nothing. Plain data: it is journaled with the input it belongs to. */
export type PolicyAnswer = { readonly choice: Json } | { readonly problem: string };

export type PolicyOracle = (question: PolicyQuestion) => PolicyAnswer;
