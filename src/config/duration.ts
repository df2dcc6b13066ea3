/** '90s', '30min' or '1.5h' in seconds. The form is the schema's business. */
export function parseDuration(text: string): number {
  const [, number, unit] = /^([0-9.]+) ?(s|min|h)$/.exec(text)!;
  return Number(number) * { s: 1, min: 60, h: 3600 }[unit as 's' | 'min' | 'h'];
}

/** Seconds by step, of the limits that a recipe or a config writes. */
export const timeLimits = (written: Readonly<Record<string, string | undefined>> | undefined): Map<string, number> =>
  new Map(
    Object.entries(written ?? {}).flatMap(([step, text]) => (text === undefined ? [] : [[step, parseDuration(text)]])),
  );
