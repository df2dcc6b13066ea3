import type http from 'node:http';
import type https from 'node:https';
import { createRequire } from 'node:module';

// Loaded when they are first asked for: that takes 10 ms, and a build in which nothing has changed needs neither.
const load = createRequire(import.meta.url);

/** Node's module for this protocol: 'http:' or 'https:'. */
export const moduleFor = (protocol: string): typeof http | typeof https =>
  protocol === 'https:' ? load('node:https') : load('node:http');
