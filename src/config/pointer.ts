/** '' + 'networks' + 'a/b' → '/networks/a~1b' (RFC 6901). */
export const child = (pointer: string, key: string | number): string =>
  `${pointer}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`;

/** The keys of a pointer, unescaped. */
export const keys = (pointer: string): string[] =>
  pointer === ''
    ? []
    : pointer
        .slice(1)
        .split('/')
        .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));

/** '/networks/a~1b/model' → 'networks.a/b.model', as messages write it. */
export const dotted = (pointer: string): string => keys(pointer).join('.');
