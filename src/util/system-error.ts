const words: Readonly<Record<string, string>> = {
  EACCES: 'not permitted',
  EDQUOT: 'the quota is used up',
  EIO: 'the disk does not answer as it should',
  EISDIR: 'it is a folder',
  ELOOP: 'its links lead in a circle',
  EMFILE: 'too many files are open',
  ENAMETOOLONG: 'the path is too long',
  ENOENT: 'no such file',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'no such file',
  ENOTEMPTY: 'it is not empty',
  EPERM: 'not permitted',
  EROFS: 'the file system may only be read',
};

/** Why something cannot be done to a file, in words: 'no such file', 'not permitted'. */
export function reason(thrown: unknown): string {
  const { code } = thrown as { code?: unknown };
  return words[String(code)] ?? String(code ?? thrown);
}

/**
 * What the system refused, in words: 'digits.onnx: not permitted'. Undefined for what is not of the system's refusals; a
 * file that is missing where finn takes it to be there is none of them.
 */
export function refusalOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error)) return undefined;
  const { code, path, syscall } = thrown as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined || code === 'ENOENT' || words[code] === undefined) return undefined;
  return `${path ?? syscall}: ${reason(thrown)}`;
}
