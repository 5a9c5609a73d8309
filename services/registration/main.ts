/** The process of registration: what it does is in service.ts. */
import { runService } from '../kit/main.ts';
import { create } from './service.ts';

runService(create);
