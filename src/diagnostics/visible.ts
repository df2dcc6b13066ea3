/** What rewrites a terminal or the order of letters: control characters, and those that turn the direction of writing. */
const unseen = '\\p{Cc}\\u061c\\u200e\\u200f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069';
const shy = new RegExp(`(?!\\n)[${unseen}]`, 'gu');
/** The same, but for the few colours that finn writes itself. */
const shyButColours = new RegExp(`\\u001b\\[(?:[012]|1;3[0-7])m|(?!\\n)[${unseen}]`, 'gu');

/** Text of others for a terminal: nothing in it acts, and a tab is one column wide. Line ends stay. */
export const visible = (text: string): string => text.replace(/\t/g, ' ').replace(shy, '\ufffd');

/** A line of ours with text of others in it: nothing in it acts but colours. Line ends stay, and JSON says the same as before. */
export function harmless(line: string): string {
  const isJson = line.startsWith('{') || line.startsWith('[');
  const instead = (found: string): string => {
    if (found.length > 1) return found;
    return isJson ? `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}` : '\ufffd';
  };
  return (isJson ? line : line.replace(/\t/g, ' ')).replace(shyButColours, instead);
}

/** The beginning of a text where it is longer than anybody reads. */
export const shortened = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most)}… (${text.length - most} more characters)`;
