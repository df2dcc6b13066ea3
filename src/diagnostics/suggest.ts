/** Damerau-Levenshtein distance (adjacent swaps count one, no substring is edited twice), case ignored at half price. */
export function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      const alike = a[i - 1]!.toLowerCase() === b[j - 1]!.toLowerCase();
      let least = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + (same ? 0 : alike ? 0.5 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, rows[i - 2]![j - 2]! + 1);
      row.push(least);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}

/** The legal word nearest to what was written, if near enough to be meant: a third of its letters may differ. */
export function closest(written: string, legal: Iterable<string>): string | undefined {
  if (written.length > 80) return undefined;
  let best: { word: string; far: number } | undefined;
  for (const word of legal) {
    const plain = (text: string): string => text.toLowerCase().replaceAll(/[_\-. ]/g, '');
    const far = plain(word) === plain(written) ? 0.25 : distance(written, word);
    const limit = Math.max(1, Math.floor(Math.max(word.length, written.length) / 3));
    if (far <= limit && (!best || far < best.far)) best = { word, far };
  }
  return best?.word;
}

/** Hint for a mistyped name: 'did you mean `x`? Legal: a, b, x'. The list ends after 20 names. */
export function didYouMean(written: string, legal: readonly string[], what = 'legal'): string {
  const near = closest(written, legal);
  const shown = legal.length > 20 ? [...legal.slice(0, 20), `… (${legal.length} in all)`] : legal;
  return [...(near === undefined ? [] : [`did you mean \`${near}\`?`]), `${what}: ${shown.join(', ') || 'none'}`].join(
    ' ',
  );
}
