import { homedir, hostname, tmpdir, userInfo } from 'node:os';
import { dirname, resolve } from 'node:path';
import type { Project } from '../config/project.ts';

/** What of this machine and of whoever uses it is not for others. */
export interface Private {
  /** The text with placeholders: `<run>`, `<cache>`, `<project>`, `<home>`, `<tmp>`, `<host>`, `<user>`, `<credentials>`. */
  redact(text: string): string;
  /** Does a text have anything of it? */
  isIn(text: string): boolean;
}

/** Folders, names and credentials of this machine, the longest first. */
export function privateOf(project: Project): Private {
  const folders: [string, string][] = [
    [project.cache.path, '<cache>'],
    [project.configPath === undefined ? resolve('.') : dirname(project.configPath), '<project>'],
    [homedir(), '<home>'],
    [tmpdir(), '<tmp>'],
  ];
  const authorization = project.remote?.authorization;
  const secrets = authorization === undefined ? [] : [authorization, ...secretsOf(authorization)];
  const texts = [
    ...folders.filter(([path]) => path.length > 1),
    ...secrets.filter((secret) => secret.length > 3).map((secret): [string, string] => [secret, '<credentials>']),
  ].sort(([a], [b]) => b.length - a.length);
  // Words that mean nothing by themselves, such as root and localhost, tell nothing and stand in many logs.
  const words = (
    [
      [hostname(), '<host>'],
      [userName(), '<user>'],
    ] as const
  ).filter(([word]) => word.length > 2 && !['root', 'localhost', 'user', 'node'].includes(word));
  const redact = (text: string): string => {
    let told = text.replace(/(\w+:\/\/)[^/\s@]+@/g, '$1<credentials>@');
    for (const [secret, name] of texts) told = told.replaceAll(secret, name);
    // The folder that the call ran in, which has another name each time.
    told = told.replace(/<cache>\/work\/(scratch|job)-[\w-]+/g, '<run>');
    for (const [word, name] of words)
      told = told.replaceAll(new RegExp(`(?<![\\w-])${literal(word)}(?![\\w-])`, 'g'), name);
    return told;
  };
  return { redact, isIn: (text) => redact(text) !== text };
}

/** 'Basic dXNlcjpwYXNz' → the user, the password, and what is written. */
function secretsOf(authorization: string): string[] {
  const [scheme = '', token = ''] = authorization.split(' ');
  if (scheme !== 'Basic') return [token];
  const decoded = Buffer.from(token, 'base64').toString();
  return [token, decoded, decoded.slice(decoded.indexOf(':') + 1)];
}

/** The name of whoever runs this; '' where the system knows none. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return '';
  }
}

const literal = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
