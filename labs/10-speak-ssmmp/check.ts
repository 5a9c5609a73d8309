/**
 * Lab 10: an agent in any language, driven as a Manager and as instances would.
 *
 * Lives here: the list of items. Does not live here: what each expects (items/), the bench (driver/).
 *
 * Theory. Nothing here sleeps. "Not before the hello" is checked with a barrier: the agent's answer to a health request
 * that was sent later. "Only once" likewise. What is refused to be answered is followed by something that must be answered.
 */
import { defineChecks } from '../runner/api.ts';
import { life } from './items/life.ts';
import { link } from './items/link.ts';
import { messages } from './items/messages.ts';

export const checks = defineChecks({ ...link, ...life, ...messages });
