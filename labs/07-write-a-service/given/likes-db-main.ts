/** The process of likes-db: what it does is in likes-db.ts. */
import { runService } from '../../../services/kit/main.ts';
import { create } from './likes-db.ts';

runService((context) => create(context));
