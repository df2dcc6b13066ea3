/** The same on every machine: messages in English, times fixed where tools ask for one. FINN_SCRATCH tells of which call a process is, should finn be killed. */
export const environment = {
  LC_ALL: 'C',
  LANG: 'C',
  TZ: 'UTC',
  SOURCE_DATE_EPOCH: '0',
  // Credentials are finn's own.
  FINN_REMOTE_USER: undefined,
  FINN_REMOTE_PASSWORD: undefined,
  FINN_REMOTE_TOKEN: undefined,
};
