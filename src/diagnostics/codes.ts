/**
 * Every code a diagnostic may carry, with the sentence that explains it. Codes are stable: scripts match on them.
 * The part before the slash names the area; keep each area's codes together and alphabetical.
 */
export const codes = {
  'internal/bug': 'finn itself is wrong; please report it with the bundle of the failed step.',
} as const satisfies Record<string, string>;

export type Code = keyof typeof codes;
